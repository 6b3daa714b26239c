/** Lengths of sequences, checked as the program runs: they are data. */
import type { Instruction } from '../compile/instructions/index.js';
import { DTypeError, ShapeError, formatShape } from '../errors.js';
import { Operation, apply } from '../graph/operation.js';
import { constant } from '../graph/source.js';
import type { Node, Tensor, TensorType } from '../graph/tensor.js';
import { cast, sub } from './elementwise.js';

/** table[lengths − 1], the table holding 1 … T: the lengths themselves, and a run that stops at any other. */
class Lengths extends Operation {
  readonly name = 'lengths';

  key(): string {
    return '';
  }

  infer([, ids]: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: ids!.shape, dtype: 'int32' }];
  }

  override vjp(): readonly undefined[] {
    return [];
  }

  override badIndex(value: number, [table]: readonly Tensor[]): string {
    const length = value + 1;
    return `expected 1 … ${table!.size}${length === 0 ? ' (leave empty rows out)' : ''}, got ${length}`;
  }

  lower(node: Node): readonly Instruction[] {
    const [table, ids] = node.inputs as [Tensor, Tensor];
    return [{ kind: 'gatherRows', out: node.outputs[0]!, table, ids, count: ids.size, tableRows: table.size, rowBytes: 4 }];
  }
}

/**
 * Lengths [N] int32 of rows that have `steps` steps each. A run stops at one outside 1 … steps, naming its row.
 * @throws DTypeError, ShapeError naming `what` unless they are int32 [N]
 */
export function checkedLengths(what: string, lengths: Tensor, rows: number, steps: number): Tensor {
  if (lengths.dtype !== 'int32') {
    throw new DTypeError(`${what}: expected int32 for lengths, got ${lengths.dtype}. Make them an Int32Array.`);
  }
  if (lengths.rank !== 1 || lengths.shape[0] !== rows) {
    throw new ShapeError(`${what}: expected lengths of shape [${rows}], one a row of x, got ${formatShape(lengths.shape)}.`);
  }
  const table = constant(Int32Array.from({ length: steps }, (_, i) => i + 1));
  return apply(new Lengths(), table, cast(sub(lengths, 1), 'int32'));
}
