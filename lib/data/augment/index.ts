export type { Augmentation, RandomScope, TensorBatch } from './augmentation.js';
export * from './cutout.js';
export type { OutsideOptions } from './geometric.js';
export * from './mixup.js';
export * from './normalize.js';
export * from './random-crop.js';
export * from './random-flip.js';
export * from './random-rotation.js';
export * from './random-shift.js';
