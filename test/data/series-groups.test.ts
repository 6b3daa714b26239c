/** Several series in one table, and series with gaps. */
import assert from 'node:assert/strict';
import {
  GRU,
  Linear,
  MSELoss,
  type NdArray,
  Reshape,
  SGD,
  Sequential,
  Standardizer,
  Trainer,
  array,
  concatRows,
  forecastData,
  seriesWindows,
  takeRows,
} from '../../lib/index.js';

/** Rows of three series of 9, 2 and 6 rows, one among the other, and what they are called. */
const names = ['a', 'b', 'a', 'a', 'c', 'a', 'c', 'a', 'b', 'c', 'a', 'c', 'a', 'c', 'a', 'c', 'a'];
const ids = array(Int32Array.from(names, (name) => 7 - 'abc'.indexOf(name)));
const table = array(names.map((name, i) => [100 * 'abc'.indexOf(name) + i, i * i]));
const seriesOf = (wanted: string): NdArray<Float32Array> =>
  takeRows(
    table,
    names.flatMap((name, row) => (name === wanted ? [row] : [])),
  );

describe('several series in one table', () => {
  it('have windows of their own, one series after another', () => {
    const options = { steps: 2, horizon: 2, stride: 2, targets: [1] };
    const parts = ['a', 'c'].map((name) => seriesWindows(seriesOf(name), options));
    const expected = { x: concatRows(parts.map(({ x }) => x)), y: concatRows(parts.map(({ y }) => y)) };
    for (const groups of [ids, names]) assert.deepEqual(seriesWindows(table, { ...options, groups }), expected);
  });
  it('train with their first rows and validate with their last, on one scale', () => {
    const { train, validation, inputScale, targetScale } = forecastData(table, {
      steps: 2,
      targets: [0],
      validationFraction: 0.4,
      groups: ids,
    });
    // 9 · 0.4 ≈ 4, 6 · 0.4 ≈ 2 and 2 · 0.4 ≈ 1 rows validate.
    const trained = concatRows([seriesOf('a').rows(0, 5), seriesOf('b').rows(0, 1), seriesOf('c').rows(0, 4)]);
    assert.deepEqual(inputScale, new Standardizer(trained));
    const numbers = (y: NdArray): number[] => [...targetScale.invert(y).data].map(Math.round);
    const [a, c] = [seriesOf('a'), seriesOf('c')].map(({ data }) => [...data].filter((_, i) => i % 2 === 0)) as [number[], number[]];
    assert.deepEqual(numbers(train.y), [...a.slice(2, 5), ...c.slice(2, 4)]);
    assert.deepEqual(numbers(validation.y), [...a.slice(5), ...c.slice(4)]);
    assert.deepEqual(
      [...inputScale.invert(validation.x).rows(0, 1).data].map(Math.round),
      [...a.slice(3, 5)].flatMap((v) => [v, v * v]),
    );
  });
  it('are the whole table where there is one alone', () => {
    const options = { steps: 3, horizon: 2 };
    assert.deepEqual(forecastData(table, { ...options, groups: array(new Int32Array(17)) }), forecastData(table, options));
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => seriesWindows(table, { steps: 9, groups: ids }),
      'DataError',
      'seriesWindows: expected at least 10 rows for 9 steps and a horizon of 1, got 9 in the longest group. Take fewer steps, or a longer series.',
    ],
    [
      () => forecastData(table, { steps: 7, groups: ids }),
      'DataError',
      'forecastData training: expected at least 8 rows for 7 steps and a horizon of 1, got 7 in the longest group. Take fewer steps, or a longer series.',
    ],
    [
      () => forecastData(table, { steps: 1, horizon: 3, groups: ids }),
      'DataError',
      'forecastData: expected at least 3 rows for validation, as many as the horizon, got 2 of 9 in the longest group with validationFraction 0.2. Take a larger validationFraction, a smaller horizon, or a longer series.',
    ],
    [
      () => seriesWindows(table, { steps: 1, groups: names.slice(1) }),
      'ShapeError',
      'seriesWindows: expected one id a row [17] for groups, got [16].',
    ],
    [
      () => forecastData(table, { steps: 1, groups: array(new Int32Array(17), [17, 1]) }),
      'ShapeError',
      'forecastData: expected one id a row [17] for groups, got [17, 1].',
    ],
    [
      () => seriesWindows(table, { steps: 1, groups: array(new Float32Array(17).fill(NaN)) }),
      'DataError',
      'seriesWindows: expected whole numbers for groups, got NaN at row 0.',
    ],
    [
      () => seriesWindows(table, { steps: 1, groups: 'a' as never }),
      'OptionError',
      "seriesWindows: expected an array of ids or a list of names for groups, got 'a'.",
    ],
    [() => forecastData(table, { steps: 1, targets: [2] }), 'OptionError', 'forecastData: expected columns 0 … 1 for targets, got 2.'],
  ];
  for (const [act, name, message] of wrong) it(message, () => assert.throws(act, { name, message }));
});

describe('a series with gaps', () => {
  const series = array(Float32Array.from({ length: 60 }, (_, i) => (i % 13 === 5 ? NaN : Math.sin(i / 5))), [60, 1]); // prettier-ignore
  const gaps = ({ data }: NdArray): number => data.filter(Number.isNaN).length;

  it('has its gaps filled in x alone', () => {
    const { train, validation } = forecastData(series, { steps: 4, missing: 0 });
    const plain = forecastData(series, { steps: 4 });
    assert.deepEqual([gaps(train.x), gaps(validation.x)], [0, 0]);
    assert.deepEqual([train.y, validation.y], [plain.train.y, plain.validation.y]);
    assert.ok(gaps(train.y) > 0);
    assert.deepEqual(
      train.x.data,
      plain.train.x.data.map((value) => (Number.isNaN(value) ? 0 : value)),
    );
  });
  it('is learnt by a loss that leaves those of y out', async () => {
    const { train, validation } = forecastData(series, { steps: 4, missing: 0 });
    const model = new Sequential([new GRU(4, { returnSequences: false }), new Linear(1), new Reshape([1, 1])], { seed: 1 });
    const trainer = new Trainer(model, { loss: new MSELoss({ ignoreNaN: true }), optimizer: new SGD({ lr: 0.1 }) });
    const { epochs } = await trainer.fit(train, { epochs: 3, validation });
    const last = epochs.at(-1)!;
    assert.ok(last.loss < epochs[0]!.loss && Number.isFinite(last.metrics['valLoss']));
  });
});
