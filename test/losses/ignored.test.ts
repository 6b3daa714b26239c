/** Values of rows that do not count, which may be anything: neither the loss nor a gradient sees them. */
import assert from 'node:assert/strict';
import {
  BCEWithLogitsLoss,
  CTCLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HuberLoss,
  L1Loss,
  type Loss,
  MSELoss,
  type Metric,
  NLLLoss,
  PoissonNLLLoss,
  QuantileLoss,
  type NdArray,
  type Tensor,
  array,
  auc,
  compile,
  gradients,
  mae,
  r2,
  rmse,
} from '../../lib/index.js';
import { passing } from '../support/pass.js';

const strange = [NaN, Infinity, -Infinity];
/** The loss and its gradient, −0 as 0. */
const run = (loss: Loss, x: NdArray, y: NdArray, sampleWeight?: NdArray): readonly number[] => {
  const f = compile((x: Tensor, y: Tensor, ...[weight]: Tensor[]) => {
    const value = loss.forward(x, y, weight);
    return [value, gradients(value, [x])[0]!];
  });
  return f.sync(x, y, ...(sampleWeight ? [sampleWeight] : [])).flatMap(({ data }) => Array.from(data, (v) => v + 0));
};

describe('what an ignored row holds', () => {
  const ids = array(Int32Array.of(0, -1, 2));
  const ofClasses: readonly (readonly [string, Loss])[] = [
    ['CrossEntropyLoss', new CrossEntropyLoss({ ignoreIndex: -1 })],
    ['CrossEntropyLoss with smoothing', new CrossEntropyLoss({ ignoreIndex: -1, labelSmoothing: 0.1 })],
    [
      'CrossEntropyLoss with smoothing, sum',
      new CrossEntropyLoss({ ignoreIndex: -1, labelSmoothing: 0.1, weight: [1, 2, 3], reduction: 'sum' }),
    ],
    ['NLLLoss', new NLLLoss({ ignoreIndex: -1 })],
  ];
  for (const [name, loss] of ofClasses) {
    it(`changes nothing in ${name}`, () => {
      const rows = (value: number): NdArray => array([[0.1, -0.2, 0.3], [value, 0.5, value], [1, 0, -1]]); // prettier-ignore
      const expected = run(loss, rows(0), ids);
      assert.deepEqual(expected.slice(4, 7), [0, 0, 0]);
      for (const value of strange) assert.deepEqual(run(loss, rows(value), ids), expected, `${value}`);
    });
  }

  const missing = array([0, NaN, 1]);
  const ofElements: readonly (readonly [string, Loss])[] = [
    ['MSELoss', new MSELoss({ ignoreNaN: true })],
    ['L1Loss', new L1Loss({ ignoreNaN: true })],
    ['HuberLoss', new HuberLoss({ ignoreNaN: true, reduction: 'sum' })],
    ['BCEWithLogitsLoss', new BCEWithLogitsLoss({ ignoreNaN: true, posWeight: 3 })],
    ['PoissonNLLLoss', new PoissonNLLLoss({ ignoreNaN: true })],
    ['QuantileLoss', new QuantileLoss({ ignoreNaN: true, quantiles: 0.1 })],
  ];
  for (const [name, loss] of ofElements) {
    it(`changes nothing in ${name}`, () => {
      const expected = run(loss, array([0.5, 0, 2]), missing);
      assert.equal(expected[2], 0);
      for (const value of strange) assert.deepEqual(run(loss, array([0.5, value, 2]), missing), expected, `${value}`);
    });
  }

  const metrics: readonly Metric[] = [mae({ ignoreNaN: true }), rmse({ ignoreNaN: true }), r2({ ignoreNaN: true }), auc()];
  it(`changes nothing in ${metrics.map(({ name }) => name).join(', ')}`, async () => {
    const figures = async (value: number): Promise<unknown> =>
      passing(new MSELoss({ ignoreNaN: true }), metrics).evaluate({ x: array([0.5, value, 2]), y: missing });
    const expected = await figures(0);
    for (const value of strange) assert.deepEqual(await figures(value), expected, `${value}`);
  });
});

