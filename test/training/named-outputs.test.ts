import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adam,
  type Batch,
  CrossEntropyLoss,
  type EvaluateOptions,
  Layer,
  Linear,
  Loss,
  Losses,
  MSELoss,
  type NdArray,
  type Outputs,
  Philox,
  SGD,
  type Scope,
  Sequential,
  Tanh,
  type Targets,
  type Tensor,
  Trainer,
  accuracy,
  add,
  array,
  compile,
  gradients,
  inputGradient,
  mae,
  mean,
  mul,
  permutationImportance,
  randomFlip,
  square,
  sub,
  sum,
  topK,
  weightsToPyTorch,
} from '../../lib/index.js';
import { near } from '../support/near.js';

type Heads = { readonly side: Tensor; readonly height: Tensor };

/** Which side of 0 the first number is on, and twice the second, from a common body. */
class TwoHeads extends Layer<[Tensor], Heads> {
  override readonly seed: number = 7;
  readonly body: Sequential = new Sequential([new Linear(8), new Tanh()]);
  readonly side: Linear = new Linear(2);
  readonly height: Linear = new Linear(1);
  forward(x: Tensor, scope: Scope): Heads {
    const h = scope.call('body', this.body, x);
    return { side: scope.call('side', this.side, h), height: scope.call('height', this.height, h) };
  }
}

/** Two outputs for each step of a sequence. */
class Steps extends Layer<[Tensor], Heads> {
  readonly head: Linear = new Linear(2);
  forward(input: Tensor, scope: Scope): Heads {
    const y = scope.call('head', this.head, input);
    return { side: y, height: y };
  }
}

const count = 64;
const x = array(new Philox(1).normal(2 * count), [count, 2]);
const side = array(Int32Array.from({ length: count }, (_, i) => Number(x.data[2 * i]! > 0)));
const height = array(
  Float32Array.from({ length: count }, (_, i) => 2 * x.data[2 * i + 1]!),
  [count, 1],
);
const data: Batch<Targets> = { x, y: { side, height } };
const losses = (options = {}): Losses => new Losses({ side: new CrossEntropyLoss(), height: new MSELoss() }, options);

function trainerOf(options: Partial<ConstructorParameters<typeof Trainer<Heads>>[1]> = {}): { model: TwoHeads; trainer: Trainer<Heads> } {
  const model = new TwoHeads();
  return { model, trainer: new Trainer(model, { loss: losses(), optimizer: new Adam({ lr: 0.05 }), ...options }) };
}

const close = (actual: number, expected: number, what: string): void => near(actual, expected, 1e-5, what);

