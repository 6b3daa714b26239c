export * from './idx.js';
export * from './split.js';
export * from './transform.js';
