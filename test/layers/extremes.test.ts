import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { BatchNorm, ELU, GroupNorm, type Layer, LayerNorm, SELU, Softplus } from '../../lib/layers/index.js';
import { runLayer } from '../support/layer.js';

const ones = (...shape: readonly number[]): NdArray => array(new Float32Array(shape.reduce((n, k) => n * k, 1)).fill(1), shape);

describe('normalisation of numbers whose variance is beyond float32', () => {
  const x = Float32Array.of(1e20, -1e20, 2e20, 0);
  const running = new Map(['runningMean', 'runningVar'].map((path) => [path, ones(1)]));
  const cases: readonly (readonly [string, Layer, readonly number[]])[] = [
    ['LayerNorm', new LayerNorm({ affine: false }), [1, 4]],
    ['GroupNorm over channels', new GroupNorm(1, { affine: false }), [1, 4]],
    ['GroupNorm over pixels', new GroupNorm(1, { affine: false }), [1, 4, 1]],
    ['BatchNorm', new BatchNorm({ affine: false }), [4, 1]],
  ];
  for (const [name, layer, shape] of cases) {
    it(`of ${name} is NaN, and so is its gradient`, () => {
      const { y, dx } = runLayer(layer, array(x, shape), layer instanceof BatchNorm ? running : new Map(), ones(...shape));
      assert.ok([...y.data, ...dx.data].every(Number.isNaN), [...y.data, ...dx.data].join());
    });
  }
  it('of BatchNorm is NaN where the running variance is infinite', async () => {
    const layer = new BatchNorm({ affine: false }).build([1]);
    layer.setWeights(new Map([['runningMean', array([0])], ['runningVar', array([Infinity])]])); // prettier-ignore
    assert.ok(Number.isNaN((await layer.predict(array([[1]]))).data[0]));
  });
});

describe('activations of extreme values', () => {
  /** y and dy/dx of one value. */
  const at = (layer: Layer, x: number): readonly [number, number] => {
    const { y, dx } = runLayer(layer, array([x]), new Map(), array([1]));
    return [y.data[0]!, dx.data[0]!];
  };
  const close = (actual: number, expected: number): void =>
    assert.ok(Math.abs(actual - expected) <= 4 * 2 ** -24 * Math.abs(expected), `expected ${expected}, got ${actual}`);

  for (const beta of [3, 1e-3, 1]) {
    it(`Softplus, beta ${beta}, is x where e^(beta · x) overflows, and no less accurate elsewhere`, () => {
      for (const x of [1.2e38, 3e38, -3e38]) close(at(new Softplus({ beta }), x)[0], Math.max(Math.fround(x), 0));
      for (const x of [-5, -0.25, 0, 0.5, 7]) {
        const [y, slope] = at(new Softplus({ beta }), x);
        close(y, Math.log1p(Math.exp(beta * x)) / beta);
        close(slope, 1 / (1 + Math.exp(-beta * x)));
      }
    });
  }

  const [alpha, scale] = [1.6732632423543772, 1.0507009873554805];
  for (const [name, layer, factor] of [
    ['ELU', new ELU(), 1],
    ['SELU', new SELU(), alpha * scale],
  ] as const) {
    it(`${name} has the gradient of eˣ far below zero`, () => {
      for (const x of [-1e-6, -1, -16.5, -20, -80]) close(at(layer, x)[1], factor * Math.exp(Math.fround(x)));
    });
  }
});
