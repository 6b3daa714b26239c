import { iota } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { div, less, mean, reshape, sum, where } from '../ops/index.js';
import { checkedLengths } from '../ops/lengths.js';
import { Layer } from './layer.js';
import { type SequenceInputs, checkSequence, sequenceArguments } from './recurrent.js';
import type { Scope } from './scope.js';

/**
 * Averages the steps of each sequence, padding left out.
 *
 * y[n] = Σ_{t < length_n} x[n, t] / length_n.   x [N, T, C], and where rows differ lengths int32 [N] → y [N, C]; without lengths all are T.
 *
 * @throws ShapeError if x is no [N, T, C]; DataError while running if a length is not in 1 … T
 */
export class MeanOverTime extends Layer<SequenceInputs> {
  override looksAlongTime(): boolean {
    return true;
  }

  forward(...args: [...SequenceInputs, Scope]): Tensor {
    const { x, lengths, scope } = sequenceArguments('MeanOverTime', args);
    const [n, t] = checkSequence('MeanOverTime', x);
    if (lengths === undefined) return mean(x, { axes: 1 });
    scope.expect(lengths, 1, t);
    const checked = checkedLengths('MeanOverTime', lengths, n, t);
    const counts = less(reshape(iota(t), [t, 1]), reshape(checked, [n, 1, 1]));
    return div(sum(where(counts, x, 0), { axes: 1 }), reshape(checked, [n, 1]));
  }
}
