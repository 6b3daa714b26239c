/** Rows of a sparse table that batches met are updated, also where their gradients add up to 0. */
import assert from 'node:assert/strict';
import {
  AdamW,
  Embedding,
  Flatten,
  Layer,
  MSELoss,
  ReLU,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  add,
  array,
  gatherRows,
  mean,
  mul,
  ones,
  relu,
  reshape,
  square,
  sub,
  zeros,
} from '../../lib/index.js';
import { allNear } from '../support/near.js';
import { float32Error } from '../support/tolerances.js';

const rows = 20;
const first = array(Float32Array.from({ length: rows }, (_, i) => (i === 3 ? 0.1 : 1)), [rows, 1]); // prettier-ignore
/** Row 3 is soon below 0, where ReLU lets no gradient through. */
const x = array(Int32Array.of(3, 5, 5, 3), [4, 1]);
const y = array(Float32Array.of(-1, 0, 2, -1), [4, 1]);

const sparse = (): Layer => new Sequential({ words: new Embedding(rows, 1, { sparse: true }), flat: new Flatten(), bend: new ReLU() });

/** Its gradient is not one of gathered rows alone: it meets all of them. */
class Whole extends Layer {
  forward(ids: Tensor, scope: Scope): Tensor {
    const weight = scope.parameter('weight', [rows, 1], zeros(), { lazy: true });
    return mul(reshape(gatherRows(weight, ids), [-1, 1]), mean(square(weight)));
  }
}

const optimizers = { SGD: () => new SGD({ lr: 0.1, momentum: 0.9 }), AdamW: () => new AdamW({ lr: 0.1, weightDecay: 0.1 }) };

/** The table after `train`. */
async function trained(make: () => Layer, optimizer: keyof typeof optimizers, train: (trainer: Trainer) => Promise<unknown>) {
  const model = make().build([1], { dtypes: ['int32'] });
  const [path] = [...model.weights().keys()] as [string];
  model.setWeights(new Map([[path, first]]));
  await train(new Trainer(model, { loss: new MSELoss(), optimizer: optimizers[optimizer]() }));
  return [...model.weights().get(path)!.data];
}

async function stepByStep(trainer: Trainer): Promise<void> {
  for (let at = 0; at < 12; at++) {
    const row = at % 4;
    await trainer.step({ x: x.rows(row, row + 1), y: y.rows(row, row + 1) }, { update: false });
    if (at % 2 === 1) await trainer.update();
  }
}

for (const optimizer of ['SGD', 'AdamW'] as const) {
  for (const [name, make] of Object.entries({ 'looked up': sparse, 'used as a whole': () => new Whole() })) {
    it(`a sparse table ${name} is updated by ${optimizer} the same by one batch and by several`, async () => {
      const fit = (options: object) => (trainer: Trainer) => trainer.fit({ x, y }, { ...options, epochs: 3, shuffle: false });
      const expected = await trained(make, optimizer, fit({ batchSize: 2 }));
      for (const train of [fit({ batchSize: 1, accumulate: 2 }), stepByStep]) {
        allNear(await trained(make, optimizer, train), expected, float32Error(rows));
      }
    });
  }
}

it('a sparse table that is used as a whole beside is updated everywhere, also where its gradient is 0', async () => {
  class Penalised extends Layer {
    forward(ids: Tensor, scope: Scope): Tensor {
      const weight = scope.parameter('weight', [rows, 1], zeros(), { lazy: true });
      return add(reshape(gatherRows(weight, ids), [-1, 1]), mean(relu(sub(weight, 5))));
    }
  }
  for (const options of [{ batchSize: 4 }, { batchSize: 2, accumulate: 2 }]) {
    const after = await trained(() => new Penalised(), 'AdamW', (trainer) => trainer.fit({ x, y }, options)); // prettier-ignore
    assert.ok(after.every((value, i) => value !== first.data[i]), JSON.stringify(options)); // prettier-ignore
  }
});

it('the rows that gradients from outside are for are those where they are not 0', async () => {
  const gradient = array(Float32Array.from({ length: rows }, (_, i) => (i === 7 ? 1 : 0)), [rows, 1]); // prettier-ignore
  const after = await trained(sparse, 'AdamW', async (trainer) => {
    await trainer.step({ x: x.rows(0, 2), y: y.rows(0, 2) }, { update: false });
    await trainer.update(new Map([['words.weight', gradient]]));
  });
  const moved = after.flatMap((value, i) => (value === first.data[i] ? [] : [i]));
  assert.deepEqual(moved, [7]);
});

it('a table that is looked up in another shape is updated where it was met', async () => {
  class Halves extends Layer {
    forward(ids: Tensor, scope: Scope): Tensor {
      const halves = reshape(scope.parameter('weight', [rows, 2], ones()), [2 * rows, 1]);
      return reshape(gatherRows(halves, ids), [-1, 1]);
    }
  }
  const model = new Halves().build([1], { dtypes: ['int32'] });
  const ids = array(Int32Array.of(30, 3), [2, 1]);
  await new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) }).step({ x: ids, y: array([[2], [0]]) });
  const moved = [...model.weights().get('weight')!.data].flatMap((value, i) => (value === 1 ? [] : [i]));
  assert.deepEqual(moved, [3, 30]);
});
