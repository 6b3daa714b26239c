import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import * as ops from '../../lib/ops/index.js';
import { type Fn, checkForward, checkGradient, sample } from '../support/check-op.js';

const x = sample([2, 3, 4]);
const axes = [undefined, 0, 1, -1, [0, 1], [0, 2], [0, 1, 2], []] as const;
const reductions = { sum: ops.sum, mean: ops.mean, max: ops.max, min: ops.min, sumSquares: ops.sumSquares, variance: ops.variance };

describe('reductions', () => {
  for (const [name, reduce] of Object.entries(reductions)) {
    for (const which of axes) {
      for (const keepDims of [false, true]) {
        const fn: Fn = (t) => reduce(t, which === undefined ? { keepDims } : { axes: which, keepDims });
        const text = `${name} over ${JSON.stringify(which) ?? 'all axes'}${keepDims ? ', kept' : ''}`;
        it(`${text}: values`, () => checkForward(fn, [x], 32));
        it(`${text}: gradient`, () => checkGradient(fn, [x]));
      }
    }
    it(`${name}: second gradient`, () => checkGradient((t) => reduce(t, { axes: 1 }), [x], 2));
  }
  for (const count of [32767, 32768, 40000]) {
    it(`sum of ${count} in pieces: values`, () => checkForward((t) => ops.sum(t), [sample([count])], 64));
  }
  it('max of a long vector in pieces: values', () => checkForward((t) => ops.max(t), [sample([50000])], 1));
  it('mean of 40000: gradient is 1 / 40000', () => checkForward((t) => ops.mean(t), [sample([40000])], 64));

  it('argmax and argmin give the first extreme, NaN counts', async () => {
    const f = compile((t: ops.Operand & object) => [ops.argmax(t), ops.argmin(t)] as const);
    const [largest, smallest] = await f(array([[1, 3, 3], [2, NaN, 0], [-1, -1, -1]])); // prettier-ignore
    assert.deepEqual([[...largest.data], [...smallest.data]], [[1, 1, 0], [0, 1, 0]]); // prettier-ignore
  });
  it('an axis out of range is named', () => {
    assert.throws(
      () => compile((t: ops.Operand & object) => ops.sum(t, { axes: 3 })).describe([2, 3]),
      /sum: expected axis in -2 … 1, got 3/,
    );
  });
});
