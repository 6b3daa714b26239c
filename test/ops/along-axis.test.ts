/** Operations on rows along any one axis. */
import assert from 'node:assert/strict';
import { type Tensor, array, compile } from '../../lib/index.js';
import { argmax, argmin, logSoftmax, logSumExp, max, min, softmax, transpose } from '../../lib/ops/index.js';
import { full } from '../../lib/ops/elementwise.js';
import { checkGradient, sample } from '../support/check-op.js';

const x = sample([2, 3, 4]);
const shapes = [[3, 4], [2, 4], [2, 3], [2, 3], [2, 4]] as const; // prettier-ignore
const axes = [0, 1, 2, -1, -2] as const;

/** Rows of x [A, B, C] along an axis, in order of the other axes. */
function rowsAlong(axis: number): readonly (readonly number[])[] {
  const at = (axis + 3) % 3;
  const strides = [12, 4, 1];
  const [first, second] = [0, 1, 2].filter((i) => i !== at) as [number, number];
  return Array.from({ length: x.shape[first]! }, (_, i) => i).flatMap((i) =>
    Array.from({ length: x.shape[second]! }, (_, j) =>
      Array.from({ length: x.shape[at]! }, (_, k) => x.data[i * strides[first]! + j * strides[second]! + k * strides[at]!]!),
    ),
  );
}

describe('one axis of', () => {
  for (const [i, axis] of axes.entries()) {
    for (const [name, op, extreme] of [
      ['argmax', argmax, Math.max],
      ['argmin', argmin, Math.min],
    ] as const) {
      // prettier-ignore
      it(`${name}: ${axis}`, () => {
        const y = compile((t) => op(t, { axes: axis })).sync(x);
        assert.deepEqual(y.shape, shapes[i]);
        const expected = rowsAlong(axis).map((row) => row.indexOf(extreme(...row)));
        assert.deepEqual([...y.data], expected);
        const kept = compile((t) => op(t, { axes: axis, keepDims: true })).sync(x);
        assert.deepEqual(kept.shape, x.shape.with(axis, 1));
        assert.deepEqual([...kept.data], expected);
      });
    }
  }

  for (const axis of axes) {
    const last = (t: Tensor): Tensor => transpose(t, [0, 1, 2].toSpliced(axis, 1).concat((axis + 3) % 3));
    const back = (t: Tensor): Tensor => transpose(t, { 0: [2, 0, 1], 1: [0, 2, 1], 2: [0, 1, 2] }[(axis + 3) % 3]);
    for (const [name, op] of Object.entries({ softmax, logSoftmax })) {
      it(`${name}: ${axis}`, () => {
        const [along, rows] = compile((t) => [op(t, { axes: axis }), back(op(last(t)))]).sync(x);
        assert.deepEqual(along, rows);
        checkGradient((t) => op(t, { axes: axis }), [x], 2);
      });
    }
    it(`logSumExp: ${axis}`, () => {
      const [along, kept, rows] = compile((t) => [
        logSumExp(t, { axes: axis }),
        logSumExp(t, { axes: axis, keepDims: true }),
        logSumExp(last(t)),
      ]).sync(x);
      assert.deepEqual(along, rows);
      assert.deepEqual([kept.shape, kept.data], [x.shape.with(axis, 1), rows.data]);
      checkGradient((t) => logSumExp(t, { axes: axis, keepDims: true }), [x], 2);
    });
  }
  for (const [name, op] of Object.entries({ softmax, logSoftmax })) {
    it(`${name} is not a number or kept`, () => {
      assert.throws(() => op(full([2], 1), 0 as never), {
        name: 'OptionError',
        message: `${name}: expected an object of options { axes }, got 0. Name it: { axes: 0 }.`,
      });
      assert.throws(() => op(full([2], 1), { keepDims: true } as never), {
        name: 'OptionError',
        message: `${name}: expected options among axes, got keepDims.`,
      });
    });
  }

  const wrong: readonly (readonly [unknown, string, RegExp])[] = [
    [0, 'OptionError', /^argmax: expected an object of options \{ axes, keepDims \}, got 0\./],
    [{ axis: 0 }, 'OptionError', /^argmax: expected options among axes, keepDims, got axis\./],
    [{ axes: [0, 1] }, 'OptionError', /^argmax: expected a whole number, one axis, for axes, got \[ 0, 1 \]\./],
    [{ axes: 3 }, 'ShapeError', /^argmax: expected axis in -3 … 2, got 3\./],
  ];
  for (const [options, name, message] of wrong) {
    it(`argmax is not ${JSON.stringify(options)}`, () => {
      assert.throws(() => argmax(full([2, 3, 4], 1), options as never), { name, message });
    });
  }
});

describe('extremes of no values', () => {
  for (const [name, op] of Object.entries({ argmax, argmin, max, min })) {
    const message = new RegExp(`^${name}: expected at least one value for each result, got x of shape \\[3, 0\\] and none\\.`);
    it(`are refused: ${name}`, () => {
      assert.throws(() => op(full([3, 0], 1), { axes: 1 }), { name: 'ShapeError', message });
      assert.deepEqual(compile((t) => op(t, { axes: 0 })).sync(array(new Float32Array(0), [3, 0])).shape, [0]);
    });
  }
});
