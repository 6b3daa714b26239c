import type { Tensor } from '../graph/tensor.js';
import { equal, reshape, slice, sub, sum, where } from '../ops/index.js';
import { iota } from '../graph/source.js';
import { Layer } from './layer.js';
import { lengthsOf } from './lengths.js';
import { type SequenceInputs, checkSequence, sequenceArguments } from './sequence-inputs.js';
import type { Scope } from './scope.js';

/**
 * Takes the last step of each sequence.
 *
 * y[n] = x[n, length_n − 1].   x [N, T, C], and where rows differ lengths int32 [N] → y [N, C]; without lengths all are T.
 *
 * @throws ShapeError if x is no [N, T, C]; DataError while running if a length is not in 1 … T
 * @see https://keras.io/api/layers/recurrent_layers/lstm (return_sequences=False)
 */
export class LastStep extends Layer<SequenceInputs> {
  forward(...args: [...SequenceInputs, Scope]): Tensor {
    const { x, lengths, scope } = sequenceArguments('LastStep', args);
    const [n, t] = checkSequence('LastStep', x);
    const features = x.shape[2]!;
    if (lengths === undefined) return reshape(slice(x, [0, t - 1, 0], [n, 1, features]), [n, features]);
    const last = sub(reshape(lengthsOf('LastStep', lengths, n, t, scope), [n, 1, 1]), 1);
    return sum(where(equal(reshape(iota(t), [t, 1]), last), x, 0), { axes: 1 });
  }
}
