/** Lengths of sequences, checked as the program runs: they are data. */
import { DTypeError, ShapeError, formatShape } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { within } from './within.js';

/**
 * Lengths [N] int32 of rows that have `steps` steps each. A run stops at one outside 1 … steps, naming its row.
 * @throws DTypeError, ShapeError naming `what` unless they are int32 [N]
 */
export function checkedLengths(what: string, lengths: Tensor, rows: number, steps: number): Tensor {
  if (lengths.dtype !== 'int32') {
    throw new DTypeError(
      `${what}: expected int32 for lengths, got ${lengths.dtype}. Make them an Int32Array, or cast(lengths, 'int32') where they are no input.`,
    );
  }
  if (lengths.rank !== 1 || lengths.shape[0] !== rows) {
    throw new ShapeError(`${what}: expected lengths of shape [${rows}], one a row of x, got ${formatShape(lengths.shape)}.`);
  }
  return within('lengths', lengths, 1, steps, (length) => {
    return `expected 1 … ${steps}${length === 0 ? ' (leave empty rows out)' : ''}, got ${length}`;
  });
}
