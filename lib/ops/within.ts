/** Whole numbers that are data, checked as the program runs. */
import type { Instruction } from '../compile/instructions/index.js';
import { Operation, apply } from '../graph/operation.js';
import { constant } from '../graph/source.js';
import type { Node, Tensor, TensorType } from '../graph/tensor.js';
import { cast, sub } from './elementwise.js';

/** What is wrong with a number, as `expected …, got …`. */
export type Complaint = (value: number) => string;

/** table[ids], the table holding the numbers that are allowed, from `least`: the numbers themselves, and a run that stops at any other. */
class Within extends Operation {
  override readonly passesGradient = false;

  constructor(
    readonly name: string,
    readonly least: number,
    readonly complaint: Complaint,
  ) {
    super();
  }

  override key(): string {
    return `${this.name} ${this.least}`;
  }

  infer([, ids]: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: ids!.shape, dtype: 'int32' }];
  }

  override badIndex(value: number): string {
    return this.complaint(value + this.least);
  }

  lower(node: Node): readonly Instruction[] {
    const [table, ids] = node.inputs as [Tensor, Tensor];
    return [{ kind: 'gatherRows', out: node.outputs[0]!, table, ids, count: ids.size, tableRows: table.size, rowBytes: 4 }];
  }
}

/**
 * x [...] as it is, int32, which holds numbers `least` … `least + count − 1`. Any other stops the run with its position, in the name of `what`.
 * @param complaint of such a number
 */
export function within(what: string, x: Tensor, least: number, count: number, complaint: Complaint): Tensor {
  const table = constant(Int32Array.from({ length: count }, (_, i) => least + i));
  return apply(new Within(what, least, complaint), table, cast(least === 0 ? x : sub(x, least), 'int32'));
}
