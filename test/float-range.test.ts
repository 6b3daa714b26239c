/** Numbers beyond float32, which would be infinite in a program. */
import assert from 'node:assert/strict';
import {
  Adam,
  AdamW,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  LeakyReLU,
  Linear,
  MSELoss,
  Normalize,
  Philox,
  SGD,
  Trainer,
  array,
  normal,
  uniform,
} from '../lib/index.js';

const advice = 'Numbers are float32, up to 3.4e38.';

describe('numbers that float32 does not hold', () => {
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => new SGD({ lr: 1e39 }), `SGD: expected a number ≥ 0 or a function of the step for lr, got 1e+39. ${advice}`],
    [() => new AdamW({ weightDecay: 1e39 }), `AdamW: expected a number ≥ 0 for weightDecay, got 1e+39. ${advice}`],
    [() => new Adam({ eps: 1e39 }), `Adam: expected a number > 0, 1.2e-38 at least for eps, got 1e+39. ${advice}`],
    [() => new BCEWithLogitsLoss({ posWeight: 4e38 }), `for posWeight, got 4e+38. ${advice}`],
    [() => new CrossEntropyLoss({ weight: [1, 1e39] }), `for weight, got [ 1, 1e+39 ]. ${advice}`],
    [() => new LeakyReLU({ negativeSlope: -1e39 }), `for negativeSlope, got -1e+39. ${advice}`],
    [() => new Normalize({ mean: Float64Array.of(1e39), std: [1] }), `for mean, got Float64Array(1) [ 1e+39 ]. ${advice}`],
    [() => uniform(0, 1e39), `uniform: expected a finite number ≥ low 0 for high, got 1e+39. ${advice}`],
    [() => normal(1e39), `normal: expected a finite number for mean, got 1e+39. ${advice}`],
    [() => new Philox(0).normal(1, 0, 1e39), `Philox.normal: expected a number ≥ 0 for deviation, got 1e+39. ${advice}`],
  ];
  for (const [make, message] of wrong)
    it(message, () => assert.throws(make, (error: Error) => error.name === 'OptionError' && error.message.endsWith(message)));
  it('nor come from a schedule', () =>
    assert.rejects(
      new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new SGD({ lr: () => 1e39 }) }).fit({ x: array([[1]]), y: array([[1]]) }),
      { name: 'OptionError', message: `Trainer: expected a number ≥ 0 from the schedule of lr for step 0, got 1e+39. ${advice}` },
    ));
  it('the largest that it holds is taken', () => assert.equal(new SGD({ lr: 3.4028234e38 }).lr, 3.4028234e38));
});

describe('bounds of Philox', () => {
  const random = new Philox(0);
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => random.uniform(3, 2, 1), 'Philox.uniform: expected a finite number ≥ low 2 for high, got 1.'],
    [() => random.uniform(3, NaN, 1), 'Philox.uniform: expected a finite number for low, got NaN.'],
    // @ts-expect-error no number
    [() => random.uniform(3, 'a'), "Philox.uniform: expected a finite number for low, got 'a'."],
    [() => random.normal(3, Infinity), 'Philox.normal: expected a finite number for mean, got Infinity.'],
    [() => random.normal(3, 0, -1), 'Philox.normal: expected a number ≥ 0 for deviation, got -1.'],
    [() => random.normal(3, 0, NaN), 'Philox.normal: expected a number ≥ 0 for deviation, got NaN.'],
  ];
  for (const [make, message] of wrong) it(message, () => assert.throws(make, { name: 'OptionError', message }));
  it('may be equal', () => assert.deepEqual(random.uniform(3, 0.5, 0.5), Float32Array.of(0.5, 0.5, 0.5)));
});