describe('what a row of sampleWeight 0 holds', () => {
  const weight = array(Float32Array.of(2, 0, 0.5));
  const numbers = array([[0.5], [1], [0.25]]);
  const ids = array(Int32Array.of(0, 0, 1));
  const overflowing = [...strange, 3e38, 200];
  const losses: readonly (readonly [name: string, loss: Loss, y: NdArray, width: number])[] = [
    ['MSELoss', new MSELoss(), numbers, 1],
    ['MSELoss, sum', new MSELoss({ reduction: 'sum' }), numbers, 1],
    ['MSELoss without missing targets', new MSELoss({ ignoreNaN: true }), numbers, 1],
    ['HuberLoss', new HuberLoss(), numbers, 1],
    ['BCEWithLogitsLoss', new BCEWithLogitsLoss(), numbers, 1],
    ['PoissonNLLLoss', new PoissonNLLLoss(), numbers, 1],
    ['QuantileLoss', new QuantileLoss({ quantiles: [0.1, 0.9] }), array([0.5, 1, 0.25]), 2],
    ['NLLLoss', new NLLLoss(), ids, 2],
    ['CrossEntropyLoss', new CrossEntropyLoss(), ids, 2],
    ['CrossEntropyLoss, sum', new CrossEntropyLoss({ reduction: 'sum', ignoreIndex: 5 }), ids, 2],
    ['CrossEntropyLoss with smoothing', new CrossEntropyLoss({ labelSmoothing: 0.1 }), ids, 2],
    ['CrossEntropyLoss of probabilities', new CrossEntropyLoss(), array(Float32Array.of(0.5, 0.5, 1, 0, 0, 1), [3, 2]), 2],
  ];
  for (const [name, loss, y, width] of losses) {
    it(`changes nothing in ${name}`, () => {
      const rows = (value: number): NdArray => array([0.1, value, 0.3].map((first) => (width === 1 ? [first] : [first, 1])));
      const expected = run(loss, rows(0), y, weight);
      assert.ok(expected.every(Number.isFinite) && expected[1 + width] === 0);
      for (const value of overflowing) assert.deepEqual(run(loss, rows(value), y, weight), expected, `${value}`);
    });
  }

  it('changes nothing in targets of CrossEntropyLoss that are probabilities', () => {
    const of = (value: number): readonly number[] =>
      run(new CrossEntropyLoss(), array([[1, 2], [3, 4], [5, 6]]), array([[0.5, 0.5], [value, 0], [0, 1]]), weight); // prettier-ignore
    for (const value of overflowing) assert.deepEqual(of(value), of(0), `${value}`);
  });

  const metrics = [mae(), rmse(), r2()];
  it(`changes nothing in ${metrics.map(({ name }) => name).join(', ')}`, async () => {
    const figures = async (value: number): Promise<unknown> =>
      passing(new MSELoss(), metrics).evaluate({ x: array([[0.1], [value], [0.3]]), y: numbers, sampleWeight: weight });
    const expected = await figures(0);
    for (const value of overflowing) assert.deepEqual(await figures(value), expected, `${value}`);
  });

  it('changes nothing in GaussianNLLLoss', () => {
    const loss = new GaussianNLLLoss();
    const f = compile((mean: Tensor, variance: Tensor, y: Tensor, w: Tensor) => {
      const value = loss.forward({ mean, variance }, y, w);
      return [value, ...gradients(value, [mean, variance])];
    });
    const of = (value: number): readonly number[] =>
      f.sync(array([[1], [value], [3]]), array([[1], [value], [2]]), numbers, weight).flatMap(({ data }) => Array.from(data, (v) => v + 0));
    for (const value of overflowing) assert.deepEqual(of(value), of(1), `${value}`);
  });

  it('changes nothing in CTCLoss, nor do labels that no path becomes', () => {
    const loss = new CTCLoss();
    const labels = (first: number): NdArray => array(Int32Array.of(1, 2, 1, first, 2, 1), [3, 2]);
    const f = compile((x: Tensor, y: Tensor, w: Tensor) => {
      const value = loss.forward(x, y, w);
      return [value, gradients(value, [x])[0]!];
    });
    const of = (label: number, value = 1): readonly number[] => {
      const x = array([0, value, 2].map((n) => [[0.1, n, 0.3], [0.2, 1, -n]])); // prettier-ignore
      return f.sync(x, labels(label), weight).flatMap(({ data }) => Array.from(data, (v) => v + 0));
    };
    assert.deepEqual(of(1), of(2)); // [1, 1] needs three frames
    for (const value of overflowing) assert.deepEqual(of(2, value), of(2), `${value}`);
  });
});

describe('what a row of a class of weight 0 holds', () => {
  it('changes nothing in CrossEntropyLoss', () => {
    const loss = new CrossEntropyLoss({ weight: [1, 0, 2] });
    const of = (value: number): readonly number[] =>
      run(loss, array([[0.1, -0.2, 0.3], [value, 0.5, value], [1, 0, -1]]), array(Int32Array.of(0, 1, 2))); // prettier-ignore
    assert.deepEqual(of(0).slice(4, 7), [0, 0, 0]);
    for (const value of strange) assert.deepEqual(of(value), of(0), `${value}`);
  });
});

describe('where nothing counts with labelSmoothing', () => {
  it('the loss and its gradients are 0: rows of a class of weight 0', () => {
    const loss = new CrossEntropyLoss({ weight: [0, 1], labelSmoothing: 0.2 });
    assert.deepEqual(run(loss, array([[1, -1], [2, 0]]), array(Int32Array.of(0, 0))), [0, 0, 0, 0, 0]); // prettier-ignore
  });
});
