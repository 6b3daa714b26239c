/** Rows by index, and the class ids that go with them. */
import { DTypeError, ShapeError, formatShape } from '../errors.js';
import { Operation, apply } from '../graph/operation.js';
import type { Instruction } from '../compile/instructions/index.js';
import { sameShape, sizeOf } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, bytesPerElement, floats } from '../graph/tensor.js';
import { add, cast, equal, floor, where } from './elementwise.js';
import { constant, iota } from '../graph/source.js';
import { check, nonNegativeInteger } from '../options.js';
import { checkTensors } from './arguments.js';
import { sum } from './reduce.js';
import { reshape } from './shape.js';
import { within } from './within.js';

export class GatherRows extends Operation {
  readonly name = 'gatherRows';

  infer([table, ids]: readonly Tensor[]): readonly TensorType[] {
    if (table!.rank < 1) throw new ShapeError(`gatherRows: expected a table of rank ≥ 1, got [].`);
    if (ids!.dtype !== 'int32') throw new DTypeError(`gatherRows: expected int32 ids, got ${ids!.dtype}. Cast them first.`);
    return [{ shape: [...ids!.shape, ...table!.shape.slice(1)], dtype: table!.dtype }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const [table, ids] = node.inputs as [Tensor, Tensor];
    if (dy === undefined || table.dtype !== 'float32') return [];
    return [scatterAddRows(dy, ids, table.shape[0]!), undefined];
  }

  lower(node: Node): readonly Instruction[] {
    const [table, ids] = node.inputs as [Tensor, Tensor];
    const rowBytes = sizeOf(table.shape.slice(1)) * bytesPerElement[table.dtype];
    return [{ kind: 'gatherRows', out: node.outputs[0]!, table, ids, count: ids.size, tableRows: table.shape[0]!, rowBytes }];
  }
}

/** values [N, columns], ids [N] → [rows, columns]: row ids[i] += values[i], in order of i */
export class ScatterAddRows extends Operation {
  readonly name = 'scatterAddRows';

  constructor(readonly rows: number) {
    super();
  }

  infer([values, ids]: readonly Tensor[]): readonly TensorType[] {
    if (ids!.dtype !== 'int32') throw new DTypeError(`scatterAddRows: expected int32 ids, got ${ids!.dtype}. Cast them first.`);
    return [floats([this.rows, values!.shape[1]!])];
  }

  override vjp(node: Node, [dz]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dz && gatherRows(dz, node.inputs[1]!), undefined];
  }

  lower(node: Node): readonly Instruction[] {
    const [dy, ids] = node.inputs as [Tensor, Tensor];
    return [{ kind: 'scatterAddRows', out: node.outputs[0]!, dy, ids, count: ids.size, tableRows: this.rows, columns: dy.shape[1]! }];
  }
}

/**
 * table[ids]: table [R, ...], ids [...] int32 → [...ids, ...]. An id outside 0 … R−1 stops the run with its position, unless the result has no elements.
 * @throws DTypeError for what is no tensor, and ids that are not int32; ShapeError for a table of rank 0
 */
export function gatherRows(table: Tensor, ids: Tensor): Tensor {
  checkTensors('gatherRows', { table, ids });
  return apply(new GatherRows(), table, ids);
}

/**
 * The sum of the rows of each id, as `index_add` of PyTorch: z[ids[i]] += values[i], in order of i. values [...ids, ...], ids [...] int32 →
 * [rows, ...], with 0 where there is no id. What nodes of a graph [V, C] receive along its edges is `scatterAddRows(gatherRows(x, from), to, V)`; as data
 * a whole graph is one row, nodes [1, V, C] and edges [1, E, 2]. An id outside 0 … rows−1 stops the run with its position, unless the
 * result has no elements.
 * @throws DTypeError for what is no tensor, and ids that are not int32; ShapeError unless there is one row of values an id; OptionError unless rows is whole
 */
