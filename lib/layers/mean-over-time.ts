import type { Tensor } from '../graph/tensor.js';
import { div, mean, reshape, sum, where } from '../ops/index.js';
import { Layer } from './layer.js';
import { lengthsOf, stepsWithin } from './lengths.js';
import { type SequenceInputs, checkSequence, sequenceArguments } from './sequence-inputs.js';
import type { Scope } from './scope.js';

/**
 * Averages the steps of each sequence, padding left out.
 *
 * y[n] = Σ_{t < length_n} x[n, t] / length_n.   x [N, T, C], and where rows differ lengths int32 [N] → y [N, C]; without lengths all are T.
 *
 * @throws ShapeError if x is no [N, T, C]; DataError while running if a length is not in 1 … T
 * @see https://keras.io/api/layers/pooling_layers/global_average_pooling1d
 */
export class MeanOverTime extends Layer<SequenceInputs> {
  override looksAlongTime(): boolean {
    return true;
  }

  forward(...args: [...SequenceInputs, Scope]): Tensor {
    const { x, lengths, scope } = sequenceArguments('MeanOverTime', args);
    const [n, t] = checkSequence('MeanOverTime', x);
    if (lengths === undefined) return mean(x, { axes: 1 });
    const checked = lengthsOf('MeanOverTime', lengths, n, t, scope);
    return div(sum(where(stepsWithin(checked, t), x, 0), { axes: 1 }), reshape(checked, [n, 1]));
  }
}
