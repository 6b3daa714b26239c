import assert from 'node:assert/strict';
import {
  MelSpectrogram,
  type NdArray,
  RandomTokenWindows,
  array,
  melFilters,
  padSequences,
  readImage,
  seriesWindows,
  stackRows,
  toOneHot,
  tokenWindows,
} from '../../lib/index.js';
import { newArray } from '../../lib/data/new-array.js';

const tokens = new Int32Array(3_000_000);

/** What the message says where there is no memory for a result. */
const noMemory = (what: string, bytes: number, shape: readonly number[], advice: string): string =>
  `${what}: expected a result that fits into memory, got ${bytes} bytes for [${shape.join(', ')}]. ${advice}`;

describe('a result that no memory holds is refused by', () => {
  const cases: readonly (readonly [act: () => unknown, message: string])[] = [
    [() => newArray('here', Uint8Array, [2, 2 ** 60], 'Do less.'), noMemory('here', 2 ** 61, [2, 2 ** 60], 'Do less.')],
    [
      () => seriesWindows(array(tokens, [3_000_000, 1]), { steps: 1_500_000 }),
      noMemory('seriesWindows', 9e12, [1_500_000, 1_500_000, 1], 'Take a larger stride, fewer steps or a smaller horizon.'),
    ],
    [
      () => tokenWindows(tokens, { steps: 1_500_000, stride: 1 }),
      noMemory('tokenWindows', 9e12, [1_500_000, 1_500_000], 'Take fewer steps or a larger stride.'),
    ],
    [
      () => new RandomTokenWindows(tokens, { steps: 8, batchSize: 1e12, batches: 1 }),
      noMemory('RandomTokenWindows', 3.2e13, [1e12, 8], 'Make the batches smaller.'),
    ],
    [
      () => padSequences([tokens], { length: 1e13 }),
      noMemory('padSequences', 4e13, [1, 1e13], 'Cut the longest sequences, or take fewer at once.'),
    ],
    [
      () => toOneHot(array(tokens), 1e9),
      noMemory('toOneHot', 1.2e16, [3_000_000, 1e9], 'Keep the ids: CrossEntropyLoss and Embedding take them as they are.'),
    ],
    [
      () => stackRows(Array<NdArray<Float32Array>>(2 ** 20).fill(array(new Float32Array(2 ** 20)))),
      noMemory('stackRows', 2 ** 42, [2 ** 20, 2 ** 20], 'Take fewer at once.'),
    ],
    [
      () => melFilters({ sampleRate: 16000, fftSize: 1e12 }),
      noMemory('melFilters', 1.28e14 + 256, [5e11 + 1, 64], 'Take a smaller fftSize.'),
    ],
    [() => new MelSpectrogram(16000, { mels: 3e7 }), 'MelSpectrogram: expected a whole number in 1 … 32768 for mels, got 30000000.'],
    [
      () => melFilters({ sampleRate: 16000, fftSize: 400, mels: 1e9 }),
      'melFilters: expected a whole number in 1 … 32768 for mels, got 1000000000.',
    ],
  ];
  for (const [act, message] of cases) it(message, () => assert.throws(act, { name: 'OptionError', message }));

  it('readImage, before the file is blamed', () =>
    assert.rejects(readImage(new Uint8Array(8), { size: [20_000, 20_000] }), {
      name: 'OptionError',
      message: /, of at most 268402689 pixels, for size, got \[ 20000, 20000 \]\.$/,
    }));
});
