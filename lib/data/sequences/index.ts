export { BucketedBatches, type BucketOptions, type SequenceData } from './bucketed-batches.js';
export { type PadSequencesOptions, type PaddedSequences, type Sequence, padSequences } from './pad.js';
export {
  RandomTokenWindows,
  type RandomWindowOptions,
  type TokenRows,
  type TokenStreamOptions,
  type TokenWindowOptions,
  tokenStreams,
  tokenWindows,
} from './token-windows.js';
