import { array } from '../../lib/array.js';
import {
  Conv1d,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  DepthwiseConv2d,
  Dropout,
  ELU,
  Flatten,
  GELU,
  Identity,
  Lambda,
  type Layer,
  BatchNorm,
  GlobalMaxPool2d,
  GroupNorm,
  InstanceNorm,
  LayerNorm,
  LeakyReLU,
  Linear,
  LogSoftmax,
  PReLU,
  Pad,
  RMSNorm,
  ReLU,
  Reshape,
  SELU,
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
  ['Linear on sequences, without bias', new Linear(2, { bias: false }), [2, 3, 4]],
  ['Sigmoid', new Sigmoid(), [3, 4]],
  ['Tanh', new Tanh(), [3, 4]],
  ['ReLU', new ReLU(), [3, 4]],
  ['LeakyReLU', new LeakyReLU({ negativeSlope: 0.2 }), [3, 4]],
  ['ELU', new ELU({ alpha: 0.7 }), [3, 4]],
  ['SELU', new SELU(), [3, 4]],
  ['GELU', new GELU(), [3, 4]],
  ['GELU by tanh', new GELU({ approximate: 'tanh' }), [3, 4]],
  ['SiLU', new SiLU(), [3, 4]],
  ['Softplus', new Softplus({ beta: 1.5 }), [3, 4]],
  ['Softmax', new Softmax(), [3, 4]],
  ['Softmax along 1', new Softmax({ dim: 1 }), [2, 3, 4]],
  ['LogSoftmax', new LogSoftmax(), [3, 4]],
  ['Dropout', new Dropout(0.4), [4, 5]],
  ['Flatten', new Flatten(), [2, 3, 2]],
  ['Reshape', new Reshape([2, -1]), [2, 6]],
  ['LayerNorm', new LayerNorm(), [3, 5]],
  ['BatchNorm', new BatchNorm(), [6, 5]],
  ['BatchNorm of images', new BatchNorm({ affine: false }), [2, 3, 2, 3]],
  ['GroupNorm', new GroupNorm(2), [2, 3, 2, 4]],
  ['GroupNorm of one group', new GroupNorm(1, { affine: false }), [3, 6]],
  ['InstanceNorm', new InstanceNorm({ affine: true }), [2, 3, 2, 4]],
  ['RMSNorm', new RMSNorm(), [3, 5]],
  ['RMSNorm without affine', new RMSNorm({ affine: false, eps: 0.1 }), [2, 2, 3]],
  ['PReLU', new PReLU(), [3, 4]],
  ['PReLU per channel', new PReLU({ perChannel: true, init: -0.5 }), [2, 3, 4]],
  ['GlobalMaxPool2d', new GlobalMaxPool2d(), [2, 3, 2, 4]],
  ['LayerNorm of two dimensions', new LayerNorm({ normalizedShape: [2, 3] }), [2, 2, 3]],
  ['Conv1d', new Conv1d(4, 3, { stride: 2, padding: 1, groups: 2 }), [2, 7, 2]],
  ['Conv2d', new Conv2d(3, [3, 2], { padding: [1, 0] }), [2, 4, 3, 2]],
  ['Conv2d with all options', new Conv2d(4, 2, { stride: 2, padding: 'same', dilation: 2, groups: 2, bias: false }), [1, 5, 4, 4]],
  ['ConvTranspose1d', new ConvTranspose1d(4, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }), [2, 3, 2]],
  ['ConvTranspose2d', new ConvTranspose2d(3, 3, { stride: 2, padding: 1, outputPadding: 1 }), [1, 3, 2, 2]],
  ['ConvTranspose2d in groups', new ConvTranspose2d(4, 2, { dilation: 2, groups: 2, bias: false }), [1, 2, 3, 4]],
  ['DepthwiseConv2d', new DepthwiseConv2d(3, { padding: 1, depthMultiplier: 2 }), [2, 3, 4, 2]],
  ['Pad', new Pad([1, 0, 2, 1], { value: 3 }), [2, 2, 3, 2]],
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
