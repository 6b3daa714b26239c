import assert from 'node:assert/strict';
import { type NdArray, array, seriesWindows, tokenWindows, trainTestSplit } from '../../lib/index.js';

const ids = (count: number): NdArray<Int32Array> => array(Int32Array.from({ length: count }, (_, i) => i));

describe('trainTestSplit', () => {
  it('takes several inputs in a list and several targets by name, as fit does', () => {
    const row = array(Float32Array.from({ length: 10 }, (_, i) => i));
    const { train, test } = trainTestSplit({ x: [row, ids(10)], y: { digit: ids(10), angle: row } }, { seed: 1 });
    for (const { x, y } of [train, test]) {
      assert.ok(Array.isArray(x));
      const [first, second] = x;
      assert.deepEqual([...first!.data], [...second!.data]);
      assert.deepEqual([...y.digit.data], [...y.angle.data]);
      assert.deepEqual([...y.digit.data], [...first!.data]);
    }
    assert.deepEqual([train.y.digit.dtype, train.y.digit.shape[0], test.y.digit.shape[0]], ['int32', 8, 2]);
  });
  it('stratifies by ids beside them', () => {
    const { test } = trainTestSplit(
      { y: { a: ids(4) }, group: array(Int32Array.of(0, 1, 0, 1)) },
      { testFraction: 0.5, stratify: 'group' },
    );
    assert.deepEqual([...test.group.data].sort(), [0, 1]);
  });
  it('takes windows, and types of any kind of declaration', () => {
    interface Data {
      readonly x: NdArray;
      readonly y: readonly NdArray[];
    }
    const data: Data = { x: ids(5), y: [ids(5)] };
    trainTestSplit(data).train satisfies Data;
    assert.equal(trainTestSplit(tokenWindows(new Int32Array(100), { steps: 4 })).train.x.data.BYTES_PER_ELEMENT, 4);
    assert.equal(trainTestSplit(seriesWindows(array(new Float32Array(100), [50, 2]), { steps: 4 })).test.y.rank, 3);
    // @ts-expect-error y is not made by array()
    assert.throws(() => trainTestSplit({ x: ids(5), y: [1, 2, 3, 4, 5] }), { name: 'DataError' });
  });
});
