import assert from 'node:assert/strict';
import { compile } from '../../lib/compile/compile.js';
import { randomNormal, randomUniform } from '../../lib/ops/index.js';
import { evaluate, float64 } from '../support/evaluate.js';

describe('randomUniform', () => {
  const draw = (): ReturnType<typeof randomUniform> => randomUniform([3, 7], 0x123456789abcdefn, 5);

  it('gives the same numbers as the reference, other ones in every call', () => {
    const f = compile(() => draw());
    for (let step = 0; step < 3; step++) assert.deepEqual([...f.sync().data], [...evaluate([draw()], new Map(), { ...float64, step })[0]!]);
  });
  it('takes a number for the seed', () => {
    for (const random of [randomUniform, randomNormal]) {
      const [byNumber, byBigint] = compile(() => [random([4], 7, 1), random([4], 7n, 1)] as const).sync();
      assert.deepEqual(byNumber, byBigint);
    }
  });
  it('gives equal draws once', () => {
    assert.match(compile(() => [draw(), draw()] as const).describe(), /random .*\n.*copy .*\n2 instructions/);
  });
});

describe('randomNormal', () => {
  it('has the moments of the normal distribution, other numbers in every call', () => {
    const n = 1 << 16;
    const f = compile(() => randomNormal([n], 3n, 0));
    const [first, second] = [f.sync().data, f.sync().data];
    assert.notDeepEqual(first, second);
    const moment = (power: number): number => [...first].reduce((total, x) => total + x ** power, 0) / n;
    // Five standard errors: the variances of x, x², x³ and x⁴ are 1, 2, 15 and 96.
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const)
      // prettier-ignore
      assert.ok(Math.abs(moment(power) - expected) < 5 * Math.sqrt(variance / n), `moment ${power}: ${moment(power)}`);
  });
});
