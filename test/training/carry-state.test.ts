import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { GRU, LSTM, Linear, Sequential } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import type { Batch } from '../../lib/training/batch.js';
import type { FitOptions, TrainStepOptions } from '../../lib/training/options.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';

const network = (): Sequential => new Sequential([new LSTM(4, { numLayers: 2 }), new GRU(3), new Linear(1)], { seed: 3 });
const trainerOf = (model: Sequential, lr: number): Trainer => new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr }) });

/** Steps [begin, end) of all rows. */
function during({ data, shape }: NdArray<Float32Array>, begin: number, end: number): NdArray<Float32Array> {
  const [n, t, c] = shape as [number, number, number];
  const parts = Array.from({ length: n }, (_, row) => [...data.subarray((row * t + begin) * c, (row * t + end) * c)]);
  return array(Float32Array.from(parts.flat()), [n, end - begin, c]);
}

const [x, y] = [sample([2, 6, 3], 1), sample([2, 6, 1], 2)];
/** The two sequences cut into three pieces of two steps: row i of a batch goes on in row i of the next. */
const pieces: readonly Batch[] = [0, 2, 4].map((t) => ({ x: during(x, t, t + 2), y: during(y, t, t + 2) }));
const joined = (of: (piece: Batch) => NdArray): NdArray => {
  const parts = pieces.map(of);
  return array(Float32Array.from(parts.flatMap(({ data }) => [...data])), [6, ...parts[0]!.shape.slice(1)]);
};
const data: Batch = { x: joined((piece) => piece.x as NdArray), y: joined((piece) => piece.y) };

/** The mean over three pieces and over the whole are sums of 12 squares of about 1 in another order. */
const tolerance = 12 * 2 ** -23;

