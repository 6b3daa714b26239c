/** Lengths int32 [N] of rows of T steps, as layers take them. */
import { iota } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { less, reshape } from '../ops/index.js';
import { checkedLengths } from '../ops/lengths.js';
import type { Scope } from './scope.js';

/** They are looked at before the first step where they are an input, and by an instruction in any case. */
export function lengthsOf(what: string, lengths: Tensor, n: number, t: number, scope: Scope): Tensor {
  scope.expect(lengths, 1, t);
  return checkedLengths(what, lengths, n, t);
}

/** 1 for the steps of each row that count: lengths [N] → [N, T, 1]. */
export function stepsWithin(lengths: Tensor, t: number): Tensor {
  return less(reshape(iota(t), [t, 1]), reshape(lengths, [lengths.size, 1, 1]));
}
