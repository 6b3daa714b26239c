/** Batches as they come: how far an epoch goes, what is asked for when, and what is closed. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import {
  type Batch,
  type FitOptions,
  Layer,
  Linear,
  MSELoss,
  type Progress,
  SGD,
  Sequential,
  type Tensor,
  Trainer,
  array,
} from '../../lib/index.js';

const batchOf = (value: number): Batch => ({ x: array([[value, 1]]), y: array([[value]]) });
const list = (count: number): readonly Batch[] => Array.from({ length: count }, (_, i) => batchOf(i));
const trainerOf = (): Trainer =>
  new Trainer(new Sequential([new Linear(1)], { seed: 1 }), { loss: new MSELoss(), optimizer: new SGD({ lr: 0.01 }) });

/** [epoch, step, steps] of the reports of a fit, the last of each epoch and those before. */
async function reports(data: Parameters<Trainer['fit']>[0], options: FitOptions): Promise<readonly (readonly (number | undefined)[])[]> {
  const seen: Progress[] = [];
  await trainerOf().fit(data, { ...options, onProgress: (progress) => void seen.push(progress) });
  return seen.map(({ epoch, step, steps }) => [epoch, step, steps]);
}

describe('batches as they come', () => {
  it('have as many steps as the list, else as the epoch before', async () => {
    const first = async (data: Parameters<Trainer['fit']>[0], options: FitOptions): Promise<unknown> =>
      (await reports(data, { epochs: 2, ...options })).filter(([, step]) => step === 1).map(([, , steps]) => steps);
    assert.deepEqual(await first(list(3), {}), [3, 3]);
    assert.deepEqual(await first(() => list(3), {}), [3, 3]);
    assert.deepEqual(await first(() => list(3).values(), {}), [undefined, 3]);
    assert.deepEqual(await first(() => list(4).values(), { stepsPerEpoch: 2 }), [2, 2]);
  });

  it('of twelve lengths, in training and validation, are compiled for once', async () => {
    let traced = 0;
    class Counting extends Layer {
      forward(x: Tensor): Tensor {
        traced++;
        return x;
      }
    }
    const lengths = Array.from({ length: 12 }, (_, i): Batch => ({
      x: array(new Float32Array(2 * (i + 1)), [2, i + 1, 1]),
      y: array(new Float32Array(2 * (i + 1)), [2, i + 1, 1]),
    }));
    const model = new Sequential([new Counting(), new Linear(1)]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.01 }) });
    await trainer.fit(lengths, { validation: lengths });
    const after = traced;
    await trainer.fit(lengths, { validation: lengths, epochs: 3 });
    assert.equal(traced, after);
  });

  it('of a source without an end go on from epoch to epoch', async () => {
    let given = 0;
    let closed = 0;
    function* endless(): Generator<Batch> {
      try {
        for (;;) yield batchOf(given++);
      } finally {
        closed++;
      }
    }
    for (const prefetch of [false, true]) {
      for (const source of [endless, endless()]) {
        [given, closed] = [0, 0];
        const trainer = trainerOf();
        const { epochs } = await trainer.fit(source, { epochs: 3, stepsPerEpoch: 2, prefetch });
        assert.deepEqual([epochs.length, trainer.steps, given, closed], [3, 6, 6, 1]);
      }
    }
  });
  it('of a source that ends begin anew, after a shorter epoch if it ends within', async () => {
    const lengths = async (count: number, prefetch: boolean): Promise<unknown> =>
      (await reports(() => list(count).values(), { epochs: 4, stepsPerEpoch: 2, prefetch }))
        .filter(([, step, steps]) => step === steps)
        .map(([, step]) => step);
    for (const prefetch of [false, true]) {
      assert.deepEqual(await lengths(5, prefetch), [2, 2, 1, 2]);
      assert.deepEqual(await lengths(4, prefetch), [2, 2, 2, 2]);
    }
    const once = list(2).values();
    await assert.rejects(trainerOf().fit(once, { epochs: 2, stepsPerEpoch: 2 }), {
      name: 'DataError',
      message: 'fit epoch 2: expected at least one batch, got none. A generator runs only once: pass a function that makes one.',
    });
    for (const none of [[], () => list(0).values()])
      await assert.rejects(trainerOf().fit(none), { name: 'DataError', message: 'fit epoch 1: expected at least one batch, got none.' });
  });

  it('are asked for after a step, or with prefetch while it runs, with the same result', async () => {
    const run = async (prefetch: boolean): Promise<readonly [readonly number[], Float32Array]> => {
      const model = new Sequential([new Linear(1)], { seed: 1 });
      const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.01 }) });
      const stepsBefore: number[] = [];
      const { x, y } = batchOf(0) as { x: ReturnType<typeof array<Float32Array>>; y: ReturnType<typeof array<Float32Array>> };
      await trainer.fit(
        function* () {
          for (let i = 0; i < 5; i++) {
            stepsBefore.push(trainer.steps);
            x.data[0] = y.data[0] = i; // One array for all batches.
            yield { x, y };
          }
        },
        { prefetch },
      );
      return [stepsBefore, model.weights().get('0.weight')!.data];
    };
    const [[after, weights], [meanwhile, same]] = [await run(false), await run(true)];
    assert.deepEqual([after, meanwhile], [[0, 1, 2, 3, 4], [0, 0, 1, 2, 3]]); // prettier-ignore
    assert.deepEqual(same, weights);
  });
  it('fail in their turn, and a wrong one though the next is under way', async () => {
    for (const prefetch of [false, true]) {
      const trainer = trainerOf();
      const failing = function* (): Generator<Batch> {
        yield* list(2);
        throw new Error('of the source');
      };
      await assert.rejects(trainer.fit(failing, { prefetch }), { message: 'of the source' });
      assert.equal(trainer.steps, 2);
      const wrong = async function* (): AsyncGenerator<Batch> {
        yield batchOf(1);
        yield { x: array([[1, 2, 3]]), y: array([[1]]) };
        await setTimeout(5);
        throw new Error('of the source, too late');
      };
      await assert.rejects(trainer.fit(wrong, { prefetch }), { name: 'ShapeError' });
      assert.equal(trainer.steps, 3);
    }
  });

  it('are closed before an abort is told', async () => {
    for (const prefetch of [false, true]) {
      const abort = new AbortController();
      let closed = false;
      const source = async function* (): AsyncGenerator<Batch> {
        try {
          for (let i = 0; ; i++) {
            if (i === 3) abort.abort(new Error('enough'));
            await setTimeout(1);
            yield batchOf(i);
          }
        } finally {
          await setTimeout(20);
          closed = true;
        }
      };
      await assert.rejects(trainerOf().fit(source, { signal: abort.signal, prefetch }), { message: 'enough' });
      assert.ok(closed);
    }
  });

  const refused: readonly (readonly [FitOptions, string])[] = [
    [{ stepsPerEpoch: 2 }, 'fit: expected no stepsPerEpoch for arrays, got one. An epoch goes through all rows: set batchSize or epochs.'],
    [{ prefetch: true }, 'fit: expected no prefetch for arrays, got one. Leave it out: they are there before the first step.'],
    [{ stepsPerEpoch: 0 }, 'fit: expected a whole number ≥ 1 for stepsPerEpoch, got 0.'],
    [{ prefetch: 1 as never }, 'fit: expected true or false for prefetch, got 1.'],
  ];
  for (const [options, message] of refused)
    it(message, () => assert.rejects(trainerOf().fit(batchOf(1), options), { name: 'OptionError', message }));
});