describe('a model with outputs by name', () => {
  it('predicts each, the same in batches of any size and on this thread', async () => {
    const model = new TwoHeads().build([2]);
    const whole = await model.predict(x);
    assert.deepEqual(Object.keys(whole), ['side', 'height']);
    assert.deepEqual([...whole.side.shape, ...whole.height.shape], [count, 2, count, 1]);
    assert.deepEqual(await model.predict(x, { batchSize: 10 }), whole);
    assert.deepEqual(model.predictSync(x, { batchSize: 7 }), whole);
    assert.deepEqual((await model.side.predict(await model.body.predict(x))).data, whole.side.data);
  });

  it('learns all of them from their targets', async () => {
    const { model, trainer } = trainerOf({ metrics: [accuracy().of('side'), mae().of('height')] });
    const history = await trainer.fit(data, { epochs: 150, validation: data });
    const { sideAccuracy, heightMae, valSideAccuracy } = history.last!.metrics;
    assert.ok(sideAccuracy! > 0.98 && valSideAccuracy! > 0.98, `accuracy ${sideAccuracy}, ${valSideAccuracy}`);
    assert.ok(heightMae! < 0.15, `error ${heightMae}`);
    const predicted = await trainer.predict(x);
    const errors = [...predicted.height.data].map((value, i) => Math.abs(value - height.data[i]!));
    close((await trainer.evaluate(data)).heightMae!, errors.reduce((a, b) => a + b) / count, 'mean error');
    const { layers } = model.summary(3);
    assert.equal(layers.at(0)!.path, 'body.0');
    assert.deepEqual(layers.at(-1)!.outputs, { side: [3, 2], height: [3, 1] });
    assert.match(model.summary(3).toString(), /TwoHeads +side \[3, 2\], height \[3, 1\]/);
  });

  it('has the sum of the losses, each with its weight, and their gradients', async () => {
    const weights = { side: 2, height: 0.25 };
    const { trainer } = trainerOf({ loss: losses({ weights }) });
    const parts = async (loss: Losses): Promise<number> => (await trainerOf({ loss }).trainer.evaluate(data)).loss;
    const alone = {
      side: await parts(new Losses({ side: new CrossEntropyLoss() })),
      height: await parts(new Losses({ height: new MSELoss() })),
    };
    close((await trainer.evaluate(data)).loss, 2 * alone.side + 0.25 * alone.height, 'loss');
    // A step of plain descent is that of the weighted sum.
    const step = async (loss: Losses): Promise<readonly number[]> => {
      const { model, trainer: one } = trainerOf({ loss, optimizer: new SGD({ lr: 1 }) });
      const before = model.build([2]).weights().get('body.0.weight')!.data;
      await one.step(data);
      return [...model.weights().get('body.0.weight')!.data].map((w, i) => w - before[i]!);
    };
    const [both, first, second] = await Promise.all([step(losses({ weights })), step(losses({ weights: { height: 0 } })), step(losses({ weights: { side: 0 } }))]); // prettier-ignore
    both.forEach((change, i) => close(change, 2 * first[i]! + 0.25 * second[i]!, `change ${i}`));
  });

  it('may have a loss of its own that sees all outputs, with one target', async () => {
    class Product extends Loss<Heads> {
      forward(outputs: Heads, target: Tensor): Tensor {
        return mean(square(sub(sum(mul(outputs.side, outputs.height), { axes: 1, keepDims: true }), target)));
      }
    }
    const { trainer } = trainerOf({ loss: new Product() });
    const before = (await trainer.evaluate({ x, y: height })).loss;
    await trainer.fit({ x, y: height }, { epochs: 60 });
    assert.ok((await trainer.evaluate({ x, y: height })).loss < 0.1 * before);
  });

  it('takes batches as they come, weights of rows, and a checkpoint to the same bits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    try {
      const batches = [0, 32].map((at) => ({
        x: x.rows(at, at + 32),
        y: { side: side.rows(at, at + 32), height: height.rows(at, at + 32) },
      }));
      const [straight, split] = [trainerOf(), trainerOf()];
      await straight.trainer.fit(batches, { epochs: 4 });
      await split.trainer.fit(data, { epochs: 2, batchSize: 32, shuffle: false });
      await split.trainer.save(join(folder, 'half'));
      const resumed = trainerOf();
      await resumed.trainer.load(join(folder, 'half'));
      await resumed.trainer.fit(() => batches, { epochs: 2 });
      assert.deepEqual(resumed.model.weights(), straight.model.weights());
      const sampleWeight = array(Float32Array.from({ length: count }, (_, i) => Number(i < 10)));
      const ten = { x: x.rows(0, 10), y: { side: side.rows(0, 10), height: height.rows(0, 10) } };
      close((await straight.trainer.evaluate({ ...data, sampleWeight })).loss, (await straight.trainer.evaluate(ten)).loss, 'weighted');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is used in functions, explained by its columns, and given to PyTorch', async () => {
    const { model, trainer } = trainerOf();
    await trainer.fit(data, { epochs: 100 });
    const slope = compile((input: Tensor) => gradients(sum(model.outputOf(input).height), [input])[0]!);
    const by = [...(await slope(x)).data];
    const average = (at: number): number => by.reduce((total, value, i) => total + (i % 2 === at ? value : 0), 0) / count;
    assert.ok(Math.abs(average(1) - 2) < 0.5 && Math.abs(average(0)) < 0.5, `${average(0)}, ${average(1)}`);
    const [first, second] = await permutationImportance(trainer, data);
    assert.ok(first!.mean > 0 && second!.mean > first!.mean);
    assert.deepEqual([...weightsToPyTorch(model).keys()].slice(0, 2), ['body.0.weight', 'body.0.bias']);
  });

  it('is refused where one output is wanted', async () => {
    const model = new TwoHeads().build([2]);
    const several = /expected (a model with )?one output, got side, height/;
    await assert.rejects(inputGradient(model as never, x), { name: 'ShapeError', message: several });
    assert.throws(() => new Steps().build([5, 2]).stream(), { name: 'ShapeError', message: several });
    await assert.rejects(new Sequential([model as never, new Linear(1)]).predict(x), {
      name: 'DTypeError',
      message: 'Sequential: scope.call: expected a tensor for input 0 of "1", got Object. Take one of its tensors: side, height.',
    });
  });
});

