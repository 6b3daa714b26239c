export * from './bce-with-logits.js';
export type { ClassWeighting } from './class-ids.js';
export * from './cross-entropy.js';
export { ElementwiseLoss, type ElementwiseLossOptions } from './elementwise-loss.js';
export * from './loss.js';
export * from './nll.js';
export * from './penalty.js';
export * from './regression.js';
export type { ReductionOptions } from './reduction.js';
