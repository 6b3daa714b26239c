import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import {
  Dropout,
  ELU,
  Flatten,
  GELU,
  Identity,
  Lambda,
  Layer,
  LayerNorm,
  LeakyReLU,
  Linear,
  LogSoftmax,
  ReLU,
  Reshape,
  Normalize,
  Rescale,
  type Scope,
  Sequential,
  Softmax,
  Softplus,
} from '../../lib/layers/index.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { add, sub } from '../../lib/ops/index.js';
import { runLayer } from '../support/layer.js';

const ones = (...shape: number[]): NdArray => array(new Float32Array(shape.reduce((n, k) => n * k, 1)).fill(1), shape);
const run = (layer: Layer, x: NdArray): Promise<NdArray> => layer.predict(x);

/** The option errors: layer, what makes it, message. */
const wrongOptions: readonly (readonly [() => unknown, string])[] = [
  [() => new Linear(0), 'Linear: expected a whole number ≥ 1 for outFeatures, got 0.'],
  [() => new Linear(2.5), 'Linear: expected a whole number ≥ 1 for outFeatures, got 2.5.'],
  // @ts-expect-error unknown option
  [() => new Linear(2, { biass: false }), 'Linear: expected options among bias, weightInit, biasInit, got biass.'],
  // @ts-expect-error of the wrong kind
  [() => new Linear(2, { bias: 0 }), 'Linear: expected true or false for bias, got 0.'],
  // @ts-expect-error of the wrong kind
  [() => new Linear(2, { weightInit: 'zeros' }), "Linear: expected a function for weightInit, got 'zeros'."],
  // @ts-expect-error of the wrong kind
  [() => new Linear(2, null), 'Linear: expected an object of options { bias, weightInit, biasInit }, got null.'],
  [() => new LeakyReLU({ negativeSlope: NaN }), 'LeakyReLU: expected a finite number for negativeSlope, got NaN.'],
  [() => new ELU({ alpha: Infinity }), 'ELU: expected a finite number for alpha, got Infinity.'],
  // @ts-expect-error no such choice
  [() => new GELU({ approximate: 'erf' }), "GELU: expected 'none' or 'tanh' for approximate, got 'erf'."],
  [() => new Softplus({ beta: 0 }), 'Softplus: expected a number > 0, 1.2e-38 at least for beta, got 0.'],
  [() => new Softmax({ dim: 0.5 }), 'Softmax: expected a whole number for dim, got 0.5.'],
  [() => new LogSoftmax({ dim: NaN }), 'LogSoftmax: expected a whole number for dim, got NaN.'],
  [() => new Dropout(1), 'Dropout: expected a number in [0, 1) for p, got 1.'],
  [() => new Flatten({ startDim: 1.5 }), 'Flatten: expected a whole number for startDim, got 1.5.'],
  [() => new Reshape([-1, -1]), 'Reshape: expected whole numbers ≥ 1 and at most one −1 for shape, got [-1, -1].'],
  [() => new Reshape({} as never), 'Reshape: expected whole numbers ≥ 1 and at most one −1 for shape, got {}.'],
  [() => new LayerNorm({ eps: 0 }), 'LayerNorm: expected a number > 0, 1.2e-38 at least for eps, got 0.'],
  [() => new LayerNorm({ normalizedShape: [] }), 'LayerNorm: expected a list of whole numbers ≥ 1 for normalizedShape, got [].'],
  [() => new Normalize({ mean: [NaN], std: [1] }), 'Normalize: expected a list of numbers, one a channel for mean, got [ NaN ].'],
  [() => new Normalize({ mean: [1], std: [-1] }), 'Normalize: expected a list of numbers ≥ 0, one a channel for std, got [ -1 ].'],
  [() => new Normalize({ mean: [1], std: [1, 2] }), 'Normalize: expected as many values for std as for mean, got 2 and 1.'],
  [() => new Rescale(NaN), 'Rescale: expected a finite number for scale, got NaN.'],
  // @ts-expect-error of the wrong kind
  [() => new Lambda(3), 'Lambda: expected a function for apply, got 3.'],
  [() => new Sequential([]), 'Sequential: expected at least one layer, got none.'],
  [
    () => new Sequential(new ReLU() as never, new ReLU()),
    'Sequential: expected a list of layers, or an object of them by name, got ReLU. Put them in one: new Sequential([a, b]).',
  ],
  // @ts-expect-error a class is no layer
  [() => new Sequential([ReLU]), "Sequential: expected a layer for '0', got a function. Make it with new, or wrap a function in Lambda."],
  [
    () => new Sequential([new ReLU(), null as never]),
    "Sequential: expected a layer for '1', got null. Make it with new, or wrap a function in Lambda.",
  ],
  [
    () => new Sequential([[new ReLU()] as never]),
    "Sequential: expected a layer for '0', got Array. Make it with new, or wrap a function in Lambda.",
  ],
  [() => new Sequential({ 'a.b': new ReLU() }), "Sequential: expected names that are not empty and without dots, got 'a.b'."],
  [() => new Sequential([new ReLU()], { seed: -1 }), 'Sequential: expected a whole number ≥ 0 (a bigint below 2⁶⁴) for seed, got -1.'],
];

