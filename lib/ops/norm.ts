/** Statistics of channels and what normalisation is made of. */
import { ShapeError, formatShape } from '../errors.js';
import { Operation, applyAll } from '../graph/operation.js';
import type { Instruction } from '../compile/instruction.js';
import { type Node, type Tensor, type TensorType, sameShape } from '../graph/tensor.js';
import { check, positiveFloat } from '../options.js';
import { checkTensors } from './arguments.js';
import { broadcastTo } from './broadcast.js';
import { customGradient } from './custom-gradient.js';
import { add, div, floatsOf, isFinite, mul, neg, reciprocal, sqrt, sub, where } from './elementwise.js';
import { reshape } from './shape.js';

/** Rows that the kernels of columns take as one chunk: kChunkRows of native/kernels/args.h. */
export const chunkRows = 512;

/** What waits of chunks of rows until the kernel combines them: nothing of a single one. */
function chunksType([outer, rows, columns]: readonly number[]): TensorType {
  const chunks = Math.ceil(rows! / chunkRows);
  return { shape: [outer!, chunks > 1 ? chunks : 0, 2, columns!], dtype: 'float32' };
}

/** x [outer, rows, columns] → mean and variance (divided by rows) of each column, [outer, columns]; then chunks. */
class ColumnMoments extends Operation {
  readonly name = 'columnMoments';

  key(): string {
    return '';
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    if (x!.rank !== 3) throw new ShapeError(`columnMoments: expected x of rank 3 [outer, rows, columns], got ${formatShape(x!.shape)}.`);
    const [outer, , columns] = x!.shape as [number, number, number];
    const type: TensorType = { shape: [outer, columns], dtype: 'float32' };
    return [type, type, chunksType(x!.shape)];
  }

  override vjp(node: Node, [dmean, dvariance]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const x = node.inputs[0]!;
    const rows = x.shape[1]!;
    const centred = sub(x, overRows(node.outputs[0]!));
    const terms = [dmean && mul(full(x, dmean), 1 / rows), dvariance && mul(centred, overRows(mul(dvariance, 2 / rows)))].filter(
      (t) => t !== undefined,
    );
    return [terms.length === 0 ? undefined : terms.reduce((a, b) => add(a, b))];
  }

  lower(node: Node): readonly Instruction[] {
    const [outer, rows, columns] = node.inputs[0]!.shape as [number, number, number];
    const [outMean, outVariance, outChunks] = node.outputs as [Tensor, Tensor, Tensor];
    return [{ kind: 'columnMoments', outMean, outVariance, outChunks, in: node.inputs[0]!, outer, rows, columns }];
  }
}

/** dy, x [outer, rows, columns], mean [outer, columns] → Σ dy and Σ dy · (x − mean) of each column; then chunks. */
class ColumnProducts extends Operation {
  readonly name = 'columnProducts';

  key(): string {
    return '';
  }

  infer([, x, mean]: readonly Tensor[]): readonly TensorType[] {
    const type: TensorType = { shape: mean!.shape, dtype: 'float32' };
    return [type, type, chunksType(x!.shape)];
  }

  override vjp(node: Node, [dsum, dproduct]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const [dy, x, mean] = node.inputs as [Tensor, Tensor, Tensor];
    const toDy = [dsum && full(dy, dsum), dproduct && mul(sub(x, overRows(mean)), overRows(dproduct))].filter((t) => t !== undefined);
    return [
      toDy.length === 0 ? undefined : toDy.reduce((a, b) => add(a, b)),
      dproduct && mul(dy, overRows(dproduct)),
      dproduct && neg(mul(dproduct, node.outputs[0]!)),
    ];
  }

  lower(node: Node): readonly Instruction[] {
    const [dy, x, mean] = node.inputs as [Tensor, Tensor, Tensor];
    const [outer, rows, columns] = x.shape as [number, number, number];
    const [outSum, outProduct, outChunks] = node.outputs as [Tensor, Tensor, Tensor];
    return [{ kind: 'columnProducts', outSum, outProduct, outChunks, x, mean, dy, outer, rows, columns }];
  }
}

