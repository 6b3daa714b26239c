/** Rows of tables by their ids. */
import type { Tensor } from '../../graph/tensor.js';

export interface GatherRows {
  readonly kind: 'gatherRows';
  readonly out: Tensor;
  readonly table: Tensor;
  readonly ids: Tensor;
  readonly count: number;
  readonly tableRows: number;
  readonly rowBytes: number;
}

export interface ScatterAddRows {
  readonly kind: 'scatterAddRows';
  readonly out: Tensor;
  readonly dy: Tensor;
  readonly ids: Tensor;
  readonly count: number;
  readonly tableRows: number;
  readonly columns: number;
}

export interface MergeRows {
  readonly kind: 'mergeRows';
  /** [count, columns] */
  readonly out: Tensor;
  /** int32 [count] */
  readonly outOwners: Tensor;
  readonly dy: Tensor;
  readonly ids: Tensor;
  readonly count: number;
  readonly tableRows: number;
  readonly columns: number;
}

export interface WriteRows {
  readonly kind: 'writeRows';
  /** The table, of which rows are replaced. */
  readonly out: Tensor;
  readonly in: Tensor;
  /** Those outside the table are skipped. */
  readonly ids: Tensor;
  readonly count: number;
  readonly tableRows: number;
  readonly columns: number;
}

export type TableInstruction = GatherRows | ScatterAddRows | MergeRows | WriteRows;
