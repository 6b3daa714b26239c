/** Images read at other places than their own pixels. */
import { DTypeError, ShapeError, formatShape } from '../errors.js';
import { Operation, apply } from '../graph/operation.js';
import type { Instruction } from '../compile/instructions/index.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { checkOptions, count, finite } from '../options.js';
import { checkTensors } from './arguments.js';

/** Options of {@link affineSample}. */
export interface AffineSampleOptions {
  /** OH, rows of y. Default: H, as many as x has. */
  readonly height?: number | undefined;
  /** OW, columns of y. Default: W. */
  readonly width?: number | undefined;
  /** What lies outside of the images. Default: 0. */
  readonly fill?: number | undefined;
}

class AffineSample extends Operation {
  readonly name = 'affineSample';

  constructor(
    readonly height: number,
    readonly width: number,
    readonly fill: number,
  ) {
    super();
  }

  infer([x, theta]: readonly Tensor[]): readonly TensorType[] {
    if (x!.rank !== 4) throw new ShapeError(`affineSample: expected images x [N, H, W, C], got ${formatShape(x!.shape)}.`);
    if (x!.dtype === 'int32') throw new DTypeError('affineSample: expected float32 or uint8 images, got int32. Cast them first.');
    if (theta!.dtype !== 'float32') throw new DTypeError(`affineSample: expected float32 theta, got ${theta!.dtype}. Cast it first.`);
    const [n, , , c] = x!.shape as [number, number, number, number];
    if (theta!.rank !== 2 || theta!.shape[0] !== n || theta!.shape[1] !== 6)
      throw new ShapeError(`affineSample: expected theta of shape [${n}, 6], one map an image, got ${formatShape(theta!.shape)}.`);
    return [floats([n, this.height, this.width, c])];
  }

  lower(node: Node): readonly Instruction[] {
    const [x, theta] = node.inputs as [Tensor, Tensor];
    const [n, h, w, c] = x.shape as [number, number, number, number];
    return [{ kind: 'affineSample', out: node.outputs[0]!, x, theta, n, h, w, c, oh: this.height, ow: this.width, fill: this.fill }];
  }
}

/**
 * Reads every image under an affine map of the pixel coordinates, bilinear between pixels: shift, crop, flip, rotation and scale.
 *
 * y[n, i, j] = x[n] at row θ₀·i + θ₁·j + θ₂ and column θ₃·i + θ₄·j + θ₅.   x [N, H, W, C] float32 or uint8, theta [N, 6] →
 * y [N, OH, OW, C] float32. A pixel of weight 0 does not count: maps from pixel to pixel leave NaN where it is.
 *
 * It is a source of data and has no gradient: what is trained before it must say by stopGradient() that it gets none.
 *
 * @throws ShapeError, DTypeError if x or theta are not of these; OptionError for options out of range
 */
export function affineSample(x: Tensor, theta: Tensor, options: AffineSampleOptions = {}): Tensor {
  checkTensors('affineSample', { x, theta });
  checkOptions('affineSample', options, { height: count, width: count, fill: finite });
  const { height = x.shape[1] ?? 1, width = x.shape[2] ?? 1, fill = 0 } = options;
  return apply(new AffineSample(height, width, fill), x, theta);
}
