/** Statistics of channels and what normalisation is made of. */
import { ShapeError, formatShape } from '../errors.js';
import { Operation, applyAll } from '../graph/operation.js';
import type { Instruction } from '../compile/instructions/index.js';
import { type Shape, checkShape, sameShape, sizeOf } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats, present } from '../graph/tensor.js';
import { check, count, positiveFloat } from '../options.js';
import { checkTensors } from './arguments.js';
import { broadcastTo } from './broadcast.js';
import { customGradient } from './custom-gradient.js';
import { add, div, floatsOf, isFinite, mul, neg, reciprocal, sqrt, square, sub, where } from './elementwise.js';
import { mean, sum } from './reduce.js';
import { reshape } from './shape.js';

/** Rows that the kernels of columns take as one chunk: kChunkRows of native/kernels/args.h. */
export const chunkRows = 512;
/** The same of a single column: kSingleColumnChunkRows. */
export const singleColumnChunkRows = 4096;

/** What waits of chunks of rows until the kernel combines them: nothing of a single one. */
function chunksType([outer, rows, columns]: readonly number[]): TensorType {
  const chunks = Math.ceil(rows! / (columns === 1 ? singleColumnChunkRows : chunkRows));
  return floats([outer!, chunks > 1 ? chunks : 0, 2, columns!]);
}

