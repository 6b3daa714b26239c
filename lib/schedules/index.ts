export * from './decay.js';
export * from './linear.js';
