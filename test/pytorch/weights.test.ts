import assert from 'node:assert/strict';
import {
  BatchNorm,
  Conv1d,
  Conv2d,
  CrossAttention,
  ConvTranspose1d,
  ConvTranspose2d,
  DepthwiseConv2d,
  Embedding,
  Flatten,
  GRU,
  GRUCell,
  GroupNorm,
  LSTM,
  LSTMCell,
  Lambda,
  Layer,
  LayerNorm,
  Linear,
  MultiHeadAttention,
  type NdArray,
  RNN,
  RNNCell,
  ReLU,
  type Scope,
  Sequential,
  type Tensor,
  array,
  mul,
  ones,
  slice,
  transpose,
  weightsFromPyTorch,
  weightsToPyTorch,
} from '../../lib/index.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';

class Scale extends Layer {
  forward(x: Tensor, scope: Scope): Tensor {
    return mul(x, scope.parameter('scale', [x.shape.at(-1)!], ones()));
  }
}

/** A layer with a parameter of its own beside its parts, as a Module of PyTorch. */
class Text extends Layer {
  readonly words: Embedding = new Embedding(5, 4);
  readonly conv: Conv1d = new Conv1d(6, 3, { padding: 1, groups: 2 });
  readonly norm: LayerNorm = new LayerNorm();
  readonly lstm: LSTM = new LSTM(2, { numLayers: 2, bidirectional: true });
  readonly head: Linear = new Linear(3, { bias: false });

  forward(ids: Tensor, scope: Scope): Tensor {
    const features = scope.call('norm', this.norm, scope.call('conv', this.conv, scope.call('words', this.words, ids)));
    const states = scope.enter('lstm', this.lstm, (inner) => this.lstm.apply(features, {}, inner)).y;
    return scope.call('head', this.head, mul(states, scope.parameter('scale', [4], ones())));
  }
}

/** A step looks at the others, and at their first three features. */
class Crossing extends Layer {
  readonly alike: CrossAttention = new CrossAttention(2);
  readonly unlike: CrossAttention = new CrossAttention(1, { bias: false });

  forward(x: Tensor, scope: Scope): Tensor {
    const y = scope.call('alike', this.alike, x, x);
    return scope.call('unlike', this.unlike, y, slice(x, [0, 0, 0], [-1, -1, 3]));
  }
}

const images = (flatten: Layer): Sequential =>
  new Sequential([
    new Conv2d(4, [3, 2], { groups: 2 }),
    new BatchNorm(),
    new ReLU(),
    new ConvTranspose2d(6, [2, 3], { stride: 2, groups: 2 }),
    new GroupNorm(3),
    new DepthwiseConv2d(3, { depthMultiplier: 2 }),
    flatten,
    new Linear(3),
  ]);
const flattenAsPyTorch = (): Layer => new Lambda((x) => new Flatten().forward(transpose(x, [0, 3, 1, 2])));

const models: Readonly<Record<string, () => Layer>> = {
  images: () => images(flattenAsPyTorch()),
  text: () => new Text(),
  gated: () => new Sequential({ gru: new GRU(3), rnn: new RNN(2), norm: new BatchNorm({ affine: false }) }),
  attentive: () => new Sequential({ attention: new MultiHeadAttention(2), head: new Linear(2) }),
  crossing: () => new Crossing(),
  widened: () => new Sequential({ conv: new ConvTranspose1d(6, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }) }),
  cells: () => new Sequential({ lstm: new LSTMCell(3), gru: new GRUCell(2), rnn: new RNNCell(2) }),
};

interface Case {
  readonly tensors: Readonly<Record<string, Packed>>;
  readonly x: Packed;
  readonly y: Packed;
}

/** Seven layers, each sums of at most 72 products of values of about 1. */
const ulps = 256;
const fixture = readFixture<Readonly<Record<string, Case>>>('state_dicts');
const tensorsOf = ({ tensors }: Case): Map<string, NdArray> =>
  new Map(Object.entries(tensors).map(([name, value]) => [name, unpack(value)]));
const built = (name: string): Layer => {
  const { shape, dtype = 'float32' } = fixture[name]!.x;
  return models[name]!().build(shape.slice(1), { dtypes: [dtype] });
};

/** The two biases of a recurrent layer as their sum, where only that matters; what PyTorch counts and lanewise does not is left out. */
function comparable(tensors: ReadonlyMap<string, NdArray>): Map<string, number[]> {
  const result = new Map([...tensors].map(([name, { data }]) => [name, [...data]]));
  for (const [name, inner] of result) {
    if (name.endsWith('num_batches_tracked')) result.delete(name);
    if (!name.includes('bias_ih')) continue;
    const outer = result.get(name.replace('_ih', '_hh'))!;
    const apart = name.startsWith('gru') ? (2 * inner.length) / 3 : inner.length;
    for (let i = 0; i < apart; i++) {
      inner[i]! += outer[i]!;
      outer[i] = 0;
    }
  }
  return result;
}