/** x [outer, rows, columns] → mean and variance (divided by rows) of each column, [outer, columns]; then chunks. */
class ColumnMoments extends Operation {
  readonly name = 'columnMoments';

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    if (x!.rank !== 3) throw new ShapeError(`columnMoments: expected x of rank 3 [outer, rows, columns], got ${formatShape(x!.shape)}.`);
    const [outer, , columns] = x!.shape as [number, number, number];
    const type = floats([outer, columns]);
    return [type, type, chunksType(x!.shape)];
  }

  override vjp(node: Node, [dmean, dvariance]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const x = node.inputs[0]!;
    const rows = x.shape[1]!;
    const centred = sub(x, overRows(node.outputs[0]!));
    const terms = present([dmean && mul(full(x, dmean), 1 / rows), dvariance && mul(centred, overRows(mul(dvariance, 2 / rows)))]);
    return [terms.reduce((a, b) => add(a, b))];
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

  infer([, x, mean]: readonly Tensor[]): readonly TensorType[] {
    const type = floats(mean!.shape);
    return [type, type, chunksType(x!.shape)];
  }

  override vjp(node: Node, [dsum, dproduct]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const [dy, x, mean] = node.inputs as [Tensor, Tensor, Tensor];
    const toDy = present([dsum && full(dy, dsum), dproduct && mul(sub(x, overRows(mean)), overRows(dproduct))]);
    return [toDy.reduce((a, b) => add(a, b)), dproduct && mul(dy, overRows(dproduct)), dproduct && neg(mul(dproduct, node.outputs[0]!))];
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

/** Factor and offset of each element or channel, as normalisations learn them. */
interface Affine {
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;
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
  const x = checkNorm('batchNorm', input, { weight, bias }, eps);
  if (x.rank < 1) throw new ShapeError('batchNorm: expected x of rank ≥ 1 [..., C], got []. Give it a dimension of channels.');
  const channels = x.shape.at(-1)!;
  checkAffine('batchNorm', { weight, bias }, [channels]);
  const rows = x.size / Math.max(channels, 1);
  const matrix = reshape(x, [1, rows, channels]);
  const { mean, variance } = columnMoments(matrix);
  const y = normalizeChannels(matrix, { mean, inverse: inverseDeviation(variance, eps), count: rows, over: (t) => t }, { weight, bias });
  return { y: reshape(y, x.shape), mean: reshape(mean, [channels]), variance: reshape(variance, [channels]) };
}

/**
 * (x − E[x]) / √(Var[x] + eps) · weight + bias, E and Var over the pixels and the C / groups channels of a group of one example.
 * x [N, ..., C], weight and bias [C] or left out. The gradient is a closed form as for {@link batchNorm}.
 *
 * @throws DTypeError for what is no tensor; ShapeError if x is no [N, ..., C], the groups do not divide C, or weight or bias is not [C];
 * OptionError unless eps > 0 and groups is a whole number ≥ 1
 * @see Wu and He 2018, https://arxiv.org/abs/1803.08494
 */
export function groupNorm(input: Tensor, groups: number, weight: Tensor | undefined, bias: Tensor | undefined, eps: number): Tensor {
  const x = checkNorm('groupNorm', input, { weight, bias }, eps);
  check('groupNorm', 'groups', groups, count);
  const channels = groupedChannels('groupNorm', x, groups);
  checkAffine('groupNorm', { weight, bias }, [channels]);
  const n = x.shape[0]!;
  const rows = x.size / Math.max(n * channels, 1);
  const perGroup = channels / groups;
  const over = (t: Tensor): Tensor => {
    const ofGroup = mean(reshape(t, [n, groups, perGroup]), { axes: -1, keepDims: true });
    return reshape(broadcastTo(ofGroup, [n, groups, perGroup]), [n, channels]);
  };
  const matrix = reshape(x, [n, rows, channels]);
  const each = columnMoments(matrix);
  const center = over(each.mean);
  // Within channels and between them.
  const variance = add(over(each.variance), over(square(sub(each.mean, center))));
  const y = normalizeChannels(matrix, { mean: center, inverse: inverseDeviation(variance, eps), count: rows, over }, { weight, bias });
  return reshape(y, x.shape);
}

/** @internal @returns the channels of x [N, ..., C] in so many groups */
export function groupedChannels(what: string, { rank, shape }: Tensor, groups: number): number {
  const channels = shape.at(-1) ?? 0;
  if (rank < 2 || channels === 0 || channels % groups !== 0) {
    throw new ShapeError(
      `${what}: expected x [N, ..., C] with C ≥ 1 divided by ${groups} groups, got ${formatShape(shape)}. Change groups or the channels.`,
    );
  }
  return channels;
}

/** What channels are normalised by: [outer, C] each. */
interface ChannelStatistics {
  readonly mean: Tensor;
  /** 1 / √(variance + eps) */
  readonly inverse: Tensor;
  /** Rows of a channel. */
  readonly count: number;
  /** Replaces a value of each channel by the mean over those that are normalised together. */
  readonly over: (t: Tensor) => Tensor;
}

/** x [outer, rows, C] */
function normalizeChannels(x: Tensor, { mean, inverse, count, over }: ChannelStatistics, { weight, bias }: Affine): Tensor {
  const scale = weight === undefined ? inverse : mul(inverse, weight);
  const scaled = mul(sub(x, overRows(mean)), overRows(scale));
  const value = bias === undefined ? scaled : add(scaled, bias);
  const backward = (dy: Tensor): readonly Tensor[] => {
    const [total, product] = applyAll(new ColumnProducts(), [dy, x, mean]).slice(0, 2) as [Tensor, Tensor];
    const weighted = (t: Tensor): Tensor => (weight === undefined ? t : mul(t, weight));
    const slope = div(mul(mul(over(weighted(product)), inverse), inverse), count);
    const rest = add(mul(sub(x, overRows(mean)), overRows(slope)), overRows(div(over(weighted(total)), count)));
    const dx = mul(sub(weighted(dy), rest), overRows(inverse));
    return present([dx, weight && sum(mul(product, inverse), { axes: 0 }), bias && sum(total, { axes: 0 })]);
  };
  return customGradient(value, present([x, weight, bias]), backward);
}

/**
 * (x − E[x]) / √(Var[x] + eps) · weight + bias, E and Var over the last dimensions, those of `shape`.
 * x [..., ...shape], weight and bias of `shape` or left out. The gradient is a closed form as for {@link batchNorm}.
 *
 * @throws DTypeError for what is no tensor; ShapeError if x does not end in `shape`, or weight or bias is of another; OptionError unless eps > 0
 * @see Ba et al. 2016, https://arxiv.org/abs/1607.06450
 */
export function layerNorm(input: Tensor, shape: Shape, weight: Tensor | undefined, bias: Tensor | undefined, eps: number): Tensor {
  const x = checkNorm('layerNorm', input, { weight, bias }, eps);
  checkShape(shape, 'layerNorm');
  if (shape.length === 0) throw new ShapeError('layerNorm: expected a shape of at least one dimension, got []. Give the last sizes of x.');
  if (!sameShape(x.shape.slice(-shape.length), shape)) {
    throw new ShapeError(`layerNorm: expected x of shape [..., ${shape.join(', ')}], got ${formatShape(x.shape)}. Change shape or x.`);
  }
  checkAffine('layerNorm', { weight, bias }, shape);
  const size = sizeOf(shape);
  const rows = x.size / Math.max(size, 1);
  const matrix = reshape(x, [rows, size]);
  const flat = (t: Tensor | undefined): Tensor | undefined => t && reshape(t, [size]);
  return reshape(normalizeRows(matrix, { weight: flat(weight), bias: flat(bias) }, eps), x.shape);
}

/** x [rows, D], weight and bias [D] */
function normalizeRows(x: Tensor, { weight, bias }: Affine, eps: number): Tensor {
  const [rows, size] = x.shape as [number, number];
  const column = (t: Tensor): Tensor => reshape(t, [rows, size, 1]);
  const moments = columnMoments(column(x));
  const inverse = inverseDeviation(moments.variance, eps);
  const normalized = mul(sub(x, moments.mean), inverse);
  const scaled = weight === undefined ? normalized : mul(normalized, weight);
  const value = bias === undefined ? scaled : add(scaled, bias);
  const backward = (dy: Tensor): readonly Tensor[] => {
    const slope = weight === undefined ? dy : mul(dy, weight);
    const [total, product] = applyAll(new ColumnProducts(), [column(slope), column(x), moments.mean]).slice(0, 2) as [Tensor, Tensor];
    const along = div(mul(product, inverse), size);
    const dx = mul(sub(slope, add(div(total, size), mul(normalized, along))), inverse);
    return present([dx, weight && sum(mul(dy, normalized), { axes: 0 }), bias && sum(dy, { axes: 0 })]);
  };
  return customGradient(value, present([x, weight, bias]), backward);
}

/** @returns x as float32 */
function checkNorm(what: string, x: Tensor, { weight, bias }: Affine, eps: number): Tensor {
  checkTensors(what, { x, ...(weight !== undefined && { weight }), ...(bias !== undefined && { bias }) });
  check(what, 'eps', eps, positiveFloat);
  return floatsOf(what, x);
}

function checkAffine(what: string, { weight, bias }: Affine, shape: Shape): void {
  for (const [name, t] of Object.entries({ weight, bias })) {
    if (t === undefined || sameShape(t.shape, shape)) continue;
    const each = what === 'layerNorm' ? 'an element of shape' : 'a channel of x';
    throw new ShapeError(`${what}: expected ${name} of shape ${formatShape(shape)}, one value ${each}, got ${formatShape(t.shape)}.`);
  }
}
