import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { type Fn, checkGradient, sample } from '../support/check-op.js';

/** 0, 1, … 5 as [2, 3] */
const x = array(Float32Array.of(0, 1, 2, 3, 4, 5), [2, 3]);

const moves = (name: string, fn: Fn, expected: unknown): void => {
  it(`${name}: values`, () =>
    assert.deepEqual(
      compile((t: Tensor) => fn(t))
        .sync(x)
        .toNested(),
      expected,
    ));
  it(`${name}: first and second gradient`, () => checkGradient((t) => ops.square(fn(t)), [sample([2, 3])], 2));
};

describe('operations on shapes', () => {
  moves('reshape', (t) => ops.reshape(t, [3, -1]), [[0, 1], [2, 3], [4, 5]]); // prettier-ignore
  moves('transpose', (t) => ops.transpose(t), [[0, 3], [1, 4], [2, 5]]); // prettier-ignore
  moves('transpose of three axes', (t) => ops.transpose(ops.reshape(t, [1, 2, 3]), [2, 0, 1]), [[[0, 3]], [[1, 4]], [[2, 5]]]);
  moves('slice of rows', (t) => ops.slice(t, [1, 0], [1, -1]), [[3, 4, 5]]);
  moves('slice of columns', (t) => ops.slice(t, [0, 1], [2, 2]), [[1, 2], [4, 5]]); // prettier-ignore
  moves('pad', (t) => ops.pad(t, [[1, 0], [0, 1]], 7), [[7, 7, 7, 7], [0, 1, 2, 7], [3, 4, 5, 7]]); // prettier-ignore
  moves('concat of rows', (t) => ops.concat([t, ops.mul(t, 2)]), [[0, 1, 2], [3, 4, 5], [0, 2, 4], [6, 8, 10]]); // prettier-ignore
  moves('concat of columns', (t) => ops.concat([t, ops.slice(t, [0, 2], [2, 1])], 1), [[0, 1, 2, 2], [3, 4, 5, 5]]); // prettier-ignore
  moves('stack', (t) => ops.stack([t, ops.neg(t)]), [[[0, 1, 2], [3, 4, 5]], [[-0, -1, -2], [-3, -4, -5]]]); // prettier-ignore
  moves('stack along the last axis', (t) => ops.stack([t, ops.mul(t, 2)], -1), [[[0, 0], [1, 2], [2, 4]], [[3, 6], [4, 8], [5, 10]]]); // prettier-ignore
  moves('split, turned around', (t) => ops.concat(ops.split(t, [1, 2], 1).toReversed(), 1), [[1, 2, 0], [4, 5, 3]]); // prettier-ignore
  moves('unstack, turned around', (t) => ops.stack(ops.unstack(t, 1).toReversed(), 1), [[2, 1, 0], [5, 4, 3]]); // prettier-ignore
  moves('broadcastTo', (t) => ops.broadcastTo(ops.slice(t, [0, 1], [2, 1]), [2, 2, 2]), [[[1, 1], [4, 4]], [[1, 1], [4, 4]]]); // prettier-ignore
  moves('sumTo', (t) => ops.sumTo(t, [1, 3]), [[3, 5, 7]]);
  moves('pack', (t) => ops.pack([ops.slice(t, [0, 0], [1, 3]), ops.slice(t, [1, 1], [1, 1])], [1, 5], 7), [0, 0, 1, 2, 0, 4, 0]);
  moves('a reshape that strides cannot express', (t) => ops.reshape(ops.transpose(t), [2, 3]), [[0, 3, 1], [4, 2, 5]]); // prettier-ignore
  moves('a slice of a transpose of a broadcast', (t) => ops.slice(ops.transpose(ops.broadcastTo(t, [2, 2, 3]), [2, 0, 1]), [1, 0, 0], [1, 2, 2]), [[[1, 4], [1, 4]]]); // prettier-ignore

  const fails = (name: string, fn: Fn, message: RegExp): void => {
    it(`${name} is refused`, () => assert.throws(() => compile((t: Tensor) => fn(t)).describe([2, 3]), message));
  };
  fails(
    'a reshape of another size',
    (t) => ops.reshape(t, [4]),
    /reshape: expected a shape of 6 elements, got \[4\] for x of shape \[2, 3\]/,
  );
  fails('a slice outside', (t) => ops.slice(t, [1, 0], [2, 3]), /slice: expected a block inside \[2, 3\]/);
  fails('a transpose with an axis twice', (t) => ops.transpose(t, [0, 0]), /transpose: expected each of the 2 axes once/);
  fails(
    'a concat of other widths',
    (t) => ops.concat([t, ops.transpose(t)]),
    /concat: expected shapes equal except along axis 0, got \[2, 3\] and \[3, 2\]/,
  );
  fails(
    'a broadcast that does not fit',
    (t) => ops.broadcastTo(t, [2, 4]),
    /broadcastTo: expected a shape that broadcasts to \[2, 4\], got \[2, 3\]/,
  );
  it('pads what has no elements', () => {
    const padded = compile((t: Tensor) => ops.pad(t, [[2, 0], [3, 2]], 7)).sync(array(new Float32Array(0), [0, 3])); // prettier-ignore
    assert.deepEqual([...padded.data], new Array<number>(16).fill(7));
  });
  it('gives values without elements, and what is made of them', () => {
    const f = compile((t: Tensor) => {
      const y = ops.relu(t);
      return [y, ops.sum(y), ops.stack([y, y])] as const;
    });
    const [y, total, both] = f.sync(array(new Float32Array(0), [0, 2]));
    assert.deepEqual([y.shape, total.data[0], both.shape], [[0, 2], 0, [2, 0, 2]]);
  });
  fails(
    'a stack of other shapes',
    (t) => ops.stack([t, ops.transpose(t)]),
    /stack: expected tensors of one shape, got \[2, 3\] and \[3, 2\]/,
  );
  fails('a transpose of a vector', (t) => ops.transpose(ops.reshape(t, [6])), /transpose: expected x of rank ≥ 2, got \[6\]/);
  fails('a concat of nothing', () => ops.concat([]), /concat: expected at least one tensor, got none/);
  fails('a stack of nothing', () => ops.stack([]), /stack: expected at least one tensor, got none/);
  fails(
    'a split into other sizes',
    (t) => ops.split(t, [1, 1], 1)[0]!,
    /split: expected sizes that add up to 3 along axis 1 of x \[2, 3\], got \[1, 1\]/,
  );
  fails('a split into no sizes', (t) => ops.split(t, 2 as never)[0]!, /split: expected sizes that add up to 2 along axis 0/);
  fails('a stack along no axis', (t) => ops.stack([t], 3), /stack: expected axis in -3 … 2, got 3/);
  fails('an unstack along no axis', (t) => ops.unstack(t, 2)[0]!, /unstack: expected axis in -2 … 1, got 2/);
  fails('a padding of another rank', (t) => ops.pad(t, [[1, 1]]), /pad: expected 2 pairs/);
  fails('a padding of whole numbers', (t) => ops.pad(ops.cast(t, 'int32'), [[1, 0], [0, 0]]), /pad: expected float32, got int32. Cast it first./); // prettier-ignore
  fails('a pack of whole numbers', (t) => ops.pack([ops.cast(t, 'int32')], [0], 6), /pack: expected float32, got int32. Cast it first./);
  for (const [name, offsets, size] of [['overlaps', [0, 5], 12], ['descends', [6, 0], 12], ['ends outside', [0, 7], 12], ['lacks an offset', [0], 12], ['begins before', [-1, 6], 12], ['begins between elements', [0, 6.5], 13]] as const) // prettier-ignore
    fails(`a pack that ${name}`, (t) => ops.pack([t, t], offsets, size), /pack: expected an offset for each tensor, ascending and apart, inside 1[23] elements, got offsets \[.*\] for sizes \[6, 6\]\./); // prettier-ignore
});
