/** What fit makes of options and sources that are odd, or change under its hands. */
import assert from 'node:assert/strict';
import { type Batch, Adam, Callback, EarlyStopping, Linear, MSELoss, Trainer, array } from '../../lib/index.js';

const batch: Batch = { x: array(new Float32Array(8), [8, 1]), y: array(new Float32Array(8), [8, 1]) };
const trainer = (): Trainer => new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new Adam() });

describe('options of fit', () => {
  it('are those of the call, whatever becomes of the object', async () => {
    for (const data of [batch, [batch]]) {
      class Changing extends Callback {
        override onStart(): void {
          options.epochs = 100;
          options.callbacks.push(null as never);
          Object.assign(options, { keepSteps: true, signal: 'none' });
        }
      }
      const options = { epochs: 2, callbacks: [new Changing()] as Callback[] };
      const { epochs } = await trainer().fit(data, options);
      assert.deepEqual([epochs.length, epochs[0]!.steps], [2, undefined]);
    }
  });

  it('have no lists with holes, which leave callbacks free', async () => {
    const callback = new EarlyStopping({ monitor: 'loss' });
    const callbacks: Callback[] = [callback];
    callbacks[2] = new EarlyStopping({ monitor: 'loss' });
    await assert.rejects(trainer().fit(batch, { callbacks }), {
      name: 'OptionError',
      message:
        /^fit: expected a list, each a Callback for callbacks, got \[.*\. For example \[new EarlyStopping\(\)\], or a class of your own that extends Callback\.$/,
    });
    await trainer().fit(batch, { callbacks: [callback] });
  });
});

describe('checkFinite of step', () => {
  it('refuses a batch with NaN, and changes nothing', async () => {
    const one = trainer();
    const bad = { ...batch, x: array(Float32Array.of(0, 0, 0, NaN, 0, 0, 0, 0), [8, 1]) };
    await assert.rejects(one.step(bad, { checkFinite: true }), { name: 'DataError', message: /got NaN in row 3/ });
    assert.equal(one.steps, 0);
    await one.step(bad);
    assert.equal(one.steps, 1);
  });
});

describe('a source of batches', () => {
  it('must give an iterator', async () => {
    for (const [source, got] of [
      [{ [Symbol.asyncIterator]: () => ({}) }, 'Object'],
      [{ [Symbol.iterator]: () => null }, 'null'],
    ] as const) {
      await assert.rejects(trainer().fit(source as never), {
        name: 'DataError',
        message: `fit epoch 1: expected an iterator with next(), got ${got}. Give a list, a generator or a function that makes one.`,
      });
    }
  });
});
