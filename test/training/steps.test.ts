/** Steps called at the same time. */
import assert from 'node:assert/strict';
import { Adam, type Batch, CrossEntropyLoss, Linear, Sequential, Trainer, array } from '../../lib/index.js';
import { classProblem } from '../support/problems.js';

const { x, y } = classProblem(40, 4, 3);
/** Of different sizes: each has a program of its own. */
const batches = [0, 8, 20, 28].map((begin, i): Batch => ({ x: x.rows(begin, begin + 8 + i), y: y.rows(begin, begin + 8 + i) }));
const make = (): readonly [Sequential, Trainer] => {
  const model = new Sequential([new Linear(3)], { seed: 1 });
  return [model, new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: 0.1 }) })];
};

describe('steps called at the same time', () => {
  it('run one after another in the order of the calls', async () => {
    const [model, trainer] = make();
    const losses: unknown[] = [];
    for (const batch of batches) losses.push(await trainer.step(batch));
    const [same, together] = make();
    assert.deepEqual(await Promise.all(batches.map((batch) => together.step(batch))), losses);
    assert.deepEqual([together.steps, same.weights()], [4, model.weights()]);
  });
  it('take their batches as they are when called, and go on after one that fails', async () => {
    const [model, trainer] = make();
    await trainer.step(batches[0]!);
    await trainer.step(batches[1]!);
    const [same, together] = make();
    const data = x.data.slice();
    const steps = [
      together.step(batches[0]!),
      together.step({ x: array(data, [40, 4]), y: y.rows(0, 8) }),
      together.step({ x: array(x.data.slice(0, 32), [8, 4]), y: array(Int32Array.from({ length: 8 }, () => 7)) }),
      together.step({ x: array(data, [40, 4]).rows(8, 17), y: batches[1]!.y }),
    ];
    structuredClone(data.buffer, { transfer: [data.buffer] });
    const results = await Promise.allSettled(steps);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.deepEqual([together.steps, same.weights()], [2, model.weights()]);
  });
  it('are refused inside a fit, as a fit and a step of another trainer are beside them', async () => {
    const [model, trainer] = make();
    const other = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam() });
    const refused = (what: string): object => ({
      name: 'StateError',
      message: `${what}: expected a model that is not training, got one inside another fit or step. Await it first, or abort the fit.`,
    });
    const fit = trainer.fit({ x, y }, { epochs: 20 });
    await assert.rejects(trainer.step(batches[0]!), refused('step'));
    await fit;
    const steps = batches.map((batch) => trainer.step(batch));
    await assert.rejects(other.step(batches[0]!), refused('step'));
    await steps[0];
    await assert.rejects(trainer.fit({ x, y }), refused('fit'));
    await Promise.all(steps);
    await trainer.fit({ x, y });
    await other.step(batches[0]!);
  });
});
