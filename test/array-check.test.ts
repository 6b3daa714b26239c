import assert from 'node:assert/strict';
import {
  Linear,
  MelSpectrogram,
  Mfcc,
  type NdArray,
  Sequential,
  Standardizer,
  Stft,
  array,
  classReport,
  concatRows,
  confusionMatrix,
  ctcDecode,
  decibels,
  forecastData,
  padSequences,
  resample,
  rocAuc,
  seriesWindows,
  stackRows,
  takeColumns,
  takeRows,
  toOneHot,
  trainTestSplit,
} from '../lib/index.js';

const standardizer = new Standardizer(array([[1], [2]]));
const good = array([[1], [2]]);

/** What takes an array, by what it calls it. */
const takers: readonly (readonly [what: string, name: string, call: (x: NdArray<Float32Array>) => unknown])[] = [
  ['Linear.predictSync', 'data', (x) => new Linear(1).predictSync(x)],
  ['Sequential.predictSync', 'data', (x) => new Sequential([new Linear(1)]).predictSync([good, x])],
  ['Stft', 'x', (x) => new Stft().apply(x)],
  ['Stft', 'x', (x) => new Stft().power(x)],
  ['Stft', 'x', (x) => new MelSpectrogram(16000).apply(x)],
  ['Stft', 'x', (x) => new Mfcc(16000).apply(x)],
  ['decibels', 'power', decibels],
  ['resample', 'x', (x) => resample(x, 8000, 16000)],
  ['seriesWindows', 'series', (x) => seriesWindows(x, { steps: 1 })],
  ['forecastData', 'series', (x) => forecastData(x, { steps: 1 })],
  ['toOneHot', 'ids', (x) => toOneHot(x, 2)],
  ['Standardizer', 'x', (x) => new Standardizer(x)],
  ['Standardizer', 'x', (x) => standardizer.apply(x)],
  ['Standardizer', 'x', (x) => standardizer.invert(x)],
  ['takeRows', 'x', (x) => takeRows(x, [0])],
  ['takeColumns', 'x', (x) => takeColumns(x, [0])],
  ['concatRows', 'array 1', (x) => concatRows([good, x])],
  ['stackRows', 'array 1', (x) => stackRows([good, x])],
  ['trainTestSplit', 'x.1', (x) => trainTestSplit({ x: [good, x] })],
  ['padSequences', 'sequence 1', (x) => padSequences([good, x])],
  ['confusionMatrix', 'predictions', (x) => confusionMatrix(x, good)],
  ['confusionMatrix', 'targets', (x) => confusionMatrix(good, x)],
  ['classReport', 'counts', classReport],
  ['rocAuc', 'scores', (x) => rocAuc(x, good)],
  ['ctcDecode', 'scores', ctcDecode],
];

describe('in place of an array', () => {
  for (const [what, name, call] of takers) {
    it(`${what} refuses ${name} that is none, or whose buffer is gone`, () => {
      for (const [x, kind] of [
        [undefined, 'undefined'],
        [null, 'null'],
        [Float32Array.of(1, 2), 'Float32Array'],
        [{ data: [1], shape: [1] }, 'Object'],
      ] as const) {
        assert.throws(
          () => call(x as never),
          (error: Error) => {
            assert.equal(error.name, 'DataError');
            assert.ok(error.message.startsWith(`${what}: expected ${name} made by array(), got ${kind}. `), error.message);
            return true;
          },
        );
      }
      const gone = array(new Float32Array(2), [2, 1]);
      structuredClone(gone.data.buffer, { transfer: [gone.data.buffer] });
      assert.throws(() => call(gone), {
        name: 'StateError',
        message: `${what}: expected 2 elements for ${name} of shape [2, 1], got 0: its buffer was detached or resized. Make a new array.`,
      });
    });
  }
});
