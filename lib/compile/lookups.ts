/**
 * Products of looked-up rows, as of the embeddings of a text: where the table has fewer rows than are looked up, the product of the table
 * is made and its rows are looked up. The gradients follow: what belongs to one row of the table is added up before the product.
 */
import { type Operation, apply } from '../graph/operation.js';
import { label } from '../graph/label.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { Elementwise, where } from '../ops/elementwise.js';
import { GatherRows, ScatterAddRows } from '../ops/gather.js';
import { Gemm } from '../ops/matmul.js';
import { metRows } from '../ops/row-gradient.js';
import { ReshapeOp, Transpose, reshape, transpose } from '../ops/shape.js';
import { rewrite } from './rewrite.js';
import { isPerChannel } from './uses.js';
import { withoutReshapes } from './view.js';

/** Row i of a tensor [..., D] is row ids[i] of the table. */
interface Lookup {
  /** [R, D] */
  readonly table: Tensor;
  /** int32 [...] */
  readonly ids: Tensor;
  /** Of the layer that looks up: it is named if an id is wrong. */
  readonly label: string;
}

/** How often a row is looked up, on average, from which on the table's product is made: two gathers of the wider rows cost about one. */
const readsPerRow = 2;

/**
 * The same values by smaller products. What is added up over looked-up rows, or by id, as gradients are, is so in another order: its bits
 * differ, and a sum may overflow in one order and not in the other.
 */
export function productsOfTables(roots: readonly Tensor[]): readonly Tensor[] {
  return rewrite(roots, ({ op, outputs }, inputs) => {
    const [result] = outputs as [Tensor];
    if (op instanceof Gemm) return only(op.transposeA ? weightGradient(op, inputs) : product(op, inputs, result));
    if (op instanceof Elementwise && op.name === 'add') return only(biased(op, inputs, result));
    return op instanceof ScatterAddRows ? only(tableGradient(op, inputs)) : undefined;
  });
}

function only(t: Tensor | undefined): readonly Tensor[] | undefined {
  return t && [t];
}

/** table[ids] · w = (table · w)[ids] */
function product(op: Gemm, [x, w]: readonly Tensor[], result: Tensor): Tensor | undefined {
  const rows = lookupOf(x!);
  if (rows === undefined || !isSingle(w!)) return undefined;
  return lookedUp({ ...rows, table: squeezed(apply(op, matrix(rows.table), w!)) }, result.shape);
}

/** table[ids] + bias = (table + bias)[ids] */
function biased(op: Elementwise, inputs: readonly Tensor[], result: Tensor): Tensor | undefined {
  for (const [x, other] of [inputs, inputs.toReversed()] as [Tensor, Tensor][]) {
    const rows = lookupOf(x);
    const columns = x.shape.at(-1)!;
    if (rows === undefined || !isPerChannel(other, x, result, columns)) continue;
    return lookedUp({ ...rows, table: apply(op, rows.table, reshape(other, [columns])) }, result.shape);
  }
  return undefined;
}

/** table[ids]ᵀ · dy = tableᵀ · (the sums of dy by id) */
function weightGradient(op: Gemm, [x, dy]: readonly Tensor[]): Tensor | undefined {
  const rows = lookupOf(x!);
  if (rows === undefined || op.transposeB || !isSingle(x!)) return undefined;
  const sums = summed(dy!, rows.ids, rows.table.shape[0]!);
  return apply(op, matrix(ofMet(rows.table, sums)), matrix(sums));
}

/** The sums by id of dy · wᵀ = (the sums of dy by id) · wᵀ, if dy · wᵀ only lies in another order of its rows. */
function tableGradient({ rows }: ScatterAddRows, [dx, ids]: readonly Tensor[]): Tensor | undefined {
  if (!isFrequent(rows, ids!.size)) return undefined;
  const made = beforeMoving(dx!, withoutReshapes(ids!));
  if (made === undefined) return undefined;
  const { op, inputs } = made.x.node;
  const [dy, w] = inputs as [Tensor, Tensor];
  if (!(op instanceof Gemm) || op.transposeA || !isSingle(w)) return undefined;
  const sums = summed(dy, made.ids, rows);
  return ofMet(squeezed(apply(op, matrix(sums), w)), sums);
}

/** The rows of dy [..., columns] added up by id: [tableRows, columns]. */
function summed(dy: Tensor, ids: Tensor, tableRows: number): Tensor {
  const columns = dy.shape.at(-1)!;
  return apply(new ScatterAddRows(tableRows), reshape(withoutReshapes(dy), [ids.size, columns]), reshape(withoutReshapes(ids), [ids.size]));
}

/** The rows of t for which there are `sums`, 0 for the others: where a factor is not finite, a product with their sum of 0 is not 0. */
function ofMet(t: Tensor, sums: Tensor): Tensor {
  return where(metRows(sums), t, 0);
}

/** What rows t has, if they come from a table that is small enough. */
function lookupOf(t: Tensor): Lookup | undefined {
  const { op, inputs, label: text } = t.node;
  if (op instanceof GatherRows) {
    const [table, ids] = inputs as [Tensor, Tensor];
    const isMatrix = table.rank === 2 && table.dtype === 'float32';
    return isMatrix && isFrequent(table.shape[0]!, ids.size) ? { table, ids, label: text } : undefined;
  }
  if (!keepsRows(op, inputs)) return undefined;
  const below = lookupOf(inputs[0]!);
  return below && { ...below, ids: moved(op, below.ids, t.shape.slice(0, -1)) };
}

/**
 * What dx [M, D] has its rows from before they were moved, with the ids in the order they had there.
 * @param ids those of dx, of any shape
 */
function beforeMoving(dx: Tensor, ids: Tensor): { readonly x: Tensor; readonly ids: Tensor } | undefined {
  const { op, inputs } = dx.node;
  if (op instanceof Gemm) return { x: dx, ids };
  if (!keepsRows(op, inputs)) return undefined;
  const [from] = inputs as [Tensor];
  const shape = from.shape.slice(0, -1);
  const back = op instanceof Transpose ? new Transpose(shape.map((_, i) => op.axes.indexOf(i))) : op;
  const given = reshape(withoutReshapes(ids), dx.shape.slice(0, -1));
  return beforeMoving(from, moved(back, given, shape));
}

/** Whether a view has the same rows as its input, in whatever order. */
function keepsRows(op: Operation, [x]: readonly Tensor[]): op is ReshapeOp | Transpose {
  if (op instanceof ReshapeOp) return x!.size > 0 && op.shape.length > 0 && op.shape.at(-1) === x!.shape.at(-1);
  return op instanceof Transpose && op.axes.at(-1) === op.axes.length - 1;
}

/** The ids of moved rows. */
function moved(op: ReshapeOp | Transpose, ids: Tensor, shape: Shape): Tensor {
  return op instanceof ReshapeOp ? reshape(withoutReshapes(ids), shape) : transpose(ids, op.axes.slice(0, ids.rank));
}

function lookedUp({ table, ids, label: text }: Lookup, shape: Shape): Tensor {
  const rows = apply(new GatherRows(), table, ids);
  label([rows], text, [table, ids]);
  return reshape(rows, shape);
}

function isFrequent(tableRows: number, ids: number): boolean {
  return ids >= readsPerRow * tableRows;
}

/** Whether an operand of a product is one matrix. */
function isSingle(t: Tensor): boolean {
  return t.rank === 3 && t.shape[0] === 1;
}

function matrix(t: Tensor): Tensor {
  return reshape(t, [1, ...t.shape]);
}

function squeezed(t: Tensor): Tensor {
  return reshape(t, t.shape.slice(1));
}
