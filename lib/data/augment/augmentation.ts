/** What an augmentation is: a change of the batches of a fit, written in ops. */
import { DTypeError, ShapeError } from '../../errors.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { cast } from '../../ops/elementwise.js';

/** Rows of x with their targets, inside a program. */
export interface TensorBatch {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** Where an augmentation takes its random numbers from. */
export interface RandomScope {
  /** Uniform numbers in [0, 1), new at every step. */
  uniform(shape: Shape): Tensor;
  /** Numbers of the standard normal distribution, new at every step. */
  normal(shape: Shape): Tensor;
}

/**
 * Changes the batches a model is trained on: `fit(data, { augment: [randomShift(2), …] })`. It is traced into the training program like
 * a layer, so it costs the event loop nothing and gives the same bits on any number of threads; validation, `evaluate` and `predict`
 * never see it. Any object with this method is one.
 *
 * It is for models of one input with one target: `fit` refuses `augment` where x or y are several, as a list or by name.
 * ```ts
 * const noise: Augmentation = {
 *   name: 'noise',
 *   forward: ({ x, y }, scope) => ({ x: add(x, mul(scope.normal(x.shape), 0.1)), y }),
 * };
 * ```
 */
export interface Augmentation {
  /** As errors and program listings call it. */
  readonly name: string;
  /** The batch to train on, in operations. The number of rows stays. */
  forward(batch: TensorBatch, scope: RandomScope): TensorBatch;
}

/** Sizes of a batch of images [N, H, W, C]. */
export interface ImageShape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
}

/** `[N, 28, 28, 1]`: the shape of a batch as errors print it, for they are found with one row. */
export function formatBatch({ shape }: Tensor): string {
  return `[${['N', ...shape.slice(1)].join(', ')}]`;
}

/** @throws ShapeError unless x is a batch of images; DTypeError for ids */
export function imageShape(what: string, x: Tensor): ImageShape {
  if (x.rank !== 4) {
    throw new ShapeError(
      `${what}: expected images x [N, H, W, C], got ${formatBatch(x)}. Give the data this shape and flatten it in the model.`,
    );
  }
  if (x.dtype === 'int32') throw new DTypeError(`${what}: expected float32 or uint8 images x, got int32. Convert the data.`);
  const [n, h, w, c] = x.shape as [number, number, number, number];
  return { n, h, w, c };
}

/** The numbers of bytes, which stay bytes until something computes with them. */
export function floats(x: Tensor): Tensor {
  return cast(x, 'float32');
}
