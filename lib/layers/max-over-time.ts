import type { Tensor } from '../graph/tensor.js';
import { max, where } from '../ops/index.js';
import { Layer } from './layer.js';
import { lengthsOf, stepsWithin } from './lengths.js';
import { type SequenceInputs, checkSequence, sequenceArguments } from './sequence-inputs.js';
import type { Scope } from './scope.js';

/**
 * Takes the largest value of each feature over the steps of each sequence, padding left out.
 *
 * y[n, c] = max_{t < length_n} x[n, t, c].   x [N, T, C], and where rows differ lengths int32 [N] → y [N, C]; without lengths all are T.
 * Equal largest values share the gradient.
 *
 * @throws ShapeError if x is no [N, T, C]; DataError while running if a length is not in 1 … T
 * @see https://keras.io/api/layers/pooling_layers/global_max_pooling1d
 */
export class MaxOverTime extends Layer<SequenceInputs> {
  override looksAlongTime(): boolean {
    return true;
  }

  forward(...args: [...SequenceInputs, Scope]): Tensor {
    const { x, lengths, scope } = sequenceArguments('MaxOverTime', args);
    const [n, t] = checkSequence('MaxOverTime', x);
    if (lengths === undefined) return max(x, { axes: 1 });
    const counts = stepsWithin(lengthsOf('MaxOverTime', lengths, n, t, scope), t);
    return max(where(counts, x, -Infinity), { axes: 1 });
  }
}
