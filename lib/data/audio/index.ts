export { type MelFilterOptions, type MelScale, melFilters } from './mel.js';
export { MelSpectrogram, type MelSpectrogramOptions } from './mel-spectrogram.js';
export { Mfcc, type MfccOptions, decibels } from './mfcc.js';
export { resample } from './resample.js';
export { Stft, type StftOptions } from './stft.js';
export { type Wav, type WavOptions, readWav } from './wav.js';
export { type WavFolder, type WavFolderOptions, wavFolder } from './wav-folder.js';
export type { WindowKind } from './window.js';
