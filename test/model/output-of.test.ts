import assert from 'node:assert/strict';
import {
  Adam,
  BatchNorm,
  Dropout,
  DTypeError,
  Embedding,
  GRU,
  Layer,
  Linear,
  Loss,
  MSELoss,
  type NdArray,
  Philox,
  SGD,
  type Scope,
  Sequential,
  ShapeError,
  StateError,
  Tanh,
  type Tensor,
  Trainer,
  array,
  compile,
  gradients,
  mean,
  square,
  sub,
  sum,
} from '../../lib/index.js';
import { linearProblem } from '../support/problems.js';

const points = array(new Philox(1).uniform(12, -1, 1), [4, 3]);

/** The distance of what another model makes of the prediction from what it makes of the target. */
class SeenBy extends Loss {
  constructor(readonly eye: Layer) {
    super();
  }
  forward(prediction: Tensor, target: Tensor): Tensor {
    return mean(square(sub(this.eye.outputOf(prediction), this.eye.outputOf(target))));
  }
}

/** A head on what a model trained before makes of x. */
class OnTop extends Layer {
  readonly head: Linear = new Linear(1);
  constructor(readonly body: Layer) {
    super();
  }
  forward(x: Tensor, scope: Scope): Tensor {
    return scope.call('head', this.head, this.body.outputOf(x));
  }
}

