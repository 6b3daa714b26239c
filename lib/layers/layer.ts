import type { Tensor } from '../graph/tensor.js';
import type { Scope } from './scope.js';

/**
 * A part of a model: its options and one `forward`. It holds no data; parameters are asked of the scope by name, with their
 * shape taken from the input, so input sizes are never declared. Concrete layers are final: vary by wrapping.
 *
 * Layers compose by calling each other through the scope:
 * ```ts
 * class Residual extends Layer {
 *   constructor(readonly body: Layer) { super(); }
 *   forward(x: Tensor, scope: Scope): Tensor { return add(x, scope.call('body', this.body, x)); }
 * }
 * ```
 */
export abstract class Layer<Inputs extends readonly Tensor[] = [Tensor]> {
  /** The output for the inputs, in operations. Called once for each input shape and mode, never per step. */
  abstract forward(...args: [...inputs: Inputs, scope: Scope]): Tensor;
}
