import assert from 'node:assert/strict';
import {
  CrossEntropyLoss,
  Embedding,
  Linear,
  MSELoss,
  type NdArray,
  OptionError,
  Philox,
  Sequential,
  Trainer,
  Adam,
  accuracy,
  array,
  permutationImportance,
} from '../../lib/index.js';

const count = 200;
const x = array(new Philox(1).normal(3 * count), [count, 3]);

/** A model that has learned its task: y = 3 x₀ − x₁, whatever x₂. */
function sure(metrics: 'none' | 'accuracy'): { trainer: Trainer; y: NdArray } {
  const weight =
    metrics === 'none'
      ? [[3], [-1], [0]]
      : [
          [-3, 3],
          [1, -1],
          [0, 0],
        ];
  const model = new Sequential([new Linear(weight[0]!.length, { bias: false })]).build([3]);
  model.setWeights(new Map([['0.weight', array(weight)]]));
  const values = Float32Array.from({ length: count }, (_, i) => 3 * x.data[i * 3]! - x.data[i * 3 + 1]!);
  const optimizer = new Adam();
  return metrics === 'none'
    ? { trainer: new Trainer(model, { loss: new MSELoss(), optimizer }), y: array(values, [count, 1]) }
    : {
        trainer: new Trainer(model, { loss: new CrossEntropyLoss(), optimizer, metrics: [accuracy()] }),
        y: array(Int32Array.from(values, (value) => Number(value > 0))),
      };
}

describe('permutationImportance', () => {
  it('is twice the variance that a column explains', async () => {
    const { trainer, y } = sure('none');
    const importances = await permutationImportance(trainer, { x, y }, { repeats: 20 });
    assert.deepEqual(
      importances.map(({ column }) => column),
      [0, 1, 2],
    );
    // E (w x − w x′)² = 2 w² for independent x, x′ of variance 1.
    const [first, second, third] = importances.map(({ mean }) => mean) as [number, number, number];
    assert.ok(Math.abs(first - 18) < 3.6 && Math.abs(second - 2) < 0.4, `${first}, ${second}`);
    assert.equal(third, 0);
    assert.ok(importances[0]!.deviation > 0);
  });

  it('takes a metric, and the same shuffles for a seed', async () => {
    const { trainer, y } = sure('accuracy');
    const importances = await permutationImportance(trainer, { x, y }, { figure: 'accuracy', seed: 3 });
    assert.ok(importances[0]!.mean < -0.3 && importances[1]!.mean > -0.3 && importances[2]!.mean === 0);
    assert.deepEqual(await permutationImportance(trainer, { x, y }, { figure: 'accuracy', seed: 3 }), importances);
    assert.notDeepEqual(await permutationImportance(trainer, { x, y }, { figure: 'accuracy', seed: 4 }), importances);
  });

  it('leaves data and weights alone', async () => {
    const { trainer, y } = sure('none');
    const before = x.data.slice();
    await permutationImportance(trainer, { x, y });
    assert.deepEqual(x.data, before);
    assert.equal(trainer.steps, 0);
  });

  it('takes an input of one id a row as one column', async () => {
    const model = new Sequential([new Embedding(2, 1)]).build([], { dtypes: ['int32'] });
    model.setWeights(new Map([['0.weight', array([[0], [1]])]]));
    const ids = array(Int32Array.from({ length: count }, (_, i) => i % 2));
    const y = array(Float32Array.from(ids.data), [count, 1]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new Adam() });
    const importances = await permutationImportance(trainer, { x: ids, y }, { repeats: 20 });
    // E (b − b′)² = ½ for independent b, b′ of two equal halves.
    assert.equal(importances.length, 1);
    assert.ok(Math.abs(importances[0]!.mean - 0.5) < 0.05, String(importances[0]!.mean));
  });

  it('refuses figures and inputs that are none', async () => {
    const { trainer, y } = sure('none');
    const message = 'permutationImportance: expected a figure among loss, got "accuracy". Give the trainer that metric.';
    await assert.rejects(permutationImportance(trainer, { x, y }, { figure: 'accuracy' }), { name: OptionError.name, message });
    await assert.rejects(permutationImportance(trainer, { x, y }, { input: 1 }), {
      name: OptionError.name,
      message: /expected an input in 0 … 0, got 1/,
    });
    await assert.rejects(permutationImportance(trainer, [] as never), OptionError);
    await assert.rejects(permutationImportance({} as never, { x, y }), OptionError);
  });
});
