import { OptionError, ShapeError, formatShape } from '../errors.js';
import { type Shape, showSizes, sizeOf } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { reshape } from '../ops/index.js';
import { kept } from '../options.js';
import { Layer } from './layer.js';

/**
 * Gives each row another shape; the batch stays.
 *
 * x [N, ...] → y [N, ...shape], of the same number of elements; one entry of shape may be −1 and is worked out.
 *
 * @throws OptionError if shape has other entries than whole numbers ≥ 1 and one −1; ShapeError if the sizes do not match
 * @see https://keras.io/api/layers/reshaping_layers/reshape
 */
export class Reshape extends Layer {
  constructor(readonly shape: Shape) {
    super();
    const valid = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && (n >= 1 || n === -1));
    if (!valid || shape.filter((n) => n === -1).length > 1) {
      throw new OptionError(`Reshape: expected whole numbers ≥ 1 and at most one −1 for shape, got ${showSizes(shape)}.`);
    }
    this.shape = kept(shape);
  }

  forward(x: Tensor): Tensor {
    const [batch, ...row] = x.shape;
    const size = sizeOf(row);
    const known = sizeOf(this.shape.filter((n) => n !== -1));
    const fits = this.shape.includes(-1) ? size % known === 0 : size === known;
    if (batch === undefined || !fits) {
      const wanted = this.shape.includes(-1) ? `a multiple of ${known}` : `${known}`;
      throw new ShapeError(
        `Reshape: expected x of ${wanted} elements a row for shape ${formatShape(this.shape)}, got ${formatShape(x.shape)}. Change the shape or the layer before it.`,
      );
    }
    return reshape(x, [batch, ...this.shape.map((n) => (n === -1 ? size / known : n))]);
  }
}
