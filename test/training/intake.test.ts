import assert from 'node:assert/strict';
import { CrossEntropyLoss, Embedding, Linear, MeanOverTime, type NdArray, SGD, Sequential, Trainer, array } from '../../lib/index.js';

const rows = 6000;
const width = 1000; // 24 MB: no call copies that in one go

interface Rows {
  readonly x: NdArray<Float32Array>;
  readonly y: NdArray<Int32Array>;
}

function large(): Rows {
  const x = array(
    new Float32Array(rows * width).map((_, i) => (i % 7) - 3),
    [rows, width],
  );
  return { x, y: array(new Int32Array(rows).map((_, i) => i % 3)) };
}

function copy({ x, y }: Rows, count = x.shape[0]!): Rows {
  return { x: array(x.data.slice(0, count * width), [count, width]), y: array(y.data.slice(0, count)) };
}

function small(data: Rows): Rows {
  return copy(data, 100);
}

const trainerOf = (model = new Sequential([new Linear(3)], { seed: 1 })): Trainer =>
  new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });

function take({ x }: Rows): void {
  structuredClone(x.data, { transfer: [x.data.buffer as ArrayBuffer] });
}

describe('large data', () => {
  const data = large();

  it('gives the same as small parts of it', async () => {
    const model = new Sequential([new Linear(3)], { seed: 1 });
    const trainer = trainerOf(model);
    const parts: NdArray[] = [];
    for (let begin = 0; begin < rows; begin += 500) parts.push(await model.predict(data.x.rows(begin, begin + 500)));
    const expected = parts.flatMap((part) => [...part.data]);
    assert.deepEqual([...(await model.predict(data.x)).data], expected);
    const { loss } = await trainer.evaluate(data);
    const { last } = await trainer.fit(data, { batchSize: rows, validation: data });
    assert.ok(Math.abs(last!.loss - loss) < 1e-5 * loss, `${last!.loss} and ${loss}`);
  });

  it('is refused before anything is changed if it is taken away meanwhile', async () => {
    const model = new Sequential([new Linear(3)], { seed: 1 });
    const trainer = trainerOf(model);
    const lost = { name: 'StateError', message: /^(fit|fit validation|evaluate|predict): expected \d+ elements for data of shape \[6000, 1000\], got 0: its buffer was detached/ }; // prettier-ignore
    for (const call of [
      (one: Rows) => model.predict(one.x),
      (one: Rows) => trainer.evaluate(one),
      (one: Rows) => trainer.fit(one),
      (one: Rows) => trainer.fit(small(one), { validation: one }),
    ]) {
      const one = copy(data);
      const result = call(one);
      take(one);
      await assert.rejects(result, lost);
    }
    assert.equal(trainer.steps, 0);
    // Not bound to the sizes of data that were refused.
    assert.deepEqual((await model.predict(array([[1, 2]]))).shape, [1, 3]);
  });

  it('leaves gradients that wait to the next step, if it is refused', async () => {
    const trainer = trainerOf();
    await trainer.step(small(data), { update: false });
    const waiting = trainer.gradients();
    const one = copy(data);
    const fit = trainer.fit(one);
    take(one);
    await assert.rejects(fit, { name: 'StateError' });
    assert.deepEqual(trainer.gradients(), waiting);
  });

  it('is no longer taken in after an abort', async () => {
    const trainer = trainerOf();
    const calls: readonly ((one: Rows, signal: AbortSignal) => Promise<unknown>)[] = [
      (one, signal) => trainer.fit(one, { signal }),
      (one, signal) => trainer.fit(small(one), { signal, validation: one }),
      (one, signal) => trainer.evaluate(one, { signal }),
      (one, signal) => trainer.predict(one.x, { signal }),
    ];
    for (const call of calls) {
      const one = copy(data);
      const abort = new AbortController();
      const result = call(one, abort.signal);
      abort.abort(new Error('enough'));
      take(one); // who went on would meet it
      await assert.rejects(result, /enough/);
    }
    assert.equal(trainer.steps, 0);
  });

  it('is looked at to the last row', async () => {
    const [count, length] = [30_000, 50];
    const ids = new Int32Array(count * length).map((_, i) => i % 5);
    const model = new Sequential([new Embedding(5, 4), new MeanOverTime(), new Linear(3)], { seed: 1 });
    const trainer = trainerOf(model);
    const x = array(ids, [count, length]);
    const y = array(new Int32Array(count).map((_, i) => i % 3));
    ids[ids.length - 2] = 5;
    await assert.rejects(trainer.fit({ x, y }), {
      name: 'DataError',
      message: /^fit: expected 0 … 4 in input 0 for Embedding.*, got 5 at row 29999 \[48\]/,
    });
    ids[ids.length - 2] = 4;
    y.data[count - 3] = 3;
    await assert.rejects(trainer.evaluate({ x, y }), {
      name: 'DataError',
      message: /^evaluate: .*expected class ids 0 … 2, got 3 at row 29997/,
    });
    const bad = copy(data);
    bad.x.data[rows * width - 1] = NaN;
    await assert.rejects(trainerOf().fit(bad, { checkFinite: true }), {
      name: 'DataError',
      message: /^fit x: expected finite numbers, got NaN in row 5999 at element 999/,
    });
  });
});

describe('small data', () => {
  it('is copied before the call returns', async () => {
    const data = small(large());
    const [a, b] = [trainerOf(), trainerOf()];
    const options = { epochs: 2, validation: data };
    const expected = await a.fit(data, options);
    const [one, other] = [copy(data), copy(data)];
    const fit = b.fit(one, { ...options, validation: other });
    for (const batch of [one, other]) batch.x.data.fill(NaN);
    const got = await fit;
    assert.deepEqual(got.epochs.map(({ loss, metrics }) => ({ loss, ...metrics })), expected.epochs.map(({ loss, metrics }) => ({ loss, ...metrics }))); // prettier-ignore
    const again = copy(data);
    const predicted = b.predict(again.x);
    again.x.data.fill(NaN);
    assert.deepEqual(await predicted, await b.predict(data.x));
  });
});