/** The shape errors: layer, shape of x, message. */
const wrongShapes: readonly (readonly [Layer, readonly number[], string])[] = [
  [new Flatten({ startDim: 2, endDim: 1 }), [2, 3, 4], 'Flatten: expected startDim before endDim, got 2 and 1 for x of shape [2, 3, 4].'],
  [new Flatten({ startDim: 3 }), [2, 3], 'Flatten: expected startDim in -2 … 1, got 3.'],
  [new Flatten({ endDim: -4 }), [2, 3, 4], 'Flatten: expected endDim in -3 … 2, got -4.'],
  [
    new Reshape([28, 28, 1]),
    [2, 780],
    'Reshape: expected x of 784 elements a row for shape [28, 28, 1], got [2, 780]. Change the shape or the layer before it.',
  ],
  [
    new Reshape([7, -1]),
    [2, 15],
    'Reshape: expected x of a multiple of 7 elements a row for shape [7, -1], got [2, 15]. Change the shape or the layer before it.',
  ],
  [
    new LayerNorm({ normalizedShape: [4] }),
    [2, 3],
    'LayerNorm: expected x of shape [N, ..., 4], got [2, 3]. Change normalizedShape or the layer before it.',
  ],
  [new Normalize({ mean: [1, 2], std: [1, 1] }), [2, 3], 'Normalize: expected x of shape [..., 2], one channel for each mean, got [2, 3].'],
  [new Softmax({ dim: 2 }), [2, 3], 'Softmax: expected dim in -2 … 1, got 2.'],
  [new LogSoftmax({ dim: -3 }), [2, 3], 'LogSoftmax: expected dim in -2 … 1, got -3.'],
];

describe('errors of layers', () => {
  for (const [make, message] of wrongOptions) it(message, () => assert.throws(make, { name: 'OptionError', message }));
  for (const [layer, shape, message] of wrongShapes) {
    it(message, () => assert.throws(() => runLayer(layer, ones(...shape), new Map(), ones(1)), { name: 'ShapeError', message }));
  }
  it('names the layer by its path', () =>
    assert.rejects(run(new Sequential({ body: new Sequential([new ReLU(), new Reshape([3])]) }), ones(2, 4)), {
      name: 'ShapeError',
      message: /^Reshape "body\.1": expected x of 3 elements a row/,
    }));
  const ofScalars: readonly (readonly [Layer, string])[] = [
    [new Flatten(), 'Flatten: expected x of rank ≥ 1 [N, ...], got []. Give it a batch dimension.'],
  ];
  for (const [layer, name] of ofScalars) {
    it(name, () => assert.throws(() => runLayer(layer, array(1), new Map(), array(1)), { name: 'ShapeError', message: name }));
  }
});

