/** Raw kernels on the rows of matrices: softmax, cross-entropy, look-ups. Part of `lanewise/kernels`. */
import { type SoftmaxKind, softmaxKinds } from '../compile/instructions/index.js';
import { DTypeError } from '../errors.js';
import { type NumericArray, native } from '../native.js';
import { type Rule, checkOptions, count, oneOf, required } from '../options.js';
import { checkAttached, dtypeOf, isNumericArray } from '../typed-arrays.js';
import { call, checkLength, floats, index, ints, size } from './checks.js';

const numbers: Rule = { expected: 'a Float32Array, Int32Array or Uint8Array', accepts: isNumericArray };

/** Options of {@link softmax}. */
export interface SoftmaxKernelOptions {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly input: Float32Array;
  /** [rows, columns], or [rows] for 'logSumExp'. */
  readonly output: Float32Array;
  /** Default: 'softmax'. */
  readonly kind?: SoftmaxKind | undefined;
}

/**
 * Takes softmax, its logarithm, or ln Σ eˣ of each row.
 * @throws OptionError for wrong options; ShapeError for arrays that are too short, or overlap and are not the same
 */
export function softmax(options: SoftmaxKernelOptions): void {
  checkOptions('softmax', options, {
    rows: size,
    columns: size,
    input: required(floats),
    output: required(floats),
    kind: oneOf(...softmaxKinds),
  });
  const { rows, columns, input, output, kind = 'softmax' } = options;
  checkLength('softmax', 'input', input, rows * columns);
  checkLength('softmax', 'output', output, kind === 'logSumExp' ? rows : rows * columns);
  call('softmax', () => native().softmax(softmaxKinds.indexOf(kind), rows, columns, input, output), { in: 'input', out: 'output' });
}

/** Options of {@link crossEntropy}. */
export interface CrossEntropyKernelOptions {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly logits: Float32Array;
  /** [rows] */
  readonly ids: Int32Array;
  /** Rows of this id get loss 0. Default: −100. */
  readonly ignoreIndex?: number | undefined;
  /** Result [rows]. */
  readonly loss: Float32Array;
}

/** Takes −ln softmax(logits)[id] of each row. @throws DataError for an id that is no column */
export function crossEntropy(options: CrossEntropyKernelOptions): void {
  checkOptions('crossEntropy', options, {
    rows: size,
    columns: size,
    logits: required(floats),
    ids: required(ints),
    ignoreIndex: index,
    loss: required(floats),
  });
  const { rows, columns, logits, ids, ignoreIndex = -100, loss } = options;
  checkLength('crossEntropy', 'logits', logits, rows * columns);
  checkLength('crossEntropy', 'ids', ids, rows);
  checkLength('crossEntropy', 'loss', loss, rows);
  call('crossEntropy', () => native().crossEntropy(rows, columns, logits, ids, ignoreIndex, loss), {}, columns);
}

/** Options of {@link crossEntropyBackward}. */
export interface CrossEntropyBackwardOptions {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  readonly logits: Float32Array;
  /** [rows] */
  readonly ids: Int32Array;
  /** Rows of this id get gradient 0. Default: −100. */
  readonly ignoreIndex?: number | undefined;
  /** [rows] */
  readonly dloss: Float32Array;
  /** Result [rows, columns], overwritten. */
  readonly dlogits: Float32Array;
}

/** Takes dloss · (softmax(logits) − onehot(id)) of each row. @throws DataError for an id that is no column */
export function crossEntropyBackward(options: CrossEntropyBackwardOptions): void {
  checkOptions('crossEntropyBackward', options, {
    rows: size,
    columns: size,
    logits: required(floats),
    ids: required(ints),
    ignoreIndex: index,
    dloss: required(floats),
    dlogits: required(floats),
  });
  const { rows, columns, logits, ids, ignoreIndex = -100, dloss, dlogits } = options;
  checkLength('crossEntropyBackward', 'logits', logits, rows * columns);
  checkLength('crossEntropyBackward', 'ids', ids, rows);
  checkLength('crossEntropyBackward', 'dloss', dloss, rows);
  checkLength('crossEntropyBackward', 'dlogits', dlogits, rows * columns);
  call('crossEntropyBackward', () => native().crossEntropyBackward(rows, columns, logits, ids, ignoreIndex, dloss, dlogits), {}, columns);
}

/** Options of {@link gatherRows}. */
export interface GatherRowsOptions<T extends NumericArray> {
  /** Elements of a row. */
  readonly width: number;
  /** [rows, width] */
  readonly table: T;
  readonly ids: Int32Array;
  /** [ids, width], of the table's kind */
  readonly output: T;
}

/** Copies rows: output[i] = table[ids[i]]. @throws DataError for an id that is no row */
export function gatherRows<T extends NumericArray>(options: GatherRowsOptions<T>): void {
  checkOptions('gatherRows', options, { width: required(count), table: required(numbers), ids: required(ints), output: required(numbers) });
  const { width, table, ids, output } = options;
  if (dtypeOf(table) !== dtypeOf(output)) {
    throw new DTypeError(`gatherRows: expected ${table[Symbol.toStringTag]} for output, as table, got ${output[Symbol.toStringTag]}.`);
  }
  checkAttached('gatherRows', ids);
  checkLength('gatherRows', 'output', output, ids.length * width);
  const rows = Math.floor(table.length / width);
  const copy = (): void => native().gatherRows(ids.length, rows, width * table.BYTES_PER_ELEMENT, table, ids, output);
  call('gatherRows', copy, { out: 'output' }, rows);
}
