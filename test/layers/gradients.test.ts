import { array } from '../../lib/array.js';
import {
  Dropout,
  ELU,
  Flatten,
  GELU,
  Identity,
  Lambda,
  type Layer,
  LayerNorm,
  LeakyReLU,
  Linear,
  LogSoftmax,
  ReLU,
  Reshape,
  Sequential,
  SiLU,
  Sigmoid,
  Softmax,
  Softplus,
  Tanh,
} from '../../lib/layers/index.js';
import { CrossEntropyLoss } from '../../lib/losses/index.js';
import { sin } from '../../lib/ops/index.js';
import { assertGradients, awayFromZero } from '../support/layer.js';

const cases: readonly (readonly [string, Layer, readonly number[]])[] = [
  ['Linear', new Linear(3), [4, 5]],
  ['Linear of a vector', new Linear(3), [5]],
  ['Linear on sequences, without bias', new Linear(2, { bias: false }), [2, 3, 4]],
  ['Sigmoid', new Sigmoid(), [3, 4]],
  ['Tanh', new Tanh(), [3, 4]],
  ['ReLU', new ReLU(), [3, 4]],
  ['LeakyReLU', new LeakyReLU({ negativeSlope: 0.2 }), [3, 4]],
  ['ELU', new ELU({ alpha: 0.7 }), [3, 4]],
  ['GELU', new GELU(), [3, 4]],
  ['GELU by tanh', new GELU({ approximate: 'tanh' }), [3, 4]],
  ['SiLU', new SiLU(), [3, 4]],
  ['Softplus', new Softplus({ beta: 1.5 }), [3, 4]],
  ['Softmax', new Softmax(), [3, 4]],
  ['Softmax along 0', new Softmax({ dim: 0 }), [3, 4]],
  ['LogSoftmax', new LogSoftmax(), [3, 4]],
  ['Dropout', new Dropout(0.4), [4, 5]],
  ['Flatten', new Flatten(), [2, 3, 2]],
  ['Reshape', new Reshape([2, -1]), [2, 6]],
  ['LayerNorm', new LayerNorm(), [3, 5]],
  ['LayerNorm of two dimensions', new LayerNorm({ normalizedShape: [2, 3] }), [2, 2, 3]],
  ['Lambda', new Lambda(sin), [3, 4]],
  ['Identity', new Identity(), [3, 4]],
];

describe('gradients of layers against differences', () => {
  for (const [name, layer, shape] of cases) {
    it(name, () => assertGradients(layer, [awayFromZero(shape)], { training: true }));
  }
  it('a network with its loss', () =>
    assertGradients(
      new Sequential({ hidden: new Linear(6), norm: new LayerNorm(), bend: new Tanh(), drop: new Dropout(0.2), head: new Linear(3) }),
      [awayFromZero([4, 5])],
      { training: true, loss: { loss: new CrossEntropyLoss({ reduction: 'sum' }), target: array(Int32Array.of(0, 1, 2, 1)) } },
    ));
});
