/** Batches of rows that come one by one. */
import assert from 'node:assert/strict';
import {
  type Batch,
  CrossEntropyLoss,
  type DataRow,
  Linear,
  type RowBatchOptions,
  RowBatches,
  type RowSource,
  SGD,
  Sequential,
  type Targets,
  Trainer,
  array,
} from '../../lib/index.js';
import { checkTurns } from '../support/turns.js';

/** Rows 0 … count − 1, from one array that is used for all of them. */
const counting = (count: number) =>
  async function* (): AsyncGenerator<DataRow> {
    const x = new Float32Array(2);
    for (let i = 0; i < count; i++) {
      x.set([i, 2 * i]);
      yield { x, y: i };
      await Promise.resolve();
    }
  };

async function batchesOf(source: RowSource | RowBatches, options: RowBatchOptions = { batchSize: 4 }): Promise<readonly Batch<Targets>[]> {
  const batches: Batch<Targets>[] = [];
  for await (const batch of source instanceof RowBatches ? source : new RowBatches(source, options)) batches.push(batch);
  return batches;
}

/** The rows of an epoch by their class ids. */
const idsOf = (batches: readonly Batch<Targets>[]): number[] => batches.flatMap(({ y }) => [...(y as Batch['y']).data]);

describe('RowBatches', () => {
  it('puts rows together in their order, the last batch smaller or left out', async () => {
    assert.deepEqual(await batchesOf(counting(5), { batchSize: 3 }), [
      { x: [array([[0, 0], [1, 2], [2, 4]])], y: array(Int32Array.of(0, 1, 2)) },
      { x: [array([[3, 6], [4, 8]])], y: array(Int32Array.of(3, 4)) },
    ]); // prettier-ignore
    assert.deepEqual(idsOf(await batchesOf(counting(5), { batchSize: 3, dropLast: true })), [0, 1, 2]);
    assert.deepEqual(idsOf(await batchesOf(counting(6), { batchSize: 3, dropLast: true })), [0, 1, 2, 3, 4, 5]);
  });

  it('takes arrays, typed arrays and lists, several inputs, targets by name, and weights', async () => {
    const row = (i: number): DataRow => ({
      x: [array(Uint8Array.of(i, i, i)), array(i)],
      y: { id: i, map: [[i / 2]], bits: Int32Array.of(i, 7) },
      sampleWeight: i / 4,
    });
    const [batch] = await batchesOf([row(1), row(2)]);
    assert.deepEqual(batch, {
      x: [array(Uint8Array.of(1, 1, 1, 2, 2, 2), [2, 3]), array([1, 2])],
      y: { id: array(Int32Array.of(1, 2)), map: array([[[0.5]], [[1]]]), bits: array(Int32Array.of(1, 7, 2, 7), [2, 2]) },
      sampleWeight: array([0.25, 0.5]),
    });
    assert.deepEqual((await batchesOf([{ x: [1], y: {} }]))[0]!.y, {});
  });
  it('takes targets by name in any order', async () => {
    const rows = [{ b: 1, a: [0.5] }, { a: [1.5], b: 2 }]; // prettier-ignore
    const [batch] = await batchesOf(rows.map((y) => ({ x: [1], y })));
    assert.deepEqual(batch!.y, { a: array([[0.5], [1.5]]), b: array(Int32Array.of(1, 2)) });
  });
  it('takes one array as several parts of a row', async () => {
    const one = array([1, 2]);
    const [batch] = await batchesOf([{ x: [one, array([3])], y: one }]);
    assert.deepEqual(batch, { x: [array([[1, 2]]), array([[3]])], y: array([[1, 2]]) });
  });
  it('copies what a source may use again', async () => {
    const [typed, list] = [Float32Array.of(1), [1]];
    const source = function* (): Generator<DataRow> {
      for (const value of [1, 2]) {
        typed[0] = list[0] = value;
        yield { x: [array(typed)], y: list, sampleWeight: value };
      }
    };
    assert.deepEqual(await batchesOf(source), [{ x: [array([[1], [2]])], y: array([[1], [2]]), sampleWeight: array([1, 2]) }]);
  });
  it('leaves the event loop its turns while rows come at once', async () => {
    const rows = function* (): Generator<DataRow> {
      for (let i = 0; i < 40_000; i++) yield { x: [i, 2 * i], y: i };
    };
    const batches = new RowBatches(rows, { batchSize: 4, shuffle: 40_000 })[Symbol.asyncIterator]();
    await checkTurns(() => batches.next());
    await batches.return(undefined);
  });

  it('leaves the event loop its turns while rows that are held are given out, and joined', async () => {
    const rows = function* (): Generator<DataRow> {
      for (let i = 0; i < 40_000; i++) yield { x: [i, 2 * i], y: i };
    };
    await checkTurns(() => batchesOf(rows, { batchSize: 40_000, shuffle: 40_000 }));
  });
  it('leaves the event loop its turns while large rows are joined', async () => {
    const x = array(new Float32Array(150_528));
    await checkTurns(() => batchesOf(Array<DataRow>(256).fill({ x, y: 0 }), { batchSize: 256 }));
  });

  it('shuffles with the rows that are held, anew in each epoch, the same for a seed', async () => {
    const [rows, shuffle] = [1000, 50];
    const make = (seed?: number): RowBatches => new RowBatches(counting(rows), { batchSize: 32, shuffle, seed });
    const batches = make();
    const [first, second] = [idsOf(await batchesOf(batches)), idsOf(await batchesOf(batches))];
    for (const order of [first, second]) {
      assert.deepEqual(order.toSorted((a, b) => a - b), Array.from({ length: rows }, (_, i) => i)); // prettier-ignore
      const earlier = order.map((row, place) => row - place);
      assert.ok(earlier.every((places) => places < shuffle));
      assert.ok(earlier.filter((places) => Math.abs(places) > 10).length > rows / 2);
      assert.ok(earlier.some((places) => places < -shuffle));
    }
    assert.notDeepEqual(first, second);
    assert.notDeepEqual(idsOf(await batchesOf(make(1))), first);
    assert.deepEqual(idsOf(await batchesOf(make())), first);
    const resumed = make();
    resumed.epoch = 1;
    assert.deepEqual(idsOf(await batchesOf(resumed)), second);
  });

  it('shuffles all rows alike where the buffer holds them', async () => {
    const batches = new RowBatches(counting(3), { batchSize: 3, shuffle: 3 });
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < 600; epoch++) {
      const order = idsOf(await batchesOf(batches)).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.equal(counts.size, 6);
    assert.ok([...counts.values()].every((count) => count > 60), String([...counts])); // prettier-ignore
  });

  const trained = async (data: Parameters<Trainer['fit']>[0], options: object): Promise<unknown> => {
    const model = new Sequential([new Linear(9)], { seed: 3 });
    const { epochs } = await new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) }).fit(data, options);
    return [epochs.map(({ loss }) => loss), model.weights()];
  };
  it('trains as the same rows in an array do', async () => {
    const [all] = await batchesOf(counting(9), { batchSize: 9 });
    const source = new RowBatches(counting(9), { batchSize: 4 });
    assert.deepEqual(
      await trained(source, { epochs: 3, prefetch: true }),
      await trained(all!, { epochs: 3, batchSize: 4, shuffle: false }),
    );
  });
  it('closes a source that is left early', async () => {
    for (const shuffle of [0, 3]) {
      let closed = 0;
      const endless = function* (): Generator<DataRow> {
        try {
          for (let i = 0; ; i++) yield { x: [1, 2], y: i % 9 };
        } finally {
          closed++;
        }
      };
      await trained(new RowBatches(endless, { batchSize: 2, shuffle }), { epochs: 2, stepsPerEpoch: 3 });
      assert.equal(closed, 1);
    }
  });

  const wrong: readonly (readonly [make: () => unknown, name: string, message: string])[] = [
    [
      () => new RowBatches(counting(1), {} as never),
      'OptionError',
      'RowBatches: expected a whole number ≥ 1 for batchSize, got undefined.',
    ],
    [
      () => new RowBatches(counting(1), { batchSize: 1, shuffle: true as never }),
      'OptionError',
      'RowBatches: expected a whole number ≥ 0 for shuffle, got true.',
    ],
    [
      () => new RowBatches({ x: 1, y: 1 } as never, { batchSize: 1 }),
      'DataError',
      'RowBatches: expected rows to go through, or a function that gives them, got Object. Write a generator.',
    ],
    [
      () => batchesOf((() => 1) as never),
      'DataError',
      'RowBatches: expected rows to go through, or a function that gives them, got number. Write a generator.',
    ],
    [
      () => batchesOf([]),
      'DataError',
      'RowBatches: expected at least one row, got none. A generator runs only once: pass a function that makes one.',
    ],
    [
      () => batchesOf(counting(2), { batchSize: 4, dropLast: true }),
      'DataError',
      'RowBatches: expected at least 4 rows with dropLast, got 2. Leave dropLast out, or give a smaller batchSize.',
    ],
    [() => batchesOf([{ x: [1], y: 1 }, [1, 1] as never]), 'DataError', 'RowBatches row 1: expected { x, y }, got Array.'],
    [
      () => batchesOf([{ x: [1], y: '3' as never }]),
      'DataError',
      'RowBatches row 0: expected a class id, a list of numbers or an array for y, got string.',
    ],
    [
      () => batchesOf([{ x: [1], y: { a: null as never } }]),
      'DataError',
      'RowBatches row 0: expected a class id, a list of numbers or an array for y.a, got null.',
    ],
    [
      () => batchesOf([{ x: undefined as never, y: 1 }]),
      'DataError',
      'RowBatches row 0: expected a list of numbers or an array for x, got undefined.',
    ],
    [
      () => batchesOf([{ x: Promise.resolve([1]) as never, y: 1 }]),
      'DataError',
      'RowBatches row 0: expected a list of numbers or an array for x, got Promise. Await it.',
    ],
    [
      () => batchesOf([{ x: [Float32Array.of(1, 2), Int32Array.of(1, 2)], y: 1 }]),
      'DataError',
      'RowBatches row 0: expected typed arrays of one kind and length for x, the rows of one input, got float32 [2] and int32 [2]. Wrap those of several inputs: array(data).',
    ],
    [
      () => batchesOf([{ x: [Float32Array.of(1, 2), Float32Array.of(1)], y: 1 }]),
      'DataError',
      'RowBatches row 0: expected typed arrays of one kind and length for x, the rows of one input, got float32 [2] and float32 [1]. Wrap those of several inputs: array(data).',
    ],
    [
      () =>
        batchesOf([
          { x: [1], y: 1 },
          { x: [1, 2], y: 1 },
        ]),
      'DataError',
      'RowBatches: expected rows like the first, x float32 [1] and y int32 [], got x float32 [2] and y int32 [] in row 1.',
    ],
    [
      () =>
        batchesOf([
          { x: [1], y: { a: 1 } },
          { x: [1], y: { b: 1 }, sampleWeight: 1 },
        ]),
      'DataError',
      'RowBatches: expected rows like the first, x float32 [1] and y.a int32 [], got x float32 [1] and y.b int32 [] and sampleWeight float32 [] in row 1.',
    ],
    [
      () => batchesOf([{ x: [1], y: 0.5 }]),
      'DataError',
      'RowBatches row 0: expected a whole number that int32 holds for y, a class id, got 0.5. Give what is no id in a list: [0.5].',
    ],
    [
      () => batchesOf([{ x: 1 as never, y: 1 }]),
      'DataError',
      'RowBatches row 0: expected a list of numbers or an array for x, got number.',
    ],
    [
      () => batchesOf([{ x: [array([1]), 1] as never, y: 1 }]),
      'DataError',
      'RowBatches row 0: expected a list of numbers or an array for x.1, got number.',
    ],
    [
      () => batchesOf([{ x: [1], y: 1, sampleWeight: null as never }]),
      'DataError',
      'RowBatches row 0: expected a number for sampleWeight, got null.',
    ],
    [
      () => batchesOf([{ x: [1], y: 1, sampleWeight: [1] as never }]),
      'DataError',
      'RowBatches row 0: expected a number for sampleWeight, got Array.',
    ],
    [
      () => batchesOf([{ x: [1], y: 1, sampleWeight: Promise.resolve(1) as never }]),
      'DataError',
      'RowBatches row 0: expected a number for sampleWeight, got Promise. Await it.',
    ],
    [
      () => batchesOf([{ x: [1], y: 1, weight: 2 } as never]),
      'DataError',
      'RowBatches row 0: expected weights of rows as sampleWeight, got weight, which would count nothing.',
    ],
    [
      () => batchesOf([{ x: ['a'] as never, y: 1 }]),
      'DTypeError',
      'RowBatches row 0 x: array: expected a Float32Array, Int32Array, Uint8Array or nested numbers, got string at [0]. Give a number, NaN where there is none.',
    ],
    [
      () => batchesOf(Object.assign(new RowBatches(counting(1), { batchSize: 1 }), { epoch: -1 })),
      'OptionError',
      'RowBatches: expected a whole number ≥ 0 for epoch, got -1.',
    ],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.rejects(async () => make(), { name, message }));
});
