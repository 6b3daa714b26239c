import assert from 'node:assert/strict';
import {
  AdamW,
  BatchNorm,
  Conv2d,
  CrossEntropyLoss,
  Dropout,
  Embedding,
  Flatten,
  GlobalAvgPool2d,
  Layer,
  Linear,
  MSELoss,
  ReLU,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  add,
  array,
  l2,
  mul,
  ones,
  reciprocal,
  sqrt,
  sub,
  zeros,
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

/** What BatchNorm does in prediction, in every mode. */
class Affine extends Layer {
  forward(x: Tensor, scope: Scope): Tensor {
    const channels = [x.shape.at(-1)!];
    const [weight, bias] = [scope.parameter('weight', channels, ones()), scope.parameter('bias', channels, zeros())];
    const [mean, variance] = [scope.buffer('runningMean', channels, zeros()), scope.buffer('runningVar', channels, ones())];
    const scale = mul(weight, reciprocal(sqrt(add(variance, 1e-5))));
    return add(mul(x, scale), sub(bias, mul(mean, scale)));
  }
}

describe('frozen parameters', () => {
  for (const [name, optimizer] of [
    ['SGD', new SGD({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 })],
    ['AdamW', new AdamW()],
  ] as const) {
    it(`keep their values under ${name} with decay, penalties and clipping; a layer of which only some are frozen stays in training`, async () => {
      const model = net().build([4]);
      const before = model.weights();
      const options = {
        loss: new CrossEntropyLoss(),
        optimizer,
        frozen: ['body.0', 'body.1.weight', 'body.1.bias', 'body.3.weight'],
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
  for (const optimizer of [new SGD({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 }), new AdamW({ lr: 0.1 })]) {
    it(`keep their values between others that change, under ${optimizer.constructor.name}`, async () => {
      const model = new Sequential([new Linear(4), new Linear(4), new Linear(3)], { seed: 1 }).build([4]);
      const before = model.weights();
      await new Trainer(model, { loss: new CrossEntropyLoss(), optimizer, frozen: ['1'] }).fit(data, { batchSize: 16 });
      assert.deepEqual(changed(before, model.weights()), ['0.weight', '0.bias', '2.weight', '2.bias']);
    });
  }
  it('leave the others the values they would have on fixed features', async () => {
    const body = new Sequential([new Linear(6), new BatchNorm(), new Dropout(0.5)]);
    const model = new Sequential({ body, act: new ReLU(), head: new Linear(3) }, { seed: 5 }).build([4]);
    // Running statistics that are those of no batch.
    await new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) }).fit(data, { epochs: 2 });
    const features = new Sequential({ body, act: new ReLU() });
    const head = new Sequential({ head: new Linear(3) });
    const of = (prefix: string): ReturnType<typeof model.weights> =>
      new Map([...model.weights()].filter(([path]) => path.startsWith(prefix)));
    features.setWeights(of('body'));
    head.setWeights(of('head'));
    const settings = { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }), seed: 1 };
    await new Trainer(model, { ...settings, frozen: ['body'] }).fit(data, { epochs: 3 });
    await new Trainer(head, settings).fit({ x: await features.predict(data.x), y: data.y }, { epochs: 3 });
    assert.deepEqual(model.weights().get('head.weight')!.data, head.weights().get('head.weight')!.data);
    assert.deepEqual(changed(features.weights(), model.weights()), []);
  });
  it('let gradients through to what is trained before them', async () => {
    // Scales that are folded into the convolution before them in prediction, but not where its weights are trained.
    const fixed = new Sequential(
      { conv: new Conv2d(2, 3), norm: new BatchNorm(), pool: new GlobalAvgPool2d(), head: new Linear(3) },
      { seed: 5 },
    );
    const scaled = new Sequential({ conv: new Conv2d(2, 3), norm: new Affine(), pool: new GlobalAvgPool2d(), head: new Linear(3) });
    fixed.build([6, 6, 1]);
    const given = new Map([...fixed.weights(), ['norm.runningMean', array([0.5, -0.25])], ['norm.runningVar', array([0.5, 2])]]);
    fixed.setWeights(given);
    scaled.build([6, 6, 1]).setWeights(given);
    const images = classProblem(32, 36, 3);
    const batch = { x: array(images.x.data, [32, 6, 6, 1]), y: images.y };
    for (const model of [fixed, scaled])
      await new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }), frozen: ['norm'], seed: 1 }).fit(batch, {
        epochs: 3,
        batchSize: 8,
      });
    assert.deepEqual(changed(given, fixed.weights()), ['conv.weight', 'conv.bias', 'head.weight', 'head.bias']);
    assert.deepEqual(fixed.weights(), scaled.weights());
  });
  it('may be a layer of running state alone', async () => {
    const model = new Sequential({ norm: new BatchNorm({ affine: false }), head: new Linear(3) }).build([4]);
    const before = model.weights();
    await new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }), frozen: ['norm'] }).fit(data);
    assert.deepEqual(changed(before, model.weights()), ['head.weight', 'head.bias']);
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
