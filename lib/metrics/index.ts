export * from './accuracy.js';
export * from './confusion-matrix.js';
export * from './metric.js';
export * from './perplexity.js';
export * from './positives.js';
export * from './regression.js';
export * from './roc-auc.js';
export * from './top-k.js';