/** [outer, columns] as [outer, 1, columns] */
function overRows(t: Tensor): Tensor {
  return reshape(t, [t.shape[0]!, 1, t.shape[1]!]);
}

/** A value of each column, for every row of x. */
function full(x: Tensor, t: Tensor): Tensor {
  return broadcastTo(overRows(t), x.shape);
}

/** Mean and variance (divided by the number of rows) of each column: x [outer, rows, columns] → [outer, columns] each. */
export function columnMoments(x: Tensor): { readonly mean: Tensor; readonly variance: Tensor } {
  const [mean, variance] = applyAll(new ColumnMoments(), [floatsOf('columnMoments', x)]) as [Tensor, Tensor];
  return { mean, variance };
}

/** 1 / √(variance + eps), but NaN where the variance is beyond float32: by 1/∞ = 0 a net that diverges would look quiet. */
export function inverseDeviation(variance: Tensor, eps: number): Tensor {
  return where(isFinite(variance), reciprocal(sqrt(add(variance, eps))), NaN);
}

/** A normalised batch and the statistics it was normalised with. */
export interface Normalized {
  readonly y: Tensor;
  /** Of the batch, [C]. */
  readonly mean: Tensor;
  /** Of the batch, divided by the number of rows, [C]. */
  readonly variance: Tensor;
}

/**
 * (x − E[x]) / √(Var[x] + eps) · weight + bias with the mean and variance of each channel over everything else.
 * x [..., C], weight and bias [C] or left out.
 *
 * The gradient is the closed form of the paper, one pass of sums over dy and x and one elementwise pass:
 * dx = a · (dy − (Σ dy + x̂ · Σ dy·x̂) / M), a = weight / √(Var[x] + eps), x̂ the normalised x, M rows.
 *
 * @throws DTypeError for what is no tensor; ShapeError if x is a scalar, or weight or bias is not [C]; OptionError unless eps > 0
 * @see Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
 */
export function batchNorm(input: Tensor, weight: Tensor | undefined, bias: Tensor | undefined, eps: number): Normalized {
  checkTensors('batchNorm', { x: input, ...(weight !== undefined && { weight }), ...(bias !== undefined && { bias }) });
  check('batchNorm', 'eps', eps, positiveFloat);
  const x = floatsOf('batchNorm', input);
  if (x.rank < 1) throw new ShapeError('batchNorm: expected x of rank ≥ 1 [..., C], got []. Give it a dimension of channels.');
  const channels = x.shape.at(-1)!;
  for (const [name, t] of Object.entries({ weight, bias })) if (t !== undefined) checkVector(name, t, channels);
  const rows = x.size / Math.max(channels, 1);
  const matrix = (t: Tensor): Tensor => reshape(t, [1, rows, channels]);
  const vector = (t: Tensor): Tensor => reshape(t, [channels]);
  const moments = columnMoments(matrix(x));
  const mean = vector(moments.mean);
  const variance = vector(moments.variance);
  const inverse = inverseDeviation(variance, eps);
  const scale = weight === undefined ? inverse : mul(weight, inverse);
  const scaled = mul(sub(x, mean), scale);
  const value = bias === undefined ? scaled : add(scaled, bias);
  const backward = (dy: Tensor): readonly Tensor[] => {
    const sums = applyAll(new ColumnProducts(), [matrix(dy), matrix(x), moments.mean]);
    const [total, product] = sums.slice(0, 2).map(vector) as [Tensor, Tensor];
    const slope = div(mul(product, mul(inverse, inverse)), rows);
    const dx = mul(sub(sub(dy, div(total, rows)), mul(sub(x, mean), slope)), scale);
    return [dx, ...(weight === undefined ? [] : [mul(product, inverse)]), ...(bias === undefined ? [] : [total])];
  };
  const inputs = [x, ...(weight === undefined ? [] : [weight]), ...(bias === undefined ? [] : [bias])];
  return { y: customGradient(value, inputs, backward), mean, variance };
}

function checkVector(name: string, { shape }: Tensor, channels: number): void {
  if (sameShape(shape, [channels])) return;
  throw new ShapeError(`batchNorm: expected ${name} of shape [${channels}], one value a channel of x, got ${formatShape(shape)}.`);
}