describe('weights of PyTorch', () => {
  for (const [name, value] of Object.entries(fixture)) {
    it(`predict what they do there: ${name}`, async () => {
      const model = built(name);
      model.setWeights(weightsFromPyTorch(model, tensorsOf(value)));
      assertClose(await model.predict(unpack(value.x)), value.y, ulps, name);
    });
    it(`go back as they came: ${name}`, () => {
      const model = built(name);
      const tensors = tensorsOf(value);
      model.setWeights(weightsFromPyTorch(model, tensors));
      const back = weightsToPyTorch(model);
      for (const [path, { shape }] of back) if (tensors.has(path)) assert.deepEqual(shape, tensors.get(path)!.shape, path);
      const [actual, expected] = [comparable(back), comparable(tensors)];
      // A recurrent layer without bias gets one of zeros.
      for (const path of actual.keys()) if (!expected.has(path)) expected.set(path, [0, 0]);
      assert.deepEqual(new Map([...actual].sort()), new Map([...expected].sort()));
    });
    it(`come from models as they went there: ${name}`, () => {
      const model = built(name);
      assert.deepEqual(weightsFromPyTorch(model, weightsToPyTorch(model)), model.weights());
    });
  }

  it('mean other columns behind a Flatten', async () => {
    const { x, y, ...rest } = fixture['images']!;
    const model = images(new Flatten()).build(x.shape.slice(1));
    model.setWeights(weightsFromPyTorch(model, tensorsOf({ x, y, ...rest })));
    const { data } = await model.predict(unpack(x));
    assert.ok(data.some((value, i) => Math.abs(value - y.data[i]!) > 0.1));
  });
  it('the model does not have are passed on, for setWeights to refuse or, with strict: false, to leave', () => {
    const model = new Sequential([new Linear(1)]).build([2]);
    const tensors = new Map<string, NdArray>([['0.weight', array([[1, 2]])], ['1.num_batches_tracked', array(Int32Array.of(3), [])]]); // prettier-ignore
    const weights = weightsFromPyTorch(model, tensors);
    assert.deepEqual([...weights.keys()], ['0.weight', '1.num_batches_tracked']);
    assert.throws(() => model.setWeights(weights), { name: 'StateError', message: /missing "0\.bias", unknown "1\.num_batches_tracked"/ });
    model.setWeights(weights, { strict: false });
    assert.deepEqual(model.weights().get('0.weight'), array([[1], [2]]));
  });
  it('at the root have no path', () => {
    for (const model of [new LSTM(2), new Linear(3), new BatchNorm()].map((layer) => layer.build(layer instanceof LSTM ? [4, 3] : [3]))) {
      assert.deepEqual(weightsFromPyTorch(model, weightsToPyTorch(model)), model.weights());
    }
  });

  const linear = new Sequential([new Linear(3), new Scale()]).build([2]);
  const gru = new Sequential({ gru: new GRU(2, { resetAfter: false }) }).build([4, 3]);
  it('may be those of other layers than a GRU that PyTorch does not have', () =>
    assert.equal(weightsFromPyTorch(gru, new Map([['head.bias', array([1])]])).size, 1));
  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => weightsFromPyTorch(linear, new Map([['0.weight', array([[1, 2, 3], [4, 5, 6]])]])), // prettier-ignore
      'ShapeError',
      'weightsFromPyTorch: expected "0.weight" of shape [3, 2], got [2, 3]. Load it into a model of the same sizes, or leave it out.',
    ],
    [
      () => weightsFromPyTorch(linear, new Map([['1.scale', array([1])]])),
      'ShapeError',
      'weightsFromPyTorch: expected "1.scale" of shape [3], got [1]. Load it into a model of the same sizes, or leave it out.',
    ],
    [
      () => weightsFromPyTorch(linear, new Map([['0.bias', array(new Int32Array(3))]])),
      'DTypeError',
      'weightsFromPyTorch: expected float32 for "0.bias", got int32.',
    ],
    [
      () => weightsFromPyTorch(linear, undefined as never),
      'OptionError',
      'weightsFromPyTorch: expected a Map of arrays made by array() for tensors, got undefined.',
    ],
    [
      () => weightsToPyTorch(linear.weights() as never),
      'OptionError',
      'weightsToPyTorch: expected a model, got Map. Give the layer whose weights they are.',
    ],
    [
      () => weightsFromPyTorch(gru, new Map([['gru.weight_ih_l0', array([1])]])),
      'StateError',
      'weightsFromPyTorch: expected a GRU with resetAfter: true for "gru", got false, which PyTorch does not have.',
    ],
    [
      () => weightsToPyTorch(gru),
      'StateError',
      'recurrentToPyTorch: expected recurrentBias beside "gru.recurrentWeight0", got none: PyTorch has no GRU with resetAfter: false.',
    ],
    [
      () => weightsToPyTorch(new Linear(1)),
      'StateError',
      'Linear: expected a model whose input size is known, got one that was never built. Call fit, predict or build([...sizes]) first, of the model it is a part of if there is one.',
    ],
  ];
  for (const [act, name, message] of wrong) it(message, () => assert.throws(act, { name, message }));
});