describe('outputOf', () => {
  it('gives the bits of predict, with running statistics and without dropout', async () => {
    const model = new Sequential([new Linear(8), new BatchNorm(), new Dropout(0.5), new Tanh(), new Linear(2)], { seed: 3 });
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new Adam() });
    await trainer.fit({ x: points, y: array(new Float32Array(8), [4, 2]) }, { epochs: 3 });
    const f = compile((x: Tensor) => model.outputOf(x));
    assert.deepEqual(await f(points), await model.predict(points));
    assert.deepEqual(f.sync(points), await model.predict(points));
  });

  it('takes the bytes and the ids that the model takes', async () => {
    const bytes = array(Uint8Array.of(1, 2, 250, 0, 5, 6), [2, 3]);
    const net = new Sequential([new Linear(2)]).build([3]);
    assert.deepEqual(await compile((x: Tensor) => net.outputOf(x))(bytes), await net.predict(bytes));
    const ids = array(Int32Array.of(3, 0, 1), [3]);
    const table = new Sequential([new Embedding(4, 2)]).build([], { dtypes: ['int32'] });
    assert.deepEqual(await compile((x: Tensor) => table.outputOf(x))(ids), await table.predict(ids));
  });

  it('lets gradients reach the inputs', async () => {
    const model = new Sequential([new Linear(8), new Tanh(), new Linear(2)], { seed: 3 }).build([3]);
    const slope = compile((x: Tensor) => gradients(sum(model.outputOf(x)), [x])[0]!);
    const { data } = await slope(points);
    const total = async (at: number, by: number): Promise<number> => {
      const moved = points.data.slice();
      moved[at]! += by;
      return (await model.predict(array(moved, [4, 3]))).data.reduce((a, b) => a + b, 0);
    };
    for (const at of [0, 5, 11]) {
      const numeric = ((await total(at, 1 / 64)) - (await total(at, -1 / 64))) * 32;
      assert.ok(Math.abs(numeric - data[at]!) < 1e-3, `element ${at}: expected ${numeric}, got ${data[at]}`);
    }
  });

  it('has the weights of the moment', async () => {
    const model = new Sequential([new Linear(2)]).build([3]);
    const f = compile((x: Tensor) => model.outputOf(x));
    const before = await f(points);
    model.setWeights(
      new Map(
        [...model.weights()].map(([path, { data, shape }]) => [
          path,
          array(
            data.map((w) => 2 * w),
            shape,
          ),
        ]),
      ),
    );
    assert.deepEqual(
      (await f(points)).data,
      before.data.map((y) => 2 * y),
    );
  });

  it('is not trained by a loss that uses it, but shapes what is trained', async () => {
    const eye = new Sequential([new Linear(1, { bias: false })]).build([2]);
    eye.setWeights(new Map([['0.weight', array([[1], [0]])]]));
    const model = new Sequential([new Linear(2)], { seed: 1 });
    const y = array(new Philox(2).uniform(8, -1, 1), [4, 2]);
    const trainer = new Trainer(model, { loss: new SeenBy(eye), optimizer: new SGD({ lr: 0.2 }) });
    model.build([3]);
    const before = model.weights();
    await trainer.fit({ x: points, y }, { epochs: 100 });
    const after = model.weights();
    assert.deepEqual(eye.weights().get('0.weight')!.data, Float32Array.of(1, 0));
    const column = (weights: typeof before, c: number): readonly number[] =>
      [0, 1, 2].map((row) => weights.get('0.weight')!.data[row * 2 + c]!);
    assert.notDeepEqual(column(after, 0), column(before, 0));
    assert.deepEqual(column(after, 1), column(before, 1), 'the eye does not see the second column');
    assert.ok((await trainer.evaluate({ x: points, y })).loss < 0.01);
  });

  it('serves as the fixed body of another model', async () => {
    const { x, y } = linearProblem(32, 3);
    const body = new Sequential([new Linear(4), new Tanh()], { seed: 4 }).build(x.shape.slice(1));
    const before = body.weights();
    const model = new OnTop(body);
    await new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) }).fit({ x, y }, { epochs: 5 });
    assert.deepEqual([...model.weights().keys()], ['head.weight', 'head.bias']);
    assert.deepEqual(body.weights(), before);
  });

  it('lets two models train at once, each by the other', async () => {
    const [a, b] = [1, 2].map((seed) => new Sequential([new Linear(3)], { seed }).build([3])) as [Sequential, Sequential];
    const trainers = [new Trainer(a, { loss: new SeenBy(b), optimizer: new SGD({ lr: 1e-3 }) })];
    trainers.push(new Trainer(b, { loss: new SeenBy(a), optimizer: new SGD({ lr: 1e-3 }) }));
    const y = array(new Philox(3).uniform(12, -1, 1), [4, 3]);
    const histories = await Promise.all(trainers.map((trainer) => trainer.fit({ x: points, y }, { epochs: 500, batchSize: 2 })));
    assert.ok(histories.every(({ epochs }) => Number.isFinite(epochs.at(-1)!.loss)));
    assert.deepEqual(
      trainers.map(({ steps }) => steps),
      [1000, 1000],
    );
  });

  it('draws other noise than what is around it, and than itself before', async () => {
    class Noise extends Layer {
      forward(input: Tensor, scope: Scope): Tensor {
        return scope.uniform(input.shape);
      }
    }
    const [one, other] = [new Noise().build([3]), new Noise().build([3])];
    const f = compile((x: Tensor) => [one.outputOf(x), one.outputOf(x), other.outputOf(x)] as const);
    const texts = (arrays: readonly NdArray[]): number => new Set(arrays.map(({ data }) => data.join())).size;
    assert.equal(texts([...(await f(points)), ...(await f(points))]), 6);
    class Around extends Layer<[Tensor], { own: Tensor; theirs: Tensor }> {
      forward(input: Tensor, scope: Scope): { own: Tensor; theirs: Tensor } {
        return { own: scope.uniform(input.shape), theirs: one.outputOf(input) };
      }
    }
    assert.equal(texts(Object.values(await new Around().predict(points))), 2);
  });

  describe('with { training: true }', () => {
    const wide = array(new Philox(4).uniform(3000, -1, 1), [1000, 3]);

    it('is what a step of training sees, and leaves running statistics as they are', async () => {
      const model = new Sequential([new Linear(8), new BatchNorm(), new Tanh(), new Linear(2)], { seed: 3 }).build([3]);
      const y = array(new Philox(2).uniform(8, -1, 1), [4, 2]);
      const lossOf = compile((x: Tensor, target: Tensor) => mean(square(sub(model.outputOf(x, { training: true }), target))));
      const before = model.weights();
      const { data } = await lossOf(points, y);
      assert.deepEqual(model.weights(), before);
      const { loss } = await new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() }).step({ x: points, y });
      assert.ok(Math.abs(data[0]! - loss) < 1e-6, `expected ${loss}, got ${data[0]}`);
      assert.notDeepEqual(
        data,
        (await compile((x: Tensor, target: Tensor) => mean(square(sub(model.outputOf(x), target))))(points, y)).data,
      );
    });

    it('drops, anew in each run', async () => {
      const model = new Sequential([new Dropout(0.25)]).build([3]);
      const f = compile((x: Tensor) => model.outputOf(x, { training: true }));
      const [one, other] = [await f(wide), await f(wide)];
      const kept = one.data.filter((value, i) => value !== 0 && Math.abs(value * 0.75 - wide.data[i]!) < 1e-6).length;
      assert.equal(kept + one.data.filter((value) => value === 0).length, 3000);
      assert.ok(Math.abs(kept - 2250) < 120, `${kept} of 3000, five standard deviations from 2250`);
      assert.notDeepEqual(one, other);
    });

    it('has gradients through the statistics of the batch, in the loss of another model', async () => {
      const judge = new Sequential([new Linear(4), new BatchNorm(), new Tanh(), new Linear(1)], { seed: 3 }).build([2]);
      class Fooled extends Loss {
        forward(fakes: Tensor): Tensor {
          return mean(square(judge.outputOf(fakes, { training: true })));
        }
      }
      const before = judge.weights();
      const trainer = new Trainer(new Linear(2), { loss: new Fooled(), optimizer: new SGD({ lr: 0.1 }) });
      const { epochs } = await trainer.fit({ x: points, y: {} }, { epochs: 20 });
      assert.ok(epochs.at(-1)!.loss < epochs[0]!.loss);
      assert.deepEqual(judge.weights(), before);
    });

    it('is refused with other options', () => {
      const model = new Linear(2).build([3]);
      const of = (options: object): unknown => compile((x: Tensor) => model.outputOf(x, options)).sync(points);
      assert.throws(() => of({ train: true }), {
        name: 'OptionError',
        message: 'Linear.outputOf: expected options among training, got train.',
      });
      assert.throws(() => of({ training: 1 }), {
        name: 'OptionError',
        message: /^Linear.outputOf: expected true or false for training, got 1/,
      });
      assert.deepEqual(of({ training: undefined }), model.predictSync(points));
      assert.deepEqual(compile((x: Tensor) => model.outputOf(x, undefined)).sync(points), model.predictSync(points));
    });
  });

  it('refuses states where they go on from step to step, which they would not', async () => {
    const inner = new Sequential([new GRU(3)]).build([4, 3]);
    class Outer extends Layer {
      readonly head: Linear = new Linear(1);
      forward(input: Tensor, scope: Scope): Tensor {
        return scope.call('head', this.head, inner.outputOf(input));
      }
    }
    const model = new Outer().build([4, 3]);
    const x = array(new Philox(1).normal(24), [2, 4, 3]);
    assert.equal((await model.predict(x)).size, 8);
    const message =
      /outputOf: expected a model without states where states go on from step to step, got one with "0.h0"\. Call its layers through the scope\./;
    assert.throws(() => model.stream(), { message });
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() });
    const y = array(new Float32Array(8), [2, 4, 1]);
    await assert.rejects(trainer.fit({ x, y }, { carryState: true, batchSize: 1 }), { message });
    await trainer.fit({ x, y });
  });

  it('refuses a model that was never built, other inputs and arrays', () => {
    const model = new Sequential([new Linear(2)]);
    const f = compile((x: Tensor) => model.outputOf(x));
    assert.throws(() => f.sync(points), { name: StateError.name, message: /^Sequential: expected a model whose input size is known/ });
    model.build([3]);
    assert.throws(() => f.sync(array([[1, 2]])), {
      name: ShapeError.name,
      message: /^Sequential: expected input of shape \[N, 3\].* got \[N, 2\]/,
    });
    assert.throws(() => model.outputOf(points as never), {
      name: DTypeError.name,
      message: 'Sequential.outputOf: expected tensors, got NdArray. For arrays there is predict().',
    });
  });
});
