/** A list of augmentations as one function of a batch. */
import { DataError, ShapeError } from '../../errors.js';
import { label } from '../../graph/label.js';
import { MemorySlot, source } from '../../graph/source.js';
import type { Shape } from '../../graph/shape.js';
import { Tensor, type TensorType, formatShapeOf } from '../../graph/tensor.js';
import { randomNormal, randomUniform } from '../../ops/random.js';
import type { Augmentation, RandomScope, TensorBatch } from './augmentation.js';
import { isGeometric, placed } from './geometric.js';
import { kindOf } from '../../options.js';
import { gotReturned } from '../../returned.js';
import { programStreams } from '../../streams.js';

/** The augmented batch. Geometric augmentations that follow each other become one sampling. */
export function augmented(batch: TensorBatch, augmentations: readonly Augmentation[], seed: bigint): TensorBatch {
  let streams: number = programStreams.augmentations;
  const scope: RandomScope = {
    uniform: (shape) => randomUniform(shape, seed, streams++),
    normal: (shape) => randomNormal(shape, seed, streams++),
  };
  let result = batch;
  for (let i = 0; i < augmentations.length;) {
    const rest = augmentations.slice(i);
    const others = rest.findIndex((next) => !isGeometric(next));
    const moves = rest.slice(0, others === -1 ? rest.length : others).filter(isGeometric);
    const name = moves.length > 0 ? moves.map((move) => move.name).join(' ') : rest[0]!.name;
    const before = result;
    result = moves.length > 0 ? placed(before, moves, scope) : rest[0]!.forward(before, scope);
    checkBatch(name, result);
    checkRows(name, batch, result);
    label([result.x, result.y], name, [before.x, before.y]);
    i += Math.max(moves.length, 1);
  }
  return result;
}

/** The type of one row of x as the model sees it: only its sizes can change, for bytes it takes as floats anyway. */
export function augmentedRow(x: TensorType, y: TensorType, augmentations: readonly Augmentation[]): TensorType {
  if (augmentations.length === 0) return x;
  const one = (name: string, { shape, dtype }: TensorType): TensorBatch['x'] => source(new MemorySlot(name, 0), 0, [1, ...shape], dtype);
  const shape: Shape = augmented({ x: one('x', x), y: one('y', y) }, augmentations, 0n).x.shape.slice(1);
  return { shape, dtype: x.dtype };
}

/** Augmentations are the caller's own functions: types do not hold them to what they promise. */
function checkBatch(name: string, batch: TensorBatch | undefined): void {
  for (const part of ['x', 'y'] as const) {
    const given: unknown = batch?.[part];
    if (!(given instanceof Tensor))
      throw new DataError(
        `${name}: expected forward to return { x, y } of tensors, ${gotReturned(batch, 'Return both.', `${kindOf(given)} for ${part}`)}`,
      );
  }
}

function checkRows(name: string, from: TensorBatch, to: TensorBatch): void {
  const rows = from.x.shape[0];
  if (to.x.shape[0] === rows && to.y.shape[0] === rows) return;
  throw new ShapeError(`${name}: expected ${rows} rows as they came, got x ${formatShapeOf(to.x)} and y ${formatShapeOf(to.y)}.`);
}
