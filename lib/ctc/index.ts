export { type CtcBeamSearchOptions, type CtcReading, ctcBeamSearch } from './beam-search.js';
export { type CtcDecodeOptions, ctcDecode } from './decode.js';
export type { CtcFrameOptions } from './frames.js';
