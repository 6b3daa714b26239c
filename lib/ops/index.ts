/** Every operation a layer, loss, optimizer or metric is written in. */
export * from './broadcast.js';
export * from './elementwise.js';
export * from './gather.js';
export * from './matmul.js';
export * from './random.js';
export * from './reduce.js';
export * from './rows.js';
export * from './shape.js';
