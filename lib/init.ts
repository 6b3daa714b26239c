import type { Shape } from './graph/tensor.js';
import type { Random } from './random.js';

/** Makes the first values of a parameter of this shape. */
export type Initializer = (shape: Shape, random: Random) => Float32Array;
