import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HuberLoss,
  L1Loss,
  type Loss,
  MSELoss,
  NLLLoss,
  PoissonNLLLoss,
  QuantileLoss,
  l1,
  l2,
} from '../../lib/losses/index.js';
import { mul, sub, sum } from '../../lib/ops/index.js';
import assert from 'node:assert/strict';
import { assertGradients, awayFromZero } from '../support/layer.js';

const prediction = awayFromZero([4, 3], 0.3, 5);
/** Differences of 0.3 and more from the prediction, and apart from HuberLoss's bend. */
const target = array(
  prediction.data.map((p, i) => p + [0.4, -0.6, 1.5, -2][i % 4]!),
  [4, 3],
);
const ids = array(Int32Array.of(0, 2, 1, 2));
const probabilities = array(Float32Array.of(0.2, 0.3, 0.5, 1, 0, 0, 0.25, 0.25, 0.5, 0.1, 0.8, 0.1), [4, 3]);
const weight = [1, 0.5, 2];

const cases: readonly (readonly [string, Loss, typeof target | typeof ids])[] = [
  ['MSELoss', new MSELoss(), target],
  ['L1Loss', new L1Loss(), target],
  ['HuberLoss', new HuberLoss(), target],
  ['CrossEntropyLoss of ids', new CrossEntropyLoss(), ids],
  ['CrossEntropyLoss with everything', new CrossEntropyLoss({ weight, labelSmoothing: 0.2, ignoreIndex: 1 }), ids],
  ['CrossEntropyLoss of probabilities', new CrossEntropyLoss({ weight, labelSmoothing: 0.2 }), probabilities],
  ['NLLLoss', new NLLLoss({ weight }), ids],
  ['BCEWithLogitsLoss', new BCEWithLogitsLoss({ posWeight: [0.5, 1, 3] }), probabilities],
  ['PoissonNLLLoss', new PoissonNLLLoss(), probabilities],
  ['QuantileLoss of one', new QuantileLoss({ quantiles: 0.9 }), target],
  // -3 is below all predictions, 3 above.
  ['QuantileLoss of three', new QuantileLoss({ quantiles: [0.1, 0.5, 0.9] }), array(Float32Array.of(3, -3, -3, 3))],
];

describe('gradients of losses against differences', () => {
  for (const [name, loss, t] of cases) it(name, () => assertGradients((p, q) => loss.forward(p, q), [prediction, t]));
  it('GaussianNLLLoss', () => {
    const variance = array([1, 1.5, 2, 2.5, 1, 1.5, 3, 1, 1, 2, 1.5, 4], [4, 3]);
    return assertGradients((mean, variance, t) => new GaussianNLLLoss().forward({ mean, variance }, t), [prediction, variance, target]);
  });
  it('l1', () => assertGradients((a, b) => l1(0.1)([a, b]), [prediction, awayFromZero([2, 2])]));
  it('l2', () => assertGradients((a, b) => l2(0.1)([a, b]), [prediction, awayFromZero([2, 2])]));
  it('gradients of gradients: cross-entropy', () =>
    assertGradients((p, t) => sum(mul(gradients(new CrossEntropyLoss().forward(p, t), [p])[0]!, sub(p, 1))), [prediction, ids]));
  it('binary cross-entropy at logit 0: sigmoid(0) − y', () => {
    const f = compile((x: Tensor, y: Tensor) => gradients(new BCEWithLogitsLoss({ reduction: 'sum' }).forward(x, y), [x])[0]!);
    assert.deepEqual([...f.sync(array([0, 0]), array([0, 1])).data], [0.5, -0.5]);
  });
});
