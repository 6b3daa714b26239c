import assert from 'node:assert/strict';
import {
  AdamW,
  BatchNorm,
  CrossEntropyLoss,
  Embedding,
  Flatten,
  Linear,
  MSELoss,
  ReLU,
  SGD,
  Sequential,
  Trainer,
  array,
  l2,
} from '../../lib/index.js';
import { classProblem } from '../support/problems.js';

const net = (): Sequential =>
  new Sequential(
    { body: new Sequential([new Linear(8), new BatchNorm(), new ReLU(), new Linear(6)]), act: new ReLU(), head: new Linear(3) },
    { seed: 5 },
  );
const data = classProblem(64, 4, 3);
type Weights = ReadonlyMap<string, { readonly data: ArrayLike<number> }>;
const changed = (before: Weights, after: Weights): readonly string[] =>
  [...before].flatMap(([path, { data }]) => (Array.from(data).every((x, i) => x === after.get(path)!.data[i]) ? [] : [path]));

describe('frozen parameters', () => {
  for (const [name, optimizer] of [
    ['SGD', new SGD({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 })],
    ['AdamW', new AdamW()],
  ] as const) {
    it(`keep their values under ${name} with decay, penalties and clipping; running state moves`, async () => {
      const model = net().build([4]);
      const before = model.weights();
      const options = {
        loss: new CrossEntropyLoss(),
        optimizer,
        frozen: ['body.0', 'body.1', 'body.3.weight'],
        penalties: [l2(0.1)],
        clipNorm: 1,
      };
      await new Trainer(model, options).fit(data, { epochs: 2 });
      assert.deepEqual(changed(before, model.weights()), [
        'body.3.bias',
        'head.weight',
        'head.bias',
        'body.1.runningMean',
        'body.1.runningVar',
      ]);
    });
  }
  it('leave the others the values they would have on fixed features', async () => {
    const model = new Sequential({ body: new Linear(6), act: new ReLU(), head: new Linear(3) }, { seed: 5 }).build([4]);
    const features = new Sequential({ body: new Linear(6), act: new ReLU() });
    const head = new Sequential({ head: new Linear(3) });
    const of = (prefix: string): ReturnType<typeof model.weights> =>
      new Map([...model.weights()].filter(([path]) => path.startsWith(prefix)));
    features.setWeights(of('body'));
    head.setWeights(of('head'));
    const settings = { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }), seed: 1 };
    await new Trainer(model, { ...settings, frozen: ['body'] }).fit(data, { epochs: 3 });
    await new Trainer(head, settings).fit({ x: await features.predict(data.x), y: data.y }, { epochs: 3 });
    assert.deepEqual(model.weights().get('head.weight')!.data, head.weights().get('head.weight')!.data);
  });
  it('may be a table that is updated by rows', async () => {
    const model = new Sequential({ words: new Embedding(500, 2), flat: new Flatten(), head: new Linear(1) }).build([2], {
      dtypes: ['int32'],
    });
    const before = model.weights();
    const rows = { x: array(Int32Array.of(1, 2, 3, 4), [2, 2]), y: array([[1], [2]]) };
    for (const frozen of [['words'], ['head']]) {
      model.setWeights(before);
      await new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }), frozen }).step(rows);
      assert.deepEqual(changed(before, model.weights()), frozen[0] === 'words' ? ['head.weight', 'head.bias'] : ['words.weight']);
    }
  });
  it('are refused where there are none of that path, or nothing is left to train', async () => {
    const trainer = (frozen: readonly string[]): Trainer =>
      new Trainer(net(), { loss: new CrossEntropyLoss(), optimizer: new SGD(), frozen });
    await assert.rejects(trainer(['bod']).fit(data), { name: 'OptionError', message: /among "body\.0\.weight", .* for frozen, got "bod"/ });
    await assert.rejects(trainer(['body', 'head']).step(data), {
      name: 'OptionError',
      message: /expected something left to train in Sequential/,
    });
    assert.throws(() => trainer('body' as never), { name: 'OptionError', message: /a list, each a path for frozen/ });
  });
});