describe('refused of outputs by name', () => {
  const rejects = (fit: Promise<unknown>, name: string, message: RegExp): Promise<void> => assert.rejects(fit, { name, message });
  it('targets that are missing, and losses for outputs that are', async () => {
    await rejects(trainerOf().trainer.fit({ x, y: { side } }), 'DataError', /Losses: expected targets { side, height }, got { side }\./);
    await rejects(
      trainerOf().trainer.fit({ x, y: height }),
      'DataError',
      /Losses: expected targets { side, height }, got one array for y\. Give y as { side, height }\.$/,
    );
    await rejects(
      // @ts-expect-error there is no such output
      trainerOf({ loss: new Losses({ width: new MSELoss() }) }).trainer.fit(data),
      'DataError',
      /Losses: expected outputs { width }, got { side, height }\.$/,
    );
    for (const targets of [data.y, height]) {
      const single = new Trainer(new Linear(1), { loss: losses() as never, optimizer: new SGD() });
      const message =
        /Losses: expected outputs { side, height }, got one alone\. Return { side, height } from forward, or give one loss\.$/;
      await rejects(single.fit({ x, y: targets }), 'DataError', message);
    }
  });
  it('weights of rows where one of the losses takes none', async () => {
    class Plain extends Loss {
      forward(prediction: Tensor, target: Tensor): Tensor {
        return mean(square(sub(prediction, target)));
      }
    }
    const sampleWeight = array(new Float32Array(count).fill(1));
    const loss = new Losses({ side: new CrossEntropyLoss(), height: new Plain() });
    await rejects(
      trainerOf({ loss }).trainer.fit({ ...data, sampleWeight }),
      'OptionError',
      /Losses: expected losses that take sampleWeight, got Plain for "height"\. Leave sampleWeight out\.$/,
    );
  });
  it('targets out of range, of other rows or of no rows, before anything is changed', async () => {
    const { model, trainer } = trainerOf();
    await rejects(
      trainer.fit({ x, y: { side: array(new Int32Array(count).fill(2)), height } }),
      'DataError',
      /^fit: y\.side: CrossEntropyLoss: expected class ids 0 … 1, got 2 at row 0/,
    );
    await rejects(trainer.fit({ x, y: { side: side.rows(0, 3), height } }), 'ShapeError', /same number of rows/);
    for (const call of ['fit', 'step', 'evaluate'] as const)
      await rejects(trainer[call]({ x, y: { side, height, heigth: height } }), 'DataError', /expected targets that the loss or a metric looks at, got heigth too\./); // prettier-ignore
    await rejects(
      trainer.fit({ x, y: { side: [0, 1] as never, height } }),
      'DataError',
      /fit: expected y\.side made by array\(\), got Array/,
    );
    await rejects(
      trainer.fit({ x, y: { side, height: array(new Float32Array(count).fill(NaN), [count, 1]) } }, { checkFinite: true }),
      'DataError',
      /fit y\.height/,
    );
    assert.throws(() => model.weights(), { name: 'StateError' });
  });
  it('augmentation, a metric of an output that is none, and one of all', async () => {
    await rejects(
      trainerOf().trainer.fit(data, { augment: [randomFlip()] }),
      'ShapeError',
      /expected one target y for augment, got side, height/,
    );
    await rejects(
      // @ts-expect-error there is no such output
      trainerOf({ metrics: [accuracy().of('sides')] }).trainer.fit(data),
      'DataError',
      /sidesAccuracy: expected an output "sides" among several, got side, height/,
    );
    const several = /expected outputs and targets it is made for, got side, height and side, height\. Give each output a loss/;
    // @ts-expect-error topK looks at one output
    await rejects(trainerOf({ metrics: [topK(1)] }).trainer.fit(data), 'ShapeError', several);
    // @ts-expect-error and so does this loss
    await rejects(trainerOf({ loss: new MSELoss() }).trainer.fit(data), 'ShapeError', several);
    const one = new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new SGD() });
    await rejects(one.fit(data), 'ShapeError', /got one alone and side, height/);
  });
  it('nothing of what goes wrong in a loss of all outputs itself: that comes through', async () => {
    class Wrong extends Loss<Heads, Heads> {
      forward(outputs: Heads): Tensor {
        return (outputs.side as never as { half: () => Tensor }).half();
      }
    }
    await rejects(trainerOf({ loss: new Wrong() }).trainer.fit(data), 'TypeError', /^outputs\.side\.half is not a function/);
  });
  it('what is no loss, and weights of none', () => {
    assert.throws(() => new Losses({}), { name: 'OptionError', message: /^Losses: expected an object of losses by name for losses, got/ });
    assert.throws(() => new Losses({ a: {} as never }), { name: 'OptionError' });
    assert.throws(() => losses({ weights: { sides: 1 } }), {
      name: 'OptionError',
      message: 'Losses: expected weights for side, height, got "sides".',
    });
    assert.throws(() => losses({ weights: { side: -1 } }), { name: 'OptionError', message: /numbers ≥ 0 for weights/ });
    assert.throws(() => new Losses({ a: new MSELoss({ reduction: 'sum' }), b: new MSELoss() }), {
      name: 'OptionError',
      message: /all means or all sums/,
    });
  });
  it('outputs that are none', async () => {
    class Odd extends Layer<[Tensor], Outputs> {
      constructor(readonly value: (y: Tensor) => unknown) {
        super();
      }
      forward(input: Tensor): Outputs {
        return this.value(add(input, 1)) as Outputs;
      }
    }
    for (const value of [() => ({}), (y: Tensor) => ({ y, z: 3 }), (y: Tensor) => ({ '': y })]) {
      await rejects(
        new Odd(value).predict(x),
        'ShapeError',
        /^Odd: expected forward to return a tensor, or tensors by name, got Object\.$/,
      );
    }
    const nameless = new (class extends Layer<[Tensor], Outputs> {
      forward(): Outputs {
        return JSON.parse('3') as Outputs;
      }
    })();
    await rejects(nameless.predict(x), 'ShapeError', /^Layer: expected forward to return a tensor/);
    await rejects(
      new Odd((y) => ({ y, total: sum(y) })).predict(x),
      'ShapeError',
      /expected output "total" with one row for each of the 64 input rows, got \[\]/,
    );
  });
  it('sums and evaluation options as elsewhere', async () => {
    const options: EvaluateOptions = { batchSize: 10 };
    const summed = new Losses({ side: new CrossEntropyLoss({ reduction: 'sum' }), height: new MSELoss({ reduction: 'sum' }) });
    const { trainer } = trainerOf({ loss: summed });
    close((await trainer.evaluate(data, options)).loss, (await trainer.evaluate(data)).loss, 'sum');
    const plain: NdArray = (await trainer.predict(x)).side;
    assert.equal(plain.shape[0], count);
  });
});
