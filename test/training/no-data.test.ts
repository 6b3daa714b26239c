/** What stands where data is expected, and is none. */
import assert from 'node:assert/strict';
import { Linear, array, forecastData } from '../../lib/index.js';
import { zeros } from '../support/problems.js';
import { trainerOf } from '../support/trainer.js';

describe('in place of data', () => {
  const trainer = trainerOf(new Linear(2));
  const [x, y] = [zeros(4, 3), zeros(4, 2)];
  const expected = 'expected { x, y } of arrays';
  const parts = forecastData(array(new Float32Array(20), [20, 1]), { steps: 2 });
  const wrong: readonly (readonly [string, unknown, string])[] = [
    ['a promise of data', Promise.resolve({ x, y }), `${expected}, got Promise. Await it.`],
    ['a promise of x', { x: Promise.resolve(x), y }, 'expected data made by array(), got Promise. Await it.'],
    ['a promise of one of several inputs', { x: [x, Promise.resolve(x)], y }, 'expected data made by array(), got Promise. Await it.'],
    ['a promise of y', { x, y: Promise.resolve(y) }, 'expected y made by array(), got Promise. Await it.'],
    ['a promise of a target', { x, y: { a: y, b: Promise.resolve(y) } }, 'expected y.b made by array(), got Promise. Await it.'],
    ['parts', parts, `${expected}, got an object of train, validation, inputScale, targetScale. Give its train.`],
    ['other names', { inputs: x, outputs: y }, `${expected}, got an object of inputs, outputs.`],
    ['an array', x, `${expected}, got NdArray. Put it into { x, y }.`],
    ['x alone', { x }, `${expected}, got an object without y. Give y: {} if neither the loss nor a metric takes targets.`],
    ['nothing', {}, `${expected}, got Object.`],
  ];
  for (const [name, data, message] of wrong)
    it(name, async () => {
      for (const call of ['fit', 'step', 'evaluate'] as const) {
        const whole = call === 'step' ? message : message.replace(expected, `${expected}, or batches as they come`);
        await assert.rejects(trainer[call](data as never), { name: 'DataError', message: `${call}: ${whole}` });
      }
    });
});
