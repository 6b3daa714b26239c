import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Batch, Linear, MSELoss, ReLU, SGD, Sequential, Trainer, array } from '../../lib/index.js';

/** More work than is ever done here. */
const many = 2 ** 20;
const x = array(new Float32Array(many), [many, 1]);
const all: Batch = { x, y: x };
const few: Batch = { x: x.rows(0, 256), y: x.rows(0, 256) };

type Call = (signal: AbortSignal) => Promise<unknown>;

/** That the second call is over when it is aborted, while the first goes on, and that the third then has its turn. */
async function leavesTheQueue(first: Call, second: Call, third: () => Promise<unknown>): Promise<void> {
  const order: string[] = [];
  const told = async (name: string, call: Promise<unknown>): Promise<void> => {
    await call.catch((error: unknown) => assert.equal((error as Error).name, 'AbortError'));
    order.push(name);
  };
  const [long, waiting] = [new AbortController(), new AbortController()];
  const one = told('first', first(long.signal));
  await sleep(20);
  const two = told('second', second(waiting.signal));
  await sleep(20);
  waiting.abort();
  await two;
  assert.deepEqual(order, ['second']);
  const three = told('third', third());
  long.abort();
  await Promise.all([one, three]);
}

describe('a call that is aborted while it waits for its turn', () => {
  const model = new Sequential([new Linear(1024), new ReLU(), new Linear(1024), new ReLU(), new Linear(1)]);
  const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() });
  before(() => trainer.evaluate(few));

  it('is over at once: predict', () =>
    leavesTheQueue(
      (signal) => model.predict(all.x, { signal }),
      (signal) => model.predict(few.x, { signal }),
      () => model.predict(few.x),
    ));

  it('is over at once: evaluate', () =>
    leavesTheQueue(
      (signal) => trainer.evaluate(all, { signal }),
      (signal) => trainer.evaluate(few, { signal }),
      () => trainer.evaluate(few),
    ));

  it('is over at once: the validation of a fit', () =>
    leavesTheQueue(
      (signal) => trainer.evaluate(all, { signal }),
      (signal) => trainer.fit(few, { batchSize: 256, validation: few, signal }),
      () => trainer.evaluate(few),
    ));
});
