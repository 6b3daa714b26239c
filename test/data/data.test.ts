import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { array } from '../../lib/array.js';
import { Standardizer, readCsv, readIdx, readWav, takeColumns, takeRows, toOneHot, trainTestSplit } from '../../lib/data/index.js';

/** An IDX file. */
function idx(type: number, sizes: readonly number[], elements: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.set([0, 0, type, sizes.length]);
  sizes.forEach((n, i) => header.writeUInt32BE(n, 4 + 4 * i));
  return Buffer.concat([header, elements]);
}

const big = (count: number, bytes: number, write: (view: DataView, i: number) => void): Uint8Array => {
  const view = new DataView(new ArrayBuffer(count * bytes));
  for (let i = 0; i < count; i++) write(view, i);
  return new Uint8Array(view.buffer);
};
const values = [1, -2, 100];

describe('readIdx', () => {
  const cases: readonly (readonly [string, number, Uint8Array, ArrayLike<number>])[] = [
    ['bytes', 0x08, Uint8Array.of(1, 254, 100), Uint8Array.of(1, 254, 100)],
    ['signed bytes', 0x09, Uint8Array.of(1, 254, 100), Int32Array.from(values)],
    ['int16', 0x0b, big(3, 2, (v, i) => v.setInt16(2 * i, values[i]!)), Int32Array.from(values)],
    ['int32', 0x0c, big(3, 4, (v, i) => v.setInt32(4 * i, values[i]!)), Int32Array.from(values)],
    ['float32', 0x0d, big(3, 4, (v, i) => v.setFloat32(4 * i, values[i]!)), Float32Array.from(values)],
    ['float64', 0x0e, big(3, 8, (v, i) => v.setFloat64(8 * i, values[i]!)), Float32Array.from(values)],
  ];
  for (const [name, type, bytes, expected] of cases) {
    it(name, async () => {
      const { data, shape } = await readIdx(idx(type, [3, 1], bytes));
      assert.deepEqual(data, expected);
      assert.deepEqual([...shape], [3, 1]);
    });
  }
  it('unzips no further than the header says', async () => {
    const bomb = gzipSync(Buffer.concat([idx(0x08, [2, 2], Uint8Array.of(1, 2, 3, 4)), Buffer.alloc(1e8)]));
    const before = process.resourceUsage().maxRSS;
    await assert.rejects(readIdx(bomb), {
      name: 'FileError',
      message: /expected 16 bytes for shape \[2, 2\] in the bytes given, got \d{5}\. /,
    });
    assert.ok(process.resourceUsage().maxRSS - before < 5e4, 'kB that the unzipped bytes would have taken');
  });
  it('reads gzipped files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    try {
      const path = join(folder, 'x.gz');
      await writeFile(path, gzipSync(idx(0x08, [2, 2], Uint8Array.of(1, 2, 3, 4))));
      assert.deepEqual((await readIdx(path)).toNested(), [[1, 2], [3, 4]]); // prettier-ignore
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  it('keeps doubles that are infinite or no numbers', async () => {
    const doubles = [Infinity, -Infinity, NaN, 3e38];
    const { data } = await readIdx(
      idx(
        0x0e,
        [4],
        big(4, 8, (v, i) => v.setFloat64(8 * i, doubles[i]!)),
      ),
    );
    assert.deepEqual(data, Float32Array.from(doubles));
  });
  const bad: readonly (readonly [Uint8Array | string, RegExp])[] = [
    [Uint8Array.of(), /^readIdx: expected an IDX header .* in the bytes given, got other bytes/],
    [Uint8Array.of(0, 0, 7, 1), /^readIdx: expected an IDX header/],
    [Uint8Array.of(0, 0, 8, 3, 0), /^readIdx: expected 17 bytes for shape \[\] in the bytes given, got 5\. It was cut off/],
    [idx(0x08, [5], Uint8Array.of(1)), /^readIdx: expected 13 bytes for shape \[5\] in the bytes given, got 9\. It was cut off/],
    [idx(0x08, [1], Uint8Array.of(1, 2)), /^readIdx: expected 9 bytes/],
    [idx(0x0e, [0xffffffff, 0xffffffff, 0xffffffff], Uint8Array.of(1)), /^readIdx: expected 6\.\d+e\+29 bytes/],
    [
      idx(
        0x0e,
        [2],
        big(2, 8, (v, i) => v.setFloat64(8 * i, [1, -1e39][i]!)),
      ),
      /^readIdx: expected numbers that a float32 holds in the bytes given, got -1e\+39 at 1\.$/,
    ],
    [
      gzipSync(idx(0x08, [2, 2], Uint8Array.of(1, 2, 3, 4))).subarray(0, -9),
      /^readIdx: expected to read the bytes given, got unexpected end of file/,
    ],
    ['/no/such/file', /^readIdx: expected to read \/no\/such\/file, got ENOENT/],
  ];
  for (const [file, message] of bad) it(message.source, () => assert.rejects(readIdx(file), { name: 'FileError', message }));
  for (const [what, file] of Object.entries({ undefined, 'an ArrayBuffer': new ArrayBuffer(8) })) {
    it(`refuses ${what}, as other readers do`, async () => {
      for (const [name, read] of Object.entries({ readIdx, readWav, readCsv })) {
        const message = new RegExp(`^${name}: expected a path, a file: URL or a Uint8Array of its bytes for file, got `);
        await assert.rejects(read(file as never), { name: 'OptionError', message });
      }
    });
  }
});

describe('rows', () => {
  const x = array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]); // prettier-ignore
  const y = array(Uint8Array.of(1, 3, 5, 7, 9));

  it('takeRows copies rows of any kind', () => {
    assert.deepEqual(takeRows(x, [2, 0, 2]).toNested(), [[5, 6], [1, 2], [5, 6]]); // prettier-ignore
    assert.deepEqual(takeRows(y, [4]).data, Uint8Array.of(9));
    assert.deepEqual([...takeRows(x, []).shape], [0, 2]);
    assert.deepEqual(takeRows(x, array([4, 0])).toNested(), [[9, 10], [1, 2]]); // prettier-ignore
  });
  for (const width of [63, 64, 65])
    it(`takeRows copies rows of ${width} elements whole`, () => {
      const wide = Float32Array.from({ length: 4 * width }, (_, i) => i);
      const [second, last] = [wide.slice(width, 2 * width), wide.slice(3 * width)];
      assert.deepEqual([...takeRows(array(wide, [4, width]), [3, 1]).data], [...last, ...second]);
    });
  it('takeColumns copies columns of any kind, in the order asked for', () => {
    assert.deepEqual(takeColumns(x, [1, 0, 1]).toNested(), [[2, 1, 2], [4, 3, 4], [6, 5, 6], [8, 7, 8], [10, 9, 10]]); // prettier-ignore
    const bytes = takeColumns(array(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 2, 2]), array(Int32Array.of(1)));
    assert.deepEqual(
      [bytes.dtype, bytes.toNested()],
      [
        'uint8',
        [
          [[2], [4]],
          [[6], [8]],
        ],
      ],
    );
    assert.deepEqual([...takeColumns(x, []).shape], [5, 0]);
    assert.deepEqual([...takeColumns(array(new Float32Array(), [0, 3]), [2]).shape], [0, 1]);
  });
  it('trainTestSplit keeps rows together, each once, by the seed', () => {
    const { train, test } = trainTestSplit({ x, y }, { testFraction: 0.4, seed: 3 });
    assert.deepEqual([train.x.shape[0], test.x.shape[0]], [3, 2]);
    const all = [...train.y.data, ...test.y.data];
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      [1, 3, 5, 7, 9],
    );
    assert.deepEqual(
      [...train.x.data, ...test.x.data].filter((_, i) => i % 2 === 0),
      all,
    );
    assert.deepEqual(trainTestSplit({ x, y }, { testFraction: 0.4, seed: 3 }), { train, test });
  });
  it('trainTestSplit keeps the order of the rows, the last ones for the test', () => {
    const { train, test } = trainTestSplit({ x, y }, { testFraction: 0.4, shuffle: false });
    assert.deepEqual([...train.y.data, NaN, ...test.y.data], [1, 3, 5, NaN, 7, 9]);
    assert.deepEqual(test.x.toNested(), [[7, 8], [9, 10]]); // prettier-ignore
  });
  it('trainTestSplit keeps the shares of classes in both parts, in random order', () => {
    for (const [sizes, testFraction] of [
      [[90, 10], 0.2],
      [[7, 5, 3, 1], 0.5],
      [[50, 1, 33], 0.3],
    ] as const) {
      const rows = sizes.reduce((a: number, b) => a + b, 0);
      const label = array(Int32Array.from(sizes.flatMap((n, id) => new Array<number>(n).fill(5 * id - 3))));
      const row = array(Float32Array.from({ length: rows }, (_, i) => i));
      const { train, test } = trainTestSplit({ row, label }, { testFraction, stratify: 'label', seed: 7 });
      assert.equal(test.row.size, Math.round(rows * testFraction));
      sizes.forEach((n, id) => {
        const found = [...test.label.data].filter((value) => value === 5 * id - 3).length;
        assert.ok(Math.abs(found - (n * test.row.size) / rows) < 1, `${found} of ${n}`);
      });
      for (const part of [train, test]) {
        assert.deepEqual(
          [...part.label.data],
          [...part.row.data].map((i) => label.data[i]),
        );
        assert.notDeepEqual(part.row.data, part.row.data.toSorted());
      }
      assert.deepEqual(
        [...train.row.data, ...test.row.data].sort((a, b) => a - b),
        [...row.data],
      );
    }
  });
  it('trainTestSplit tests a row of any class as often as testFraction says', () => {
    const sizes = [500, 499, 1];
    const label = array(Int32Array.from(sizes.flatMap((n, id) => new Array<number>(n).fill(id))));
    const row = array(Float32Array.from({ length: 1000 }, (_, i) => i));
    const tested = new Int32Array(1000);
    const seeds = 400;
    for (let seed = 0; seed < seeds; seed++) {
      const { test } = trainTestSplit({ row, label }, { testFraction: 0.2, stratify: 'label', seed });
      assert.equal(test.row.size, 200);
      for (const i of test.row.data) tested[i]!++;
    }
    // Of 1000 binomial numbers one in ten million is further than six deviations from the mean.
    const bound = 6 * Math.sqrt(seeds * 0.2 * 0.8);
    tested.forEach((n, i) => assert.ok(Math.abs(n - seeds * 0.2) < bound, `row ${i} in ${n} of ${seeds}`));
    const alone = tested[999]!;
    assert.ok(Math.abs(alone - seeds * 0.2) < bound / 2, `${alone}`);
  });
  it('toOneHot', () => assert.deepEqual(toOneHot(array(Int32Array.of(2, 0)), 3).toNested(), [[0, 0, 1], [1, 0, 0]])); // prettier-ignore
  it('Standardizer brings features to mean 0 and deviation 1', () => {
    const standard = new Standardizer(array([[1, 5], [3, 5]])); // prettier-ignore
    assert.deepEqual(standard.apply(array([[1, 5], [3, 5], [5, 6]])).toNested(), [[-1, 0], [1, 0], [3, 1]]); // prettier-ignore
  });
  it('Standardizer only takes the mean from a feature that never changes, however it rounds', () => {
    for (const value of [1, 0.1, -3.7, 16777213]) {
      const constant = new Standardizer(array(new Float32Array(10).fill(value), [10, 1]));
      assert.deepEqual([...constant.mean, ...constant.deviation], [Math.fround(value), 0]);
      assert.deepEqual(constant.apply(array([[value], [value + 1]])).data, Float32Array.of(0, Math.fround(value + 1) - Math.fround(value)));
    }
    assert.deepEqual([...new Standardizer(array([[NaN], [0.1], [0.1], [0.1]])).deviation], [0]);
    assert.deepEqual([...new Standardizer(array(new Int32Array(10).fill(2 ** 31 - 1))).deviation], [0]);
  });
  it('Standardizer keeps its statistics in double precision, in JSON too', () => {
    const rows = array(Int32Array.of(16000000, 16000001, 16000002, 16000003));
    const standard = new Standardizer(rows);
    assert.deepEqual([standard.mean, standard.deviation], [Float64Array.of(16000001.5), Float64Array.of(Math.sqrt(1.25))]);
    for (const again of [Standardizer.from(JSON.parse(JSON.stringify(standard)) as Standardizer), Standardizer.from(standard.toJSON())]) {
      assert.deepEqual(again, standard);
      assert.deepEqual(again.invert(again.apply(rows)).data, Float32Array.from(rows.data));
    }
  });
  it('Standardizer takes windows of what it was made from, and brings them back', () => {
    const standard = new Standardizer(array([[1, 5], [3, 9]])); // prettier-ignore
    const windows = array([[[1, 5], [3, 9]], [[5, 7], [3, 5]]]); // prettier-ignore
    assert.deepEqual(standard.apply(windows).toNested(), [[[-1, -1], [1, 1]], [[3, 0], [1, -1]]]); // prettier-ignore
    assert.deepEqual(standard.invert(standard.apply(windows)), windows);
  });
  it('Standardizer leaves NaN out, and where it is', () => {
    const standard = new Standardizer(array([[1, NaN], [NaN, 5], [3, 9]])); // prettier-ignore
    assert.deepEqual([...standard.mean, ...standard.deviation], [2, 7, 1, 2]);
    assert.deepEqual(standard.apply(array([[NaN, 5], [3, NaN]])).toNested(), [[NaN, -1], [1, NaN]]); // prettier-ignore
  });
  it('Standardizer puts what it is told in the place of NaN, in units of its results', () => {
    const standard = new Standardizer(array([[1, NaN], [NaN, 5], [3, 9]])); // prettier-ignore
    const x = array([[NaN, 5], [3, NaN]]); // prettier-ignore
    assert.deepEqual(standard.apply(x, { missing: 0 }).toNested(), [[0, -1], [1, 0]]); // prettier-ignore
    assert.deepEqual(standard.apply(x, { missing: -2 }).toNested(), [[-2, -1], [1, -2]]); // prettier-ignore
    assert.deepEqual(standard.apply(x, { missing: undefined }), standard.apply(x));
    const message = 'Standardizer.apply: expected a finite number for missing, got NaN.';
    assert.throws(() => standard.apply(x, { missing: NaN }), { name: 'OptionError', message });
  });
  it('Standardizer is made again from its numbers, JSON and all', () => {
    for (const data of [
      array([1, 3]),
      array([
        [1, 5],
        [3, 9],
      ]),
      array([[[1, 0.1]], [[3, 0.4]], [[4, 0.2]]]), // prettier-ignore
    ]) {
      const standard = new Standardizer(data);
      const again = Standardizer.from(JSON.parse(JSON.stringify(standard)) as Standardizer);
      assert.deepEqual(again, standard);
      assert.deepEqual(again.apply(data), standard.apply(data));
      assert.deepEqual(Standardizer.from({ ...standard }), standard);
    }
    assert.deepEqual(
      Standardizer.from({ mean: [1, 5], deviation: [2, 0] })
        .apply(array([[5, 6]]))
        .toNested(),
      [[2, 1]],
    );
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => new Standardizer(array([[1, NaN], [2, NaN]])), // prettier-ignore
      'DataError',
      'Standardizer: expected finite numbers, or NaN for some, in feature 1, got NaN alone. Leave it out.',
    ],
    [
      () => new Standardizer(array([[1, 2], [Infinity, 3]])), // prettier-ignore
      'DataError',
      'Standardizer: expected finite numbers, or NaN for some, in feature 0, got infinity. Leave it out.',
    ],
    [
      () => Standardizer.from({ mean: [1, NaN], deviation: [1, 1] }),
      'OptionError',
      'Standardizer.from: expected an array of finite numbers for mean, got [ 1, NaN ].',
    ],
    [
      () => Standardizer.from({ mean: [1], deviation: [-1] }),
      'OptionError',
      'Standardizer.from: expected an array of numbers ≥ 0 for deviation, got [ -1 ].',
    ],
    [
      () => Standardizer.from({ mean: [1, 2], deviation: [1] }),
      'ShapeError',
      'Standardizer.from: expected 2 means and deviations for rows of shape [2], got 2 and 1.',
    ],
    [() => takeRows(x, [5]), 'OptionError', 'takeRows: expected row numbers 0 … 4 for ids, got 5 at 0.'],
    [() => takeRows(x, array([[1]])), 'ShapeError', 'takeRows: expected ids of rank 1 [K], got [1, 1].'],
    [() => takeRows(x, new Set([1]) as never), 'OptionError', 'takeRows: expected a list of row numbers for ids, got Set(1) { 1 }.'],
    [() => takeRows(x, undefined as never), 'OptionError', 'takeRows: expected a list of row numbers for ids, got undefined.'],
    [() => takeRows(x, ['1'] as never), 'OptionError', "takeRows: expected row numbers 0 … 4 for ids, got '1' at 0."],
    [() => takeRows(array(1), [0]), 'ShapeError', 'takeRows: expected x of rank ≥ 1 [N, ...], got []. Give it a batch dimension.'],
    [() => takeColumns(x, [0, 2]), 'OptionError', 'takeColumns: expected column numbers 0 … 1 for ids, got 2 at 1.'],
    [() => takeColumns(x, [-1]), 'OptionError', 'takeColumns: expected column numbers 0 … 1 for ids, got -1 at 0.'],
    [() => takeColumns(x, 1 as never), 'OptionError', 'takeColumns: expected a list of column numbers for ids, got 1.'],
    [() => takeColumns(x, array([[1]])), 'ShapeError', 'takeColumns: expected ids of rank 1 [K], got [1, 1].'],
    [
      () => takeColumns(y, [0]),
      'ShapeError',
      'takeColumns: expected x of rank ≥ 2 [N, ..., C], got [5]. Give a single column shape [N, 1].',
    ],
    [
      () => trainTestSplit({ x, y }, { testFraction: 1 }),
      'OptionError',
      'trainTestSplit: expected a number in (0, 1) for testFraction, got 1.',
    ],
    [
      () => trainTestSplit({ x, y }, { testFraction: 0.05 }),
      'OptionError',
      'trainTestSplit: expected rows for both parts, got 5 rows and testFraction 0.05.',
    ],
    [
      () => trainTestSplit({ x, y }, { testFraction: 0.95 }),
      'OptionError',
      'trainTestSplit: expected rows for both parts, got 5 rows and testFraction 0.95.',
    ],
    [
      () => trainTestSplit({ x, y: array([1]) }),
      'ShapeError',
      'trainTestSplit: expected arrays of the same number of rows, got x [5, 2] and y [1].',
    ],
    // @ts-expect-error there is no such array
    [() => trainTestSplit({ x, y }, { stratify: 'z' }), 'OptionError', "trainTestSplit: expected 'x' or 'y' for stratify, got 'z'."],
    [
      () => trainTestSplit({ x, y }, { stratify: 'y', shuffle: false }),
      'OptionError',
      'trainTestSplit: expected no stratify with shuffle: false, got both. Rows that keep their order have the classes they have.',
    ],
    [
      () => trainTestSplit({ x, y }, { stratify: 'x' }),
      'ShapeError',
      'trainTestSplit: expected class ids of shape [5] in x for stratify, got [5, 2].',
    ],
    [
      () => trainTestSplit({ x, y: array([1, 2, 0.5, 1, 1]) }, { stratify: 'y' }),
      'DataError',
      'trainTestSplit: expected class ids in y for stratify, got 0.5 at row 2.',
    ],
    [() => toOneHot(array([0, 3]), 3), 'DataError', 'toOneHot: expected class ids 0 … 2, got 3 at 1.'],
    [() => toOneHot(y, 0), 'OptionError', 'toOneHot: expected a whole number ≥ 1 for classes, got 0.'],
    [() => new Standardizer(array(new Float32Array(), [0, 2])), 'DataError', 'Standardizer: expected at least one row, got none.'],
    [
      () => trainTestSplit({ x, y: { ids: [1, 2] as never } }),
      'DataError',
      'trainTestSplit: expected y.ids made by array(), got Array. Wrap it: array(data, shape).',
    ],
    [
      () => trainTestSplit({ x: [x, array([1])], y }),
      'ShapeError',
      'trainTestSplit: expected arrays of the same number of rows, got x.0 [5, 2] and x.1 [1] and y [5].',
    ],
    [
      () => trainTestSplit({ x, y: { a: y, b: y } }, { stratify: 'y' }),
      'ShapeError',
      'trainTestSplit: expected one array of class ids in y for stratify, got several. Give the ids beside it.',
    ],
    [
      () => trainTestSplit(undefined as never),
      'DataError',
      'trainTestSplit: expected arrays by name, got undefined. Give each a name: { x, y }.',
    ],
    [() => trainTestSplit(x as never), 'DataError', 'trainTestSplit: expected arrays by name, got NdArray. Give each a name: { x, y }.'],
    [() => new Standardizer(x).apply(y), 'ShapeError', 'Standardizer: expected x of shape [N, ..., 2], got [5].'],
    [() => new Standardizer(array([1, 2])).apply(x), 'ShapeError', 'Standardizer: expected x of shape [N], got [5, 2].'],
    [
      () => new Standardizer(array(new Float32Array(18), [3, 2, 3])).apply(array(new Float32Array(18), [3, 3, 2])),
      'ShapeError',
      'Standardizer: expected x of shape [N, ..., 2, 3], got [3, 3, 2].',
    ],
    [() => new Standardizer(array(1)), 'ShapeError', 'Standardizer: expected x of rank ≥ 1 [N, ...], got []. Give it a batch dimension.'],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
