/**
 * The kernels by themselves: synchronous functions on typed arrays, on the calling thread and the pool, without a graph.
 * Matrices are row-major; sizes and strides are in elements. Pass `subarray()` to begin elsewhere. All throw OptionError for
 * options of the wrong kind and ShapeError for arrays that are too short, or that overlap where they must not.
 * @packageDocumentation
 */
export type { Activation, MapOp, ReduceKind, SoftmaxKind } from './compile/instructions/index.js';
export * from './kernels/elements.js';
export * from './kernels/images.js';
export * from './kernels/products.js';
export * from './kernels/recurrent.js';
export * from './kernels/rows.js';
export type { NumericArray } from './native.js';