describe('layers', () => {
  it('Linear starts within ±1/√I, weight and bias', () => {
    const layer = new Linear(200);
    const weights = layer.build([64]).weights();
    for (const path of ['weight', 'bias']) {
      const values = weights.get(path)!.data;
      const largest = values.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      assert.ok(largest <= 1 / 8 && largest > 0.9 / 8, `${path}: ${largest}`);
    }
  });
  it('Dropout passes everything on in evaluation', async () =>
    assert.deepEqual((await run(new Dropout(0.5), ones(3, 4))).toNested(), ones(3, 4).toNested()));
  it('Dropout keeps a share of 1 − p, scaled by 1/(1 − p), in training', () => {
    const n = 10_000;
    const { y, dx } = runLayer(new Dropout(0.25), ones(n), new Map(), ones(n));
    const kept = y.data.filter((v) => v !== 0);
    assert.ok(kept.every((v) => Math.abs(v - 4 / 3) < 1e-6));
    // Five standard deviations of a binomial share.
    assert.ok(Math.abs(kept.length / n - 0.75) < 5 * Math.sqrt((0.25 * 0.75) / n), `${kept.length}`);
    assert.deepEqual(dx.data, y.data);
  });
  it('scope.normal draws anew in each place', () => {
    class Noise extends Layer {
      forward(x: Tensor, scope: Scope): Tensor {
        return add(x, sub(scope.normal(x.shape), scope.normal(x.shape)));
      }
    }
    const { y } = runLayer(new Noise(), ones(1000), new Map(), ones(1000));
    const variance = [...y.data].reduce((total, value) => total + (value - 1) ** 2, 0) / 1000;
    assert.ok(Math.abs(variance - 2) < 5 * Math.sqrt(8 / 1000), String(variance));
  });
  it('Dropout drops infinities too', () => {
    const { y } = runLayer(new Dropout(0.5), array(new Float32Array(100).fill(Infinity)), new Map(), ones(100));
    assert.ok(y.data.every((v) => v === 0 || v === Infinity));
  });
  it('Flatten makes a column of a vector', async () => assert.deepEqual([...(await run(new Flatten(), ones(3))).shape], [3, 1]));
  it('Reshape works out −1', async () => assert.deepEqual([...(await run(new Reshape([2, -1]), ones(5, 6))).shape], [5, 2, 3]));
  it('Rescale scales bytes', async () => {
    const y = await run(new Rescale(1 / 255), array(Uint8Array.of(0, 51, 255), [3, 1]));
    assert.deepEqual([...y.data], [0, Math.fround(51 * Math.fround(1 / 255)), 1]);
  });
  it('Normalize takes channels of bytes to their mean and deviation', async () => {
    const statistics = { mean: [10, 20, 0], std: [2, 4, 8] };
    const y = await run(new Normalize(statistics), array(Uint8Array.of(12, 12, 16, 8, 28, 0), [1, 1, 2, 3]));
    assert.deepEqual([...y.data], [1, -2, 2, -1, 2, 0]);
    assert.deepEqual([...(await run(new Normalize(statistics), array([[10, 24, -8]]))).data], [0, 1, -1]); // prettier-ignore
  });
  it('rectifiers and Identity keep NaN', async () => {
    for (const layer of [new ReLU(), new LeakyReLU(), new ELU(), new Identity()])
      assert.ok(Number.isNaN((await run(layer, array([NaN]))).data[0]));
  });
  it('Sequential names its layers by position or key', () => {
    const paths = (layer: Sequential): string[] => [...layer.build([2]).weights().keys()];
    assert.deepEqual(paths(new Sequential([new Linear(3), new ReLU(), new Linear(1)])), ['0.weight', '0.bias', '2.weight', '2.bias']);
    assert.deepEqual(paths(new Sequential({ in: new Linear(3, { bias: false }), out: new Sequential([new Linear(1)]) })), [
      'in.weight',
      'out.0.weight',
      'out.0.bias',
    ]);
  });
});
