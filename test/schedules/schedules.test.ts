import assert from 'node:assert/strict';
import {
  type OneCycleOptions,
  type StepSchedule,
  cosineDecay,
  exponentialDecay,
  linear,
  oneCycle,
  stepDecay,
  warmup,
} from '../../lib/schedules/index.js';
import { readFixture } from '../support/fixtures.js';

interface OneCycleCase {
  readonly steps: number;
  readonly options: Omit<OneCycleOptions, 'steps'>;
  readonly rates: readonly number[];
}

const cases: readonly (readonly [string, StepSchedule, readonly (readonly [number, number])[]])[] = [
  ['stepDecay', stepDecay(1, { stepSize: 10, gamma: 0.5 }), [[0, 1], [9, 1], [10, 0.5], [25, 0.25]]], // prettier-ignore
  ['stepDecay by 0.1', stepDecay(2, { stepSize: 1 }), [[0, 2], [1, 0.2]]], // prettier-ignore
  ['exponentialDecay', exponentialDecay(2, { gamma: 0.5 }), [[0, 2], [3, 0.25]]], // prettier-ignore
  ['cosineDecay', cosineDecay(1, { steps: 100 }), [[0, 1], [50, 0.5], [100, 0], [500, 0]]], // prettier-ignore
  ['cosineDecay to a minimum', cosineDecay(1, { steps: 4, minimum: 0.2 }), [[0, 1], [2, 0.6], [4, 0.2]]], // prettier-ignore
  ['linear', linear(1, { to: 0, steps: 4 }), [[0, 1], [1, 0.75], [4, 0], [9, 0]]], // prettier-ignore
  ['warmup of a number', warmup(0.8, { steps: 4 }), [[0, 0.2], [3, 0.8], [4, 0.8]]], // prettier-ignore
  ['warmup of a schedule', warmup(linear(1, { to: 0, steps: 4 }), { steps: 2 }), [[0, 0.5], [1, 1], [2, 1], [3, 0.75]]], // prettier-ignore
];

describe('schedules', () => {
  for (const [name, schedule, points] of cases) {
    it(name, () => {
      for (const [step, lr] of points)
        assert.ok(Math.abs(schedule(step) - lr) < 1e-15, `step ${step}: expected ${lr}, got ${schedule(step)}`);
    });
  }
  for (const { steps, options, rates } of readFixture<{ oneCycle: readonly OneCycleCase[] }>('schedules').oneCycle) {
    it(`oneCycle of ${steps} steps ${JSON.stringify(options)}`, () => {
      const schedule = oneCycle(0.5, { steps, ...options });
      // 15 digits are written.
      for (const [step, lr] of [...rates.entries(), [steps, rates.at(-1)!], [10 * steps, rates.at(-1)!]] as const)
        assert.ok(Math.abs(schedule(step) - lr) < 1e-15, `step ${step}: expected ${lr}, got ${schedule(step)}`);
    });
  }
  const wrong: readonly (readonly [() => unknown, string])[] = [
    // @ts-expect-error required
    [() => stepDecay(1, {}), 'stepDecay: expected a whole number ≥ 1 for stepSize, got undefined.'],
    [() => stepDecay(-1, { stepSize: 1 }), 'stepDecay: expected a number ≥ 0 for lr, got -1.'],
    [() => exponentialDecay(1, { gamma: 0 }), 'exponentialDecay: expected a number > 0 for gamma, got 0.'],
    [() => cosineDecay(1, { steps: 0 }), 'cosineDecay: expected a whole number ≥ 1 for steps, got 0.'],
    [() => linear(1, { to: -1, steps: 1 }), 'linear: expected a number ≥ 0 for to, got -1.'],
    [() => oneCycle(1, { steps: 0 }), 'oneCycle: expected a whole number ≥ 1 for steps, got 0.'],
    [() => oneCycle(1, { steps: 10, pctStart: 1 }), 'oneCycle: expected a number in [0, 1) for pctStart, got 1.'],
    [() => warmup(-1, { steps: 1 }), 'warmup: expected a number ≥ 0 or a function of the step for schedule, got -1.'],
  ];
  for (const [make, message] of wrong) it(message, () => assert.throws(make, { name: 'OptionError', message }));
});
