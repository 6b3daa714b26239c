export * from './decay.js';
export * from './linear.js';
export * from './one-cycle.js';
