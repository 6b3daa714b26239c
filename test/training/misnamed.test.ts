/** Losses and metrics that are given, or read, what there is not. */
import assert from 'node:assert/strict';
import {
  BCEWithLogitsLoss,
  CTCLoss,
  CrossEntropyLoss,
  Layer,
  Linear,
  Loss,
  MSELoss,
  Metric,
  NLLLoss,
  SGD,
  type Scope,
  type Tensor,
  Trainer,
  abs,
  accuracy,
  array,
  auc,
  bitsPerCharacter,
  f1,
  mae,
  mean,
  perplexity,
  precision,
  r2,
  rmse,
  sub,
  topK,
} from '../../lib/index.js';

type Named = Readonly<Record<string, Tensor>>;

class Two extends Layer<[Tensor], { a: Tensor; b: Tensor }> {
  readonly a = new Linear(1);
  readonly b = new Linear(1);
  forward(x: Tensor, scope: Scope): { a: Tensor; b: Tensor } {
    return { a: scope.call('a', this.a, x), b: scope.call('b', this.b, x) };
  }
}

class Own extends Loss<never, never> {
  constructor(readonly formula: (prediction: never, target: never) => Tensor) {
    super();
  }
  forward(prediction: never, target: never): Tensor {
    return this.formula(prediction, target);
  }
}

class Gap extends Metric<never, never> {
  readonly name = 'gap';
  forward(p: Named, y: Tensor): Tensor {
    return mean(abs(sub(p['c']!, y)));
  }
}

const x = array(new Float32Array(12).fill(1), [4, 3]);
const y = array(new Float32Array(4), [4, 1]);
const undefinedFor = (what: string): RegExp => new RegExp(`${what}, got undefined\\.`);

describe('a loss of one’s own that reads a target there is not', () => {
  const there = 'Outputs: a, b; targets: q.';
  for (const [name, formula] of [
    ['sub: expected a tensor or a number for b', (a, t) => mean(sub(a, t))],
    ['MSELoss: expected a tensor for target', (a, t) => new MSELoss().forward(a, t)],
    ['BCEWithLogitsLoss: expected a tensor for target', (a, t) => new BCEWithLogitsLoss().forward(a, t)],
    ['CrossEntropyLoss: expected a tensor for target', (a, t) => new CrossEntropyLoss().forward(a, t)],
    ['NLLLoss: expected a tensor for target', (a, t) => new NLLLoss().forward(a, t)],
    ['CTCLoss: expected a tensor for labels', (a, t) => new CTCLoss().forward(a, t)],
    ['MSELoss: expected a tensor for prediction', (a, t) => new MSELoss().forward(t, a)],
  ] as readonly (readonly [string, (a: Tensor, t: Tensor) => Tensor])[]) {
    it(`is named, with the targets there are: ${name}`, async () => {
      const loss = new Own(({ a }: Named, { t }: Named) => formula(a!, t!));
      const trainer = new Trainer(new Two(), { loss, optimizer: new SGD() });
      const rejected = (message: RegExp): Promise<void> =>
        assert.rejects(trainer.step({ x, y: { q: y } }), { name: 'DTypeError', message });
      await rejected(undefinedFor(`^Own: ${name}`));
      await rejected(new RegExp(` ${there}$`));
    });
  }

  it('says so where there is one alone, or none', async () => {
    const loss = new Own((p, { lab }: Named) => mean(sub(p, lab!)));
    const trainer = new Trainer(new Linear(1), { loss: loss, optimizer: new SGD() });
    const rejected = (targets: object, message: RegExp): Promise<void> =>
      assert.rejects(trainer.step({ x, y: targets as never }), { name: 'DTypeError', message });
    await rejected(y, /^Own: sub: .* Outputs: one alone; targets: one alone\.$/);
    await rejected({ label: y }, /^Own: sub: .* Outputs: one alone; targets: label\.$/);
  });

  it('says so where there are no targets', async () => {
    class Free extends Loss<never, never> {
      forward({ c }: Named): Tensor {
        return mean(abs(c!));
      }
    }
    const trainer = new Trainer(new Two(), { loss: new Free(), optimizer: new SGD() });
    await assert.rejects(trainer.step({ x, y: {} }), { name: 'DTypeError', message: /^Free: abs: .* Outputs: a, b; targets: none\.$/ });
  });

  it('is told from one that takes several outputs for one', async () => {
    const loss = new Own((p, t) => mean(sub(p, t)));
    const trainer = new Trainer(new Two(), { loss, optimizer: new SGD() });
    await assert.rejects(trainer.step({ x, y }), {
      name: 'ShapeError',
      message: /^Own: expected outputs and targets it is made for, got a, b and one alone\./,
    });
  });
});

