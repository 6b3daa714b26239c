import assert from 'node:assert/strict';
import { type NdArray, array, trainTestSplit } from '../../lib/index.js';

const ids = (count: number): NdArray<Int32Array> => array(Int32Array.from({ length: count }, (_, i) => i));
const sequences = (count: number, steps: (i: number) => number): NdArray<Float32Array>[] =>
  Array.from({ length: count }, (_, i) => array(new Float32Array(steps(i)).fill(i)));

describe('trainTestSplit of lists', () => {
  it('takes sequences and names of files by their places', () => {
    const x = sequences(10, (i) => 3 + i);
    const files = x.map((_, i) => `${i}.wav`);
    const tokens = x.map((_, i) => Int32Array.of(i));
    for (const { x: signals, files: names, tokens: texts, y } of Object.values(trainTestSplit({ x, files, tokens, y: ids(10) }))) {
      assert.deepEqual(signals.map((signal) => signal.data[0]), [...y.data]); // prettier-ignore
      assert.deepEqual(
        names,
        Array.from(y.data, (i) => `${i}.wav`),
      );
      assert.deepEqual(texts.map(([id]) => id), [...y.data]); // prettier-ignore
    }
    const { train } = trainTestSplit({ x, y: x.map(({ shape }) => new Int32Array(shape[0]!)) });
    assert.deepEqual(train.x.map(({ size }) => size), train.y.map(({ length }) => length)); // prettier-ignore
  });
  const z = (...shape: number[]): NdArray<Float32Array> => array(new Float32Array(shape.reduce((n, size) => n * size, 1)), shape);
  const inputs: readonly (readonly [what: string, data: { readonly x: readonly NdArray[]; readonly y?: readonly NdArray[] | NdArray }])[] =
    [
      ['of other ranks', { x: [z(10, 3), z(10)] }],
      ['of other ranks beside several targets', { x: [z(10, 3), z(10)], y: [z(10), z(10, 2)] }],
      ['of other sizes', { x: [z(10, 3), z(10, 2)] }],
      ['of other element types', { x: [z(10), ids(10)] }],
      ['of one array', { x: [z(10, 3)] }],
      ['of as many as there are rows', { x: [z(2, 5), z(2)], y: z(2) }],
      ['of one kind, told by their rows', { x: [z(10), z(10)], y: z(10) }],
    ];
  for (const [what, { x, ...targets }] of inputs)
    it(`divides the rows of inputs ${what}`, () => {
      const half = x.map(({ shape: [rows, ...row] }) => [rows! / 2, ...row]);
      const { train, test } = trainTestSplit({ x, ...targets }, { testFraction: 0.5 });
      for (const part of [train, test]) assert.deepEqual(part.x.map(({ shape }) => shape), half); // prettier-ignore
    });
  it('takes images of different sizes by their places', () => {
    const { train } = trainTestSplit({ x: [z(2, 3, 1), z(3, 2, 1), z(2, 2, 1), z(4, 4, 1)], y: ids(4) });
    assert.equal(train.x.length, 3);
  });
  it('refuses a list of nothing', () => {
    const message = 'trainTestSplit: expected rows for both parts, got 0 rows and testFraction 0.2.';
    assert.throws(() => trainTestSplit({ x: [] }), { name: 'OptionError', message });
    assert.throws(() => trainTestSplit({ x: [], y: ids(10) }), {
      name: 'ShapeError',
      message: 'trainTestSplit: expected arrays of the same number of rows, got x of 0 items and y [10].',
    });
  });
  const either = (name: string, got: string): string =>
    `trainTestSplit: expected an array for each input or an item for each row in ${name}, got ${got}, which may be either. Give each input a name of its own beside y: { a, b, y }, or sequences of one length as one array.`;
  const x = sequences(10, () => 10);
  const refused: readonly (readonly [what: string, data: Parameters<typeof trainTestSplit>[0], message: string])[] = [
    ['as many sequences as they have steps', { x, y: ids(10) }, either('x', 'x of 10 items')],
    ['the same, targets first', { y: ids(10), x }, either('x', 'x of 10 items')],
    ['sequences of one length alone', { x: sequences(3, () => 4) }, either('x', 'x.0 [4] and x.1 [4] and x.2 [4]')],
    [
      'many sequences, in few words',
      { x: sequences(1000, (i) => i + 1), y: ids(999) },
      'trainTestSplit: expected arrays of the same number of rows, got x of 1000 items and y [999].',
    ],
  ];
  for (const [what, data, message] of refused)
    it(`refuses ${what}`, () => assert.throws(() => trainTestSplit(data), { name: 'ShapeError', message }));
});

describe('trainTestSplit by groups', () => {
  const speaker = array(Int32Array.from({ length: 60 }, (_, i) => (i * i) % 13));
  const row = ids(60);

  it('keeps the rows of a group together, and each row once', () => {
    const count = new Set(speaker.data).size;
    const tested = new Map<number, number>();
    for (let seed = 0; seed < 200; seed++) {
      const { train, test } = trainTestSplit({ row, speaker }, { groups: 'speaker', testFraction: 0.3, seed });
      const groups = new Set(test.speaker.data);
      assert.equal(groups.size, Math.round(0.3 * count));
      assert.ok(train.speaker.data.every((id) => !groups.has(id)));
      assert.deepEqual(Int32Array.from([...train.row.data, ...test.row.data]).sort(), row.data);
      for (const id of groups) tested.set(id, (tested.get(id) ?? 0) + 1);
    }
    // Each 0.3 of 200 times or so, within five deviations of √(200 · 0.3 · 0.7).
    for (const id of speaker.data) assert.ok(Math.abs(tested.get(id)! - (200 * Math.round(0.3 * count)) / count) < 5 * 6.5);
  });
  it('are told by names, too', () => {
    const speakers = Array.from(speaker.data, (id) => `speaker ${id}`);
    const { train, test } = trainTestSplit({ row, speakers }, { groups: 'speakers', seed: 3 });
    assert.deepEqual(test.row.data, trainTestSplit({ row, speaker }, { groups: 'speaker', seed: 3 }).test.row.data);
    assert.ok(train.speakers.every((name) => !test.speakers.includes(name)));
  });
  for (const [what, options, name, message] of [
    [
      'beside stratify',
      { groups: 'speaker', stratify: 'row' },
      'OptionError',
      'trainTestSplit: expected no groups with stratify, got both.',
    ],
    [
      'without shuffle',
      { groups: 'speaker', shuffle: false },
      'OptionError',
      'trainTestSplit: expected no groups with shuffle: false, got both.',
    ],
    ['of one id', { groups: 'same' }, 'OptionError', 'trainTestSplit: expected groups for both parts, got 1 groups and testFraction 0.2.'],
    ['of no ids', { groups: 'real' }, 'DataError', 'trainTestSplit: expected ids in real for groups, got 0.5 at row 0.'],
    [
      'in a list',
      { groups: 'files' },
      'ShapeError',
      'trainTestSplit: expected one array of ids or a list of names in files for groups, got several. Give the ids beside it.',
    ],
  ] as const)
    // prettier-ignore
    it(`refuses them ${what}`, () => {
      const data = { row, speaker, same: array(new Int32Array(60)), real: array(new Float32Array(60).fill(0.5)), files: sequences(60, (i) => i) };
      assert.throws(() => trainTestSplit(data, options), { name, message });
    });
});
