/** The gradient of a table by the rows a batch met, instead of an array as large as the table. */
import type { Instruction } from '../compile/instructions/index.js';
import { Operation, applyAll } from '../graph/operation.js';
import type { Node, Tensor, TensorType } from '../graph/tensor.js';
import { Elementwise, full, less } from './elementwise.js';
import { ScatterAddRows } from './gather.js';
import { ReshapeOp, concat } from './shape.js';

/** Row ids[i] of the gradient receives dy[i]; rows without an id are zero. */
export interface RowGradient {
  /** [M, columns] */
  readonly dy: Tensor;
  /** int32 [M] */
  readonly ids: Tensor;
}

/** The rows a gradient [R, ...] is the sum of, or undefined if it is not one of gathered rows alone. A table used n times has n parts. */
export function rowGradient(gradient: Tensor): RowGradient | undefined {
  const parts: Node[] = [];
  const stack = [gradient];
  while (stack.length > 0) {
    const { node } = stack.pop()!;
    const isSum = node.op instanceof Elementwise && node.op.name === 'add';
    const areItsRows = node.op instanceof ScatterAddRows && node.op.rows === gradient.shape[0];
    if (areItsRows) parts.push(node);
    else if (isSum || node.op instanceof ReshapeOp) stack.push(...node.inputs.toReversed());
    else return undefined;
  }
  const [dy, ids] = [0, 1].map((input) => concat(parts.map((node) => node.inputs[input]!))) as [Tensor, Tensor];
  return { dy, ids };
}

/** dy [M, columns], ids [M] → sums [M, columns], owners int32 [M]: all rows of one id added up where it comes first; elsewhere 0 and −1. */
class MergeRows extends Operation {
  readonly name = 'mergeRows';

  constructor(readonly tableRows: number) {
    super();
  }

  infer([dy, ids]: readonly Tensor[]): readonly TensorType[] {
    return [dy!, { shape: ids!.shape, dtype: 'int32' }];
  }

  lower(node: Node): readonly Instruction[] {
    const [dy, ids] = node.inputs as [Tensor, Tensor];
    const [out, outOwners] = node.outputs as [Tensor, Tensor];
    const [count, columns] = dy.shape as [number, number];
    return [{ kind: 'mergeRows', out, outOwners, dy, ids, count, tableRows: this.tableRows, columns }];
  }
}

/** Each row of the gradient once: sums [M, columns] and the ids they belong to, −1 beside rows that are not one. */
export function mergedRows({ dy, ids }: RowGradient, tableRows: number): { readonly sums: Tensor; readonly owners: Tensor } {
  const [sums, owners] = applyAll(new MergeRows(tableRows), [dy, ids]) as [Tensor, Tensor];
  return { sums, owners };
}

/** 1 for the rows of a table that its gradient [R, ...] is for, 0 for the others: [R, 1]. Those that have an id, or all if it is not one of gathered rows alone. */
export function metRows(gradient: Tensor): Tensor {
  const tableRows = gradient.shape[0]!;
  const rows = rowGradient(gradient);
  if (rows === undefined) return full([tableRows, 1], 1);
  const [counts] = applyAll(new ScatterAddRows(tableRows), [full([rows.ids.size, 1], 1), rows.ids]);
  return less(0, counts!);
}