describe('states carried from batch to batch', () => {
  it('evaluate sees the pieces of a sequence as the whole', async () => {
    const trainer = trainerOf(network().build([6, 3]), 0);
    const { loss: whole } = await trainer.evaluate({ x, y });
    const { loss: carried } = await trainer.evaluate(data, { batchSize: 2, carryState: true });
    const { loss: cut } = await trainer.evaluate(data, { batchSize: 2 });
    assert.ok(Math.abs(carried - whole) < tolerance, `${carried} and ${whole}`);
    assert.ok(Math.abs(cut - whole) > 100 * tolerance, `${cut} and ${whole}`);
  });

  it('evaluations at the same time do not disturb each other', async () => {
    const trainer = trainerOf(network().build([6, 3]), 0);
    const one = (): Promise<unknown> => trainer.evaluate(data, { batchSize: 2, carryState: true });
    const alone = await one();
    assert.deepEqual(await Promise.all([one(), one(), one()]), [alone, alone, alone]);
  });

  it('step goes on where the one before ended, until the states are reset', async () => {
    const trainer = trainerOf(network().build([6, 3]), 0);
    const { loss: whole } = await trainer.evaluate({ x, y });
    const losses = async (options?: TrainStepOptions): Promise<number> => {
      let sum = 0;
      for (const piece of pieces) sum += (await trainer.step(piece, options)).loss;
      return sum / pieces.length;
    };
    const carried = await losses({ carryState: true });
    assert.ok(Math.abs(carried - whole) < tolerance, `${carried} and ${whole}`);
    assert.ok(Math.abs((await losses({ carryState: true })) - whole) > 100 * tolerance, 'begins where the sequences ended');
    trainer.resetStates();
    assert.equal(await losses({ carryState: true }), carried);
    assert.ok(Math.abs((await losses()) - whole) > 100 * tolerance, 'without the option each step begins at zeros');
    await assert.rejects(trainer.step(pieces[0]!, { carry: true } as TrainStepOptions), { name: 'OptionError' });
  });

  it('are not reset while the model is training', async () => {
    const trainer = trainerOf(network().build([6, 3]), 0.1);
    const running = trainer.fit(data, { batchSize: 2, carryState: true });
    assert.throws(() => trainer.resetStates(), {
      name: 'StateError',
      message: 'Trainer.resetStates: expected a model that is not training, got one inside fit or step. Await it first, or abort the fit.',
    });
    await running;
    trainer.resetStates();
  });

  it('fit goes on too, and begins each epoch at zeros', async () => {
    const trainer = trainerOf(network().build([6, 3]), 0);
    const { loss: whole } = await trainer.evaluate({ x, y });
    const feeds: readonly (readonly [Parameters<Trainer['fit']>[0], FitOptions])[] = [
      [data, { batchSize: 2 }],
      [pieces, {}],
    ];
    for (const [feed, options] of feeds) {
      const { epochs } = await trainer.fit(feed, { ...options, carryState: true, epochs: 2 });
      for (const { loss } of epochs) assert.ok(Math.abs(loss - whole) < tolerance, `${loss} and ${whole}`);
    }
  });

  it('carries through validation', async () => {
    const trainer = trainerOf(network().build([6, 3]), 0);
    const { epochs } = await trainer.fit(data, { batchSize: 2, carryState: true, validation: data });
    assert.ok(Math.abs(epochs[0]!.metrics['valLoss']! - epochs[0]!.loss) < tolerance);
  });

  it('arrays and batches as they come give the same weights', async () => {
    const weights = await Promise.all(
      [data, pieces].map(async (feed) => {
        const model = network().build([2, 3]);
        await trainerOf(model, 0.1).fit(feed, { ...(feed === data && { batchSize: 2 }), carryState: true, epochs: 3 });
        return model.weights();
      }),
    );
    assert.deepEqual(weights[0], weights[1]);
  });

  it('goes on where the source does, with stepsPerEpoch, and begins at zeros after the fit', async () => {
    const trainer = trainerOf(network(), 0);
    const whole = (await trainer.fit(pieces, { carryState: true })).last!.loss;
    const parts = (await trainer.fit(() => pieces.values(), { carryState: true, epochs: 6, stepsPerEpoch: 1 })).series('loss');
    assert.ok(Math.abs((parts[0]! + parts[1]! + parts[2]!) / 3 - whole) < tolerance, 'one sequence over three epochs');
    assert.deepEqual(parts.slice(3), parts.slice(0, 3), 'the next begins anew');
    const first = (await trainer.step(pieces[0]!, { carryState: true })).loss;
    assert.equal(first, parts[0]);
  });

  it('goes on with as many rows as there were, in the next epoch too', async () => {
    const fewer = pieces.map(({ x: part, y: target }) => ({ x: (part as NdArray).rows(0, 1), y: target.rows(0, 1) }));
    let turn = 0;
    const mixed = (): Iterator<Batch> & Iterable<Batch> => [...pieces.slice(0, 2), ...fewer.slice(0, 2)].values();
    await assert.rejects(trainerOf(network(), 0).fit(mixed(), { carryState: true, epochs: 2, stepsPerEpoch: 2 }), {
      name: 'DataError',
      message: /^fit: expected 2 rows in every batch with carryState, got 1 in batch 3/,
    });
    await trainerOf(network(), 0).fit(() => (turn++ === 0 ? pieces : fewer).values(), { carryState: true, epochs: 2 });
  });

  it('go on without the last rows where dropLast leaves them out', async () => {
    const [dropped, left] = [network().build([2, 3]), network().build([2, 3])];
    await trainerOf(dropped, 0.1).fit(data, { batchSize: 4, carryState: true, dropLast: true, epochs: 2 });
    const first: Batch = { x: (data.x as NdArray).rows(0, 4), y: data.y.rows(0, 4) };
    await trainerOf(left, 0.1).fit(first, { batchSize: 4, carryState: true, epochs: 2 });
    assert.deepEqual(dropped.weights(), left.weights());
  });

  it('of an epoch of one batch change nothing', async () => {
    const [carried, cut] = [network().build([2, 3]), network().build([2, 3])];
    await trainerOf(carried, 0.1).fit(pieces.slice(0, 1), { carryState: true, epochs: 3 });
    await trainerOf(cut, 0.1).fit(pieces.slice(0, 1), { epochs: 3 });
    assert.deepEqual(carried.weights(), cut.weights());
  });

  const refused: readonly (readonly [Parameters<Trainer['fit']>[0], FitOptions, string, string])[] = [
    [
      data,
      { batchSize: 4, carryState: true },
      'DataError',
      'fit: expected a multiple of batchSize 4 rows with carryState, got 6. Leave out the last 2, or change batchSize.',
    ],
    [
      data,
      { batchSize: 2, carryState: true, validation: { x: (data.x as NdArray).rows(0, 3), y: data.y.rows(0, 3) } },
      'DataError',
      'fit validation: expected a multiple of batchSize 2 rows with carryState, got 3. Leave out the last 1, or change batchSize.',
    ],
    [
      data,
      { batchSize: 2, carryState: true, shuffle: true },
      'OptionError',
      'fit: expected shuffle: false with carryState, got true. Rows of one batch go on in the next.',
    ],
    [
      [pieces[0]!, { x: (pieces[1]!.x as NdArray).rows(0, 1), y: pieces[1]!.y.rows(0, 1) }],
      { carryState: true },
      'DataError',
      'fit: expected 2 rows in every batch with carryState, got 1 in batch 2. Row i goes on in row i of the next.',
    ],
  ];
  for (const [feed, options, name, message] of refused) {
    it(message, () => assert.rejects(trainerOf(network(), 0.1).fit(feed, options), { name, message }));
  }
  it('refuses to evaluate a last batch of another size', () =>
    assert.rejects(trainerOf(network(), 0).evaluate(data, { batchSize: 5, carryState: true }), {
      name: 'DataError',
      message: 'evaluate: expected a multiple of batchSize 5 rows with carryState, got 6. Leave out the last 1, or change batchSize.',
    }));
  it('refuses to carry the state of a bidirectional layer', () =>
    assert.rejects(
      trainerOf(new Sequential([new LSTM(2, { bidirectional: true }), new Linear(1)]), 0).fit(data, { batchSize: 2, carryState: true }),
      {
        name: 'StateError',
        message: /LSTM "0": expected one direction where state is carried/,
      },
    ));
});
