/** Values of rows that do not count, which may be anything: neither the loss nor a gradient sees them. */
import assert from 'node:assert/strict';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
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
const run = (loss: Loss, x: NdArray, y: NdArray): readonly number[] => {
  const f = compile((x: Tensor, y: Tensor) => {
    const value = loss.forward(x, y);
    return [value, gradients(value, [x])[0]!];
  });
  return (f.sync(x, y) as readonly NdArray[]).flatMap(({ data }) => Array.from(data, (v) => v + 0));
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

describe('where nothing counts with labelSmoothing', () => {
  it('the loss and its gradients are 0: rows of a class of weight 0', () => {
    const loss = new CrossEntropyLoss({ weight: [0, 1], labelSmoothing: 0.2 });
    assert.deepEqual(run(loss, array([[1, -1], [2, 0]]), array(Int32Array.of(0, 0))), [0, 0, 0, 0, 0]); // prettier-ignore
  });
});
