import assert from 'node:assert/strict';
import {
  type NdArray,
  Linear,
  MSELoss,
  Philox,
  SGD,
  Sequential,
  type Split,
  Trainer,
  array,
  kFold,
  matmul,
  compile,
  type Tensor,
} from '../../lib/index.js';

const ids = (count: number): NdArray<Int32Array> => array(Int32Array.from({ length: count }, (_, i) => i));

/** Rows of the test sets, each row once in one of them and in the training sets of all others. */
function tests(folds: Iterable<Split<{ readonly row: NdArray }>>, rows: number): readonly (readonly number[])[] {
  const all = [...folds].map(({ train, test }) => {
    const tested = [...test.row.data];
    assert.deepEqual(
      [...train.row.data, ...tested].sort((a, b) => a - b),
      [...ids(rows).data],
    );
    return tested;
  });
  assert.deepEqual(
    all.flat().sort((a, b) => a - b),
    [...ids(rows).data],
  );
  return all;
}

const sizes = (folds: readonly (readonly number[])[]): readonly number[] => folds.map(({ length }) => length).sort((a, b) => a - b);

describe('kFold', () => {
  it('tests each row once, in parts that differ by one row at most', () => {
    for (const [rows, k] of [
      [10, 5],
      [11, 4],
      [7, 7],
      [3, 2],
    ] as const) {
      // prettier-ignore
      const folds = tests(kFold({ row: ids(rows) }, k, { seed: 3 }), rows);
      assert.equal(folds.length, k);
      assert.ok(sizes(folds).at(-1)! - sizes(folds)[0]! <= 1);
    }
  });

  it('draws other parts by another seed, the same each time by the same', () => {
    const folds = kFold({ row: ids(20) }, 4, { seed: 1 });
    assert.deepEqual(tests(folds, 20), tests(folds, 20), 'gone through again');
    assert.deepEqual(tests(kFold({ row: ids(20) }, 4, { seed: 1 }), 20), tests(folds, 20));
    assert.notDeepEqual(tests(kFold({ row: ids(20) }, 4, { seed: 2 }), 20), tests(folds, 20));
    assert.deepEqual(tests(kFold({ row: ids(20) }, 4), 20), tests(kFold({ row: ids(20) }, 4, { seed: 0 }), 20));
  });

  it('leaves rows in their order without shuffle', () => {
    const [first, second, third] = [...kFold({ row: ids(7) }, 3, { shuffle: false })];
    assert.deepEqual([first, second, third].map((fold) => [...fold!.test.row.data]), [[0, 1, 2], [3, 4], [5, 6]]); // prettier-ignore
    assert.deepEqual([...second!.train.row.data], [0, 1, 2, 5, 6]);
  });

  it('has of each class its share in each part, and a class of one row in any', () => {
    const y = array(Int32Array.from({ length: 31 }, (_, i) => (i === 30 ? 2 : i % 3 === 0 ? 1 : 0)));
    const parts = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const folds = tests(kFold({ row: ids(31), y }, 5, { stratify: 'y', seed }), 31);
      for (const fold of folds) assert.deepEqual([0, 1].map((id) => fold.filter((row) => y.data[row] === id).length), [4, 2]); // prettier-ignore
      parts.add(folds.findIndex((fold) => fold.includes(30)));
    }
    assert.equal(parts.size, 5);
  });

  it('keeps groups together, by ids and by names', () => {
    const of = Array.from({ length: 24 }, (_, i) => i % 7);
    for (const groups of [array(Int32Array.from(of)), of.map((id) => `speaker ${id}`)]) {
      const folds = tests(kFold({ row: ids(24), groups }, 3, { groups: 'groups' }), 24);
      const groupsOf = folds.map((fold) => new Set(fold.map((row) => of[row]!)));
      assert.deepEqual(sizes(groupsOf.map((set) => [...set])), [2, 2, 3]);
      assert.equal(new Set(groupsOf.flatMap((set) => [...set])).size, 7);
    }
  });

  it('serves to see how well models do', async () => {
    const x = array(new Philox(1).normal(120), [40, 3]);
    const y = await compile((a: Tensor, b: Tensor) => matmul(a, b))(x, array([[1], [2], [3]]));
    const losses: number[] = [];
    for (const { train, test } of kFold({ x, y }, 4)) {
      assert.deepEqual([train.x.shape, train.y.shape, test.x.shape], [[30, 3], [30, 1], [10, 3]]); // prettier-ignore
      const trainer = new Trainer(new Sequential([new Linear(1)]), { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
      await trainer.fit(train, { epochs: 200 });
      losses.push((await trainer.evaluate(test)).loss);
    }
    assert.ok(losses.every((loss) => loss < 1e-8), String(losses)); // prettier-ignore
  });

  it('refuses what makes no folds, at the call', () => {
    const data = { row: ids(4), y: array(Int32Array.of(0, 1, 0, 1)) };
    const refusal = (call: () => unknown, name: string, message: RegExp): void => assert.throws(call, { name, message });
    refusal(() => kFold(data, 1), 'OptionError', /^kFold: expected a whole number ≥ 2 for k, got 1/);
    refusal(() => kFold(data, 2.5), 'OptionError', /^kFold: expected a whole number ≥ 2 for k/);
    refusal(() => kFold(data, 5), 'OptionError', /^kFold: expected at most as many folds as rows, got 5 folds of 4 rows/);
    refusal(
      () => kFold(data, 3, { groups: 'y' }),
      'OptionError',
      /^kFold: expected at most as many folds as groups, got 3 folds of 2 groups/,
    );
    refusal(() => kFold(data, 2, { stratify: 'y', shuffle: false }), 'OptionError', /^kFold: expected no stratify with shuffle: false/);
    refusal(() => kFold({ row: ids(4), y: ids(3) }, 2), 'ShapeError', /^kFold: expected arrays of the same number of rows/);
    // @ts-expect-error no such option
    refusal(() => kFold(data, 2, { testFraction: 0.5 }), 'OptionError', /^kFold: expected/);
  });
});