const advice = 'Data come in as arguments of forward or of a compiled function, or by constant().';

describe('a metric', () => {
  const rejects = (metric: Metric<never, never>, message: string, name = 'DataError'): Promise<void> =>
    assert.rejects(new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new SGD(), metrics: [metric] }).evaluate({ x, y }), {
      name,
      message: `evaluate: ${message}`,
    });

  for (const metric of [mae(), rmse(), r2(), accuracy(), precision(), f1(), auc(), perplexity(), bitsPerCharacter(), topK(1)]) {
    it(`is given a part that is there: ${metric.name}`, async () => {
      const there = 'Outputs: one alone; targets: one alone.';
      await rejects(
        metric.as('q', (p, t) => [(p as Named)['a']!, t]),
        `q: expected a prediction from its part, got undefined. Return both: (p, y) => [p, y]. ${there}`,
      );
      await rejects(
        metric.as('q', (p, t) => [p, (t as Named)['a']!]),
        `q: expected a target from its part, got undefined. Return both: (p, y) => [p, y]. ${there}`,
      );
      await rejects(
        metric.as('q', (p, t) => [{ p }, t]),
        `q: ${metric.name}: expected a tensor for prediction, got Object. Take one of its tensors: p.`,
        'DTypeError',
      );
    });
  }
  it('is given a pair by its part', async () => {
    for (const [part, got] of [
      [(p: Tensor) => p, 'Tensor'],
      [(p: Tensor) => [p], 'Array'],
      [async (p: Tensor, t: Tensor) => [p, t], 'Promise'],
    ] as const)
      await rejects(
        mae().as('q', part as never),
        `q: expected a prediction and a target from its part, got ${got}. Return both: (p, y) => [p, y].`,
      );
  });
  it('of one’s own is named, with the outputs there are', () =>
    rejects(
      new Gap(),
      `gap: sub: expected a tensor or a number for a, got undefined. ${advice} Outputs: one alone; targets: one alone.`,
      'DTypeError',
    ));
  it('of an output that has no target of its name points to .as()', async () => {
    const loss = new Own(({ a }: Named, t: Tensor) => new MSELoss().forward(a!, t));
    const trainer = new Trainer(new Two(), { loss, optimizer: new SGD(), metrics: [mae().of('a')] });
    await assert.rejects(
      trainer.step({ x, y }).then(() => trainer.evaluate({ x, y })),
      {
        name: 'DataError',
        message: `aMae: expected a target "a" among several, got one alone. Compare with it by .as('aMae', (p, y) => [p.a, y]).`,
      },
    );
    await rejects(mae().of('a'), 'aMae: expected an output "a" among several, got one alone. Leave .of() out.');
  });
});

describe('class ids that stand for no class', () => {
  it('are left out by ignoreIndex, as the message says', () => {
    for (const [id, advice] of [
      [255, ', or leave rows of it out by ignoreIndex: 255'],
      [-100, ', or leave rows of it out by ignoreIndex: -100'],
      [3, ', give the last layer more outputs, or leave rows of it out by ignoreIndex: 3'],
    ] as const)
      for (const loss of [new CrossEntropyLoss(), new NLLLoss()])
        assert.throws(() => loss.validate(array(Int32Array.of(0, id)), [2, 3]), {
          name: 'DataError',
          message: `${loss.constructor.name}: expected class ids 0 … 2, got ${id} at row 1. Number the classes from 0${advice}.`,
        });
  });
});
