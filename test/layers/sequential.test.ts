import assert from 'node:assert/strict';
import { Linear, ReLU, Sequential, array } from '../../lib/index.js';

describe('Sequential', () => {
  it('refuses a list with a hole', () => {
    const layers = [new Linear(2), new ReLU()];
    layers[3] = new Linear(1);
    assert.throws(() => new Sequential(layers), {
      name: 'OptionError',
      message: "Sequential: expected a layer for '2', got undefined. Make it with new, or wrap a function in Lambda.",
    });
  });
  it('takes a seed of 64 bits', async () => {
    const x = array([[1, 2]]);
    const y = async (seed: number | bigint): Promise<unknown> => (await new Sequential([new Linear(2)], { seed }).predict(x)).data;
    assert.deepEqual(await y(5n), await y(5));
    assert.notDeepEqual(await y(2n ** 63n), await y(5));
    assert.throws(() => new Sequential([new Linear(2)], { seed: 2n ** 64n }), {
      name: 'OptionError',
      message: 'Sequential: expected a whole number ≥ 0 (a bigint below 2⁶⁴) for seed, got 18446744073709551616n.',
    });
  });
});