export function scatterAddRows(values: Tensor, ids: Tensor, rows: number): Tensor {
  checkTensors('scatterAddRows', { values, ids });
  check('scatterAddRows', 'rows', rows, nonNegativeInteger);
  if (!sameShape(values.shape.slice(0, ids.rank), ids.shape)) {
    throw new ShapeError(
      `scatterAddRows: expected one row of values for each id, got values ${formatShape(values.shape)} and ids ${formatShape(ids.shape)}.`,
    );
  }
  const row = values.shape.slice(ids.rank);
  const flat = reshape(cast(values, 'float32'), [ids.size, sizeOf(row)]);
  return reshape(apply(new ScatterAddRows(rows), flat, reshape(ids, [ids.size])), [rows, ...row]);
}

/** Whole numbers up to which float32 holds all, which ids of several rows are counted in. */
const mostRows = 2 ** 24;

/**
 * The values, or rows of values, at several ids for each row: x [..., C, ...rest], ids [..., K] → [..., K, ...rest]. Of x [N, C] it is torch.gather(x, 1, ids),
 * of x [N, T, D] x[torch.arange(N)[:, None], ids]. Ids are as for `pick`, which takes one id a row.
 * @throws DTypeError for what is no tensor; ShapeError unless the dimensions before C and K are the same, or if these and C have more than 2²⁴ elements
 */
export function gather(x: Tensor, ids: Tensor): Tensor {
  checkTensors('gather', { x, ids });
  const axis = ids.rank - 1;
  const outer = ids.shape.slice(0, -1);
  const classes = x.shape[axis];
  if (axis < 0 || classes === undefined || !sameShape(x.shape.slice(0, axis), outer))
    throw new ShapeError(
      `gather: expected x [..., C, ...] and ids [..., K], the same before C and K, got x ${formatShape(x.shape)} and ids ${formatShape(ids.shape)}. Bring another axis there by transpose().`,
    );
  const count = sizeOf(outer);
  if (count * classes > mostRows)
    throw new ShapeError(
      `gather: expected at most 2²⁴ = ${mostRows} values or rows to take from, got x ${formatShape(x.shape)}. Take one id a row with pick().`,
    );
  const rest = x.shape.slice(axis + 1);
  const starts = constant(Float32Array.from({ length: count }, (_, i) => i * classes), [...outer, 1]); // prettier-ignore
  const rows = cast(add(knownIds('gather', ids, classes), starts), 'int32');
  return gatherRows(reshape(x, [count * classes, ...rest]), rows);
}

/** 1 at the id, 0 elsewhere: ids [...] → [..., classes]. Ids out of range give a row of zeros. @throws OptionError unless classes is whole */
export function oneHot(ids: Tensor, classes: number): Tensor {
  checkTensors('oneHot', { ids });
  check('oneHot', 'classes', classes, nonNegativeInteger);
  return equal(reshape(ids, [...ids.shape, 1]), iota(classes));
}

/** What stands for an id that is not whole: what a cast of NaN gives. */
const notWhole = -(2 ** 31);

/**
 * Ids [...] as int32: one that is none of 0 … classes − 1, or not whole, stops the run with its position, in the name of `what`.
 * @param fraction what is said of one that is not whole
 */
export function knownIds(what: string, ids: Tensor, classes: number, fraction = 'one that is not whole'): Tensor {
  const whole = ids.dtype === 'float32' ? where(equal(floor(ids), ids), ids, notWhole) : ids;
  return within(what, whole, 0, classes, (id) => {
    return `expected an index in 0 … ${classes - 1}, got ${id === notWhole ? fraction : id}`;
  });
}

/**
 * x[..., ids]: the value at the id of each row. x [..., C], ids [...] → [...]. An id outside 0 … C−1, or not whole, stops the run with its position. For rows
 * that do not count give any id there is.
 * @throws DTypeError for what is no tensor; ShapeError unless there is one id a row
 */
export function pick(x: Tensor, ids: Tensor): Tensor {
  checkTensors('pick', { x, ids });
  if (x.rank < 1 || !sameShape(x.shape.slice(0, -1), ids.shape))
    throw new ShapeError(
      `pick: expected one id for each row of x [..., C], got x ${formatShape(x.shape)} and ids ${formatShape(ids.shape)}. Several ids a row are for gather().`,
    );
  return pickAny(x, knownIds('pick', ids, x.shape.at(-1)!));
}

/** `pick` of any ids of the right shape: 0 where one is out of range. */
export function pickAny(x: Tensor, ids: Tensor): Tensor {
  return sum(where(oneHot(ids, x.shape.at(-1)!), x, 0), { axes: -1 });
}
