export * from './adagrad.js';
export * from './adam.js';
export * from './adamw.js';
export type { AdamOptions, Moments } from './moments.js';
export * from './optimizer.js';
export * from './rmsprop.js';
export * from './sgd.js';
