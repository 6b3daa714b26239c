import assert from 'node:assert/strict';
import {
  BatchNorm,
  CrossEntropyLoss,
  Layer,
  Linear,
  MSELoss,
  type NdArray,
  ReLU,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  add,
  array,
  mean,
  mul,
  zeros,
} from '../../lib/index.js';
import { classProblem, linearProblem } from '../support/problems.js';

/** x + body(x) */
class Residual extends Layer {
  constructor(readonly body: Layer) {
    super();
  }
  forward(x: Tensor, scope: Scope): Tensor {
    return add(x, scope.call('body', this.body, x));
  }
}

/** Two inputs, each through the same layer. */
class Twin extends Layer<[Tensor, Tensor]> {
  readonly shared: Linear = new Linear(2);
  forward(a: Tensor, b: Tensor, scope: Scope): Tensor {
    return add(scope.call('left', this.shared, a), scope.call('right', this.shared, b));
  }
}

/** The same normalisation of two inputs, one after the other. */
class Siamese extends Layer<[Tensor, Tensor]> {
  readonly norm: BatchNorm = new BatchNorm({ affine: false });
  readonly head: Linear = new Linear(1);
  forward(a: Tensor, b: Tensor, scope: Scope): Tensor {
    const both = add(scope.call('norm', this.norm, a), scope.call('norm', this.norm, b));
    return scope.call('head', this.head, both);
  }
}

/** Keeps a running mean of its input. */
class Running extends Layer {
  forward(x: Tensor, scope: Scope): Tensor {
    const kept = scope.buffer('mean', [x.shape[1]!], zeros());
    scope.assign(kept, add(mul(kept, 0.5), mul(mean(x, { axes: 0 }), 0.5)));
    return mul(
      x,
      scope.parameter('scale', [x.shape[1]!], (shape) => new Float32Array(shape[0]!).fill(1)),
    );
  }
}

describe('a model', () => {
  it('composes layers freely and names their parameters by path', async () => {
    const model = new Sequential({ first: new Linear(4), block: new Residual(new Sequential([new Linear(4), new ReLU()])) }, { seed: 1 });
    await model.predict(array([[1, 2, 3]]));
    assert.deepEqual([...model.weights().keys()], ['first.weight', 'first.bias', 'block.body.0.weight', 'block.body.0.bias']);
  });

  it('gives and takes all weights of one step, never some of one and some of another', async () => {
    // Every layer starts alike, sees the same gradient, and so has the same weights as the others at every step.
    class Same extends Layer {
      forward(x: Tensor, scope: Scope): Tensor {
        const parts = Array.from({ length: 40 }, (_, i) => scope.parameter(`w${i}`, [2], () => new Float32Array(2)));
        return add(x, parts.reduce((sum, part) => add(sum, part))); // prettier-ignore
      }
    }
    const model = new Same().build([2]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 1e-6 }) });
    const rows = array(new Float32Array(2e5).fill(1), [1e5, 2]);
    const equal = (weights: ReturnType<typeof model.weights>): boolean =>
      new Set([...weights.values()].map(({ data }) => data[0])).size === 1;
    let torn = 0;
    let reads = 0;
    const training = trainer.fit({ x: rows, y: array(new Float32Array(2e5), [1e5, 2]) }, { batchSize: 1 });
    let done = false;
    void training.then(() => (done = true));
    while (!done) {
      if (!equal(model.weights())) torn++;
      reads++;
      await new Promise(setImmediate);
    }
    assert.ok(torn === 0 && reads > 10, `${torn} of ${reads}`);
  });
  it('refuses weights of which a buffer was taken, and keeps its own; those set before the first build are copied', async () => {
    const model = new Sequential([new Linear(1)]);
    const [weight, bias] = [array([[7], [7]]), array([0])]; // prettier-ignore
    model.setWeights(new Map([['0.weight', weight], ['0.bias', bias]])); // prettier-ignore
    weight.data.fill(100);
    assert.equal((await model.predict(array([[1, 1]]))).data[0], 14);
    structuredClone(bias.data, { transfer: [bias.data.buffer as ArrayBuffer] });
    assert.throws(() => model.setWeights(new Map([['0.weight', weight], ['0.bias', bias]])), { name: 'StateError', message: /"0.bias".*detached or resized/ }); // prettier-ignore
    const unbuilt = new Sequential([new Linear(2)]);
    assert.throws(() => unbuilt.setWeights(new Map([['0.bias', bias]])), { name: 'StateError', message: /"0.bias".*detached or resized/ });
    assert.equal((await model.predict(array([[1, 1]]))).data[0], 14);
  });

  it('refuses weights that are no arrays by path, built or not', () => {
    for (const model of [new Sequential([new Linear(1)]), new Sequential([new Linear(1)]).build([2])]) {
      for (const weights of [{}, undefined, new Map([['0.weight', [1, 2]]])]) {
        assert.throws(() => model.setWeights(weights as never), {
          name: 'OptionError',
          message: /^Sequential\.setWeights: expected a Map of arrays made by array\(\) for weights, got /,
        });
      }
    }
  });

  it('calls layers that leave the scope out, as typed as others', async () => {
    class Own extends Layer<[Tensor, Tensor]> {
      forward(a: Tensor, b: Tensor): Tensor {
        return mul(a, b);
      }
    }
    class Model extends Layer {
      readonly relu: ReLU = new ReLU();
      readonly own: Own = new Own();
      forward(x: Tensor, scope: Scope): Tensor {
        // @ts-expect-error both inputs are wanted
        (): Tensor => scope.call('own', this.own, x);
        return scope.call('own', this.own, scope.call('relu', this.relu, x), x);
      }
    }
    assert.deepEqual((await new Model().predict(array([[-2, 3]]))).data, Float32Array.of(-0, 9));
  });

  it('shares the parameters of a layer that is called twice, and adds up their gradients', async () => {
    const model = new Twin();
    const x = array([[1, 0], [0, 1]]); // prettier-ignore
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
    const y = array([[1, 0], [0, 1]]); // prettier-ignore
    const first = await trainer.step({ x: [x, x], y });
    assert.deepEqual([...model.weights().keys()], ['left.weight', 'left.bias']);
    for (let i = 0; i < 200; i++) await trainer.step({ x: [x, x], y });
    assert.ok((await trainer.step({ x: [x, x], y }))['loss'] < first['loss'] / 10);
    assert.deepEqual((await model.predict([x, x])).shape, [2, 2]);
  });

  it('keeps running state in training and leaves it alone otherwise', async () => {
    const model = new Sequential({ running: new Running() });
    const x = array([[2, 4], [4, 8]]); // prettier-ignore
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
    await trainer.step({ x, y: x });
    assert.deepEqual([...model.weights().get('running.mean')!.data], [1.5, 3]);
    await model.predict(x);
    await trainer.evaluate({ x, y: x });
    assert.deepEqual([...model.weights().get('running.mean')!.data], [1.5, 3]);
    await trainer.step({ x, y: x });
    assert.deepEqual([...model.weights().get('running.mean')!.data], [2.25, 4.5]);
  });

  it('moves running state on with each call of a layer, in their order', async () => {
    const model = new Siamese();
    const rows = (mean: number): NdArray => array(Float32Array.of(mean - 1, mean + 1), [2, 1]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.01 }) });
    await trainer.step({ x: [rows(2), rows(20)], y: rows(0) });
    const { data: mean } = model.weights().get('norm.runningMean')!;
    const { data: variance } = model.weights().get('norm.runningVar')!;
    // 0.9 · (0.9 · 0 + 0.1 · 2) + 0.1 · 20, and a variance of 2 by M − 1 twice.
    assert.ok(Math.abs(mean[0]! - 2.18) < 1e-6, `got ${mean[0]}`);
    assert.ok(Math.abs(variance[0]! - (0.81 + 0.09 * 2 + 0.1 * 2)) < 1e-6, `got ${variance[0]}`);
  });

  it('refuses two layers under one name', async () => {
    class Clash extends Layer {
      forward(x: Tensor, scope: Scope): Tensor {
        return scope.call('a', new Linear(2), scope.call('a', new Linear(2), x));
      }
    }
    await assert.rejects(new Clash().predict(array([[1]])), {
      name: 'StateError',
      message: /a name of its own for each layer, got "a" twice/,
    });
  });

  it('refuses parameters under one name, as of a layer called past the scope', () => {
    class Past extends Layer {
      readonly layers: readonly Layer[] = [new Linear(2), new Linear(2)];
      forward(x: Tensor, scope: Scope): Tensor {
        return this.layers.reduce((y, layer) => layer.forward(y, scope), x);
      }
    }
    assert.throws(() => new Past().build([2]), {
      name: 'StateError',
      message: /^Past: "weight": expected a name of its own for each parameter .* call other layers by scope\.call/,
    });
  });

  it('refuses tensors kept from one call of forward for the next', async () => {
    class Keeps extends Layer {
      weight: Tensor | undefined;
      forward(x: Tensor, scope: Scope): Tensor {
        return mul(x, (this.weight ??= scope.parameter('weight', [2], zeros())));
      }
    }
    const model = new Keeps().build([2]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 1 }) });
    const x = array([[1, 2]]);
    await assert.rejects(trainer.step({ x, y: x }), {
      name: 'StateError',
      message: /^Keeps: expected forward to ask for parameter "weight" in training too, .* tensors are of one call only/,
    });
    await assert.rejects(model.predict(x), { name: 'StateError', message: /keep no tensor of one call of forward for the next/ });
  });

  for (const name of ['', 'a.b', undefined]) {
    it(`refuses the name ${name}`, () => {
      class Named extends Layer {
        forward(x: Tensor, scope: Scope): Tensor {
          return scope.call(name!, new Linear(2), x);
        }
      }
      assert.throws(() => new Named().build([2]), { name: 'OptionError', message: /^Named: scope: expected a name that is not empty/ });
    });
  }

  it('predicts the same in batches of any size, a smaller last one included', async () => {
    const { x } = classProblem(50, 6, 2);
    const model = new Sequential([new Linear(8), new ReLU(), new Linear(2)], { seed: 4 });
    const whole = await model.predict(x);
    for (const batchSize of [1, 7, 50, 1000]) assert.deepEqual(await model.predict(x, { batchSize }), whole);
    const together = await Promise.all([model.predict(x), model.predict(x), model.predict(x)]);
    for (const one of together) assert.deepEqual(one, whole);
    await assert.rejects(model.predict(x, { batchSize: 0 }), { name: 'OptionError', message: /batchSize/ });
    await assert.rejects(model.predict([]), { name: 'DataError', message: /at least one array/ });
  });

  it('gives and takes its weights', async () => {
    const make = (seed: number): Sequential => new Sequential([new Linear(3)], { seed });
    const [a, b] = [make(1).build([2]), make(2).build([2])];
    const x = array([[1, 2]]);
    assert.notDeepEqual(await a.predict(x), await b.predict(x));
    b.setWeights(a.weights());
    assert.deepEqual(await a.predict(x), await b.predict(x));
    assert.throws(() => b.setWeights(new Map()), { name: 'StateError', message: /missing "0\.weight", "0\.bias"/ });
    const later = make(3);
    later.setWeights(a.weights());
    assert.deepEqual(await later.predict(x), await a.predict(x));
    assert.throws(() => make(1).weights(), { name: 'StateError', message: /never built/ });
  });

  describe('with strict: false', () => {
    const network = (head: number): Sequential => new Sequential({ body: new Linear(2), head: new Linear(head) }, { seed: head });
    const body = (weights: ReadonlyMap<string, NdArray>): NdArray[] => ['body.weight', 'body.bias'].map((path) => weights.get(path)!);
    const trained = network(3).build([2]).weights();
    const others = new Map([...trained].filter(([path]) => path.startsWith('body')).concat([['old.bias', array([1])]]));

    it('takes the weights whose path it has and leaves the others as they are', () => {
      const model = network(1).build([2]);
      const head = model.weights().get('head.weight');
      model.setWeights(others, { strict: false });
      assert.deepEqual(body(model.weights()), body(trained));
      assert.deepEqual(model.weights().get('head.weight'), head);
    });
    it('does so before the first build too, whose first values the others have; later ones go over earlier ones', async () => {
      const model = network(1);
      const fresh = network(1).build([2]).weights();
      model.setWeights(others, { strict: false });
      model.setWeights(new Map([['body.bias', array([8, 9])]]), { strict: false });
      await assert.rejects(model.predict(array([[1]])), {
        name: 'ShapeError',
        message: /"body.weight" of shape \[1, 2\], got \[2, 2\].*, or leave it out/,
      });
      await model.predict(array([[1, 2]]));
      const weights = model.weights();
      assert.deepEqual(weights.get('body.weight'), trained.get('body.weight'));
      assert.deepEqual([...weights.get('body.bias')!.data], [8, 9]);
      assert.deepEqual(weights.get('head.weight'), fresh.get('head.weight'));
      const replaced = network(3);
      replaced.setWeights(others, { strict: false });
      replaced.setWeights(trained);
      assert.deepEqual(replaced.build([2]).weights(), trained);
    });
    it('sets none if one does not fit, or if no path is one of its own', () => {
      const model = network(1).build([2]);
      const before = model.weights();
      assert.throws(() => model.setWeights(trained, { strict: false }), {
        name: 'ShapeError',
        message:
          'Sequential.setWeights: expected "head.weight" of shape [2, 1], got [2, 3]. Load it into a model of the same sizes, or leave it out.',
      });
      const integers = new Map<string, NdArray>([...others, ['head.bias', array(Int32Array.of(1))]]);
      assert.throws(() => model.setWeights(integers, { strict: false }), {
        name: 'DTypeError',
        message: /expected float32 for "head.bias"/,
      });
      const strangers = new Map([['module.body.bias', array([1, 2])]]);
      const message =
        'Sequential.setWeights: expected at least one of the weights "body.weight", "body.bias", "head.weight", "head.bias", got "module.body.bias". Rename them to the paths of this model.';
      assert.throws(() => model.setWeights(strangers, { strict: false }), { name: 'StateError', message });
      assert.deepEqual(model.weights(), before);
      const later = network(1);
      later.setWeights(strangers, { strict: false });
      assert.throws(() => later.build([2]), { name: 'StateError', message });
    });
    it('is what the strict form recommends, and its only option', () => {
      const model = network(1).build([2]);
      assert.throws(() => model.setWeights(others), {
        name: 'StateError',
        message: /unknown "old.bias".* or with \{ strict: false \} those alone/,
      });
      assert.throws(() => model.setWeights(others, { strict: 0 } as never), { name: 'OptionError', message: /^Sequential.setWeights: expected true or false for strict, got 0/ }); // prettier-ignore
      assert.throws(() => model.setWeights(others, { partial: true } as never), { name: 'OptionError', message: /got partial/ });
    });
  });

  it('describes itself', () => {
    const summary = new Sequential([new Linear(16), new ReLU(), new Linear(2)]).build([3]).summary(4);
    assert.equal(summary.parameters, 3 * 16 + 16 + 16 * 2 + 2);
    assert.deepEqual(
      summary.layers.map(({ layer, output, parameters }) => [layer, output.join(), parameters]),
      [['Linear', '4,16', 64], ['ReLU', '4,16', 0], ['Linear', '4,2', 34], ['Sequential', '4,2', 0]], // prettier-ignore
    );
    assert.ok(summary.flops >= 2 * 4 * (3 * 16 + 16 * 2) && summary.arenaBytes > 0);
    assert.match(summary.toString(), /0 \(Linear\) +\[4, 16\] +64/);
    assert.throws(() => new Linear(1).build([3]).summary(-1), {
      name: 'OptionError',
      message: 'Linear.summary: expected a whole number ≥ 1 for rows, got -1.',
    });
  });

  it('learns the same from bytes as from floats', async () => {
    const { y } = linearProblem(16, 4);
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256);
    const results: number[][] = [];
    for (const data of [bytes, Float32Array.from(bytes)]) {
      const model = new Sequential([new Linear(1)], { seed: 1 });
      await new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 1e-6 }) }).fit(
        { x: array(data, [16, 4]), y },
        { epochs: 3 },
      );
      results.push([...model.weights().get('0.weight')!.data]);
    }
    assert.deepEqual(results[0], results[1]);
  });

  it('names the layer and the position of a label out of range that the host did not see', async () => {
    class Blind extends CrossEntropyLoss {
      override validate(): void {}
    }
    const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new Blind(), optimizer: new SGD() });
    const { x } = classProblem(4, 3, 2);
    await assert.rejects(trainer.fit({ x, y: array(Int32Array.of(0, 1, 7, 0)) }, { shuffle: false }), {
      name: 'DataError',
      message: /index in 0 … 1, got 7 at position 2 in step 0/,
    });
  });

  it('refuses a value of another shape for a buffer or a state, and tensors that are neither', async () => {
    class Wrong extends Layer {
      constructor(readonly put: (scope: Scope, x: Tensor) => void) {
        super();
      }
      forward(x: Tensor, scope: Scope): Tensor {
        this.put(scope, x);
        return x;
      }
    }
    const assigns = new Wrong((scope, x) => scope.assign(scope.buffer('total', [3], zeros()), mean(x, { axes: 1 })));
    await assert.rejects(fitOf(assigns), {
      name: 'ShapeError',
      message: 'fit: Wrong "1": scope.assign: expected a value of shape [3] for buffer "1.total", got [4].',
    });
    await assert.rejects(fitOf(new Wrong((scope, x) => scope.assign(x, x))), {
      name: 'StateError',
      message: 'fit: Wrong "1": scope.assign: expected a tensor that scope.buffer() gave, got another. Keep the result of scope.buffer().',
    });
    const keeps = new Wrong((scope, x) => scope.keep(scope.state('last', [x.shape[0]!, 2]), mean(x, { axes: 1 })));
    assert.throws(() => keeps.build([2, 3]).stream(), {
      name: 'ShapeError',
      message: /scope\.keep: expected a value of shape \[1, 2\] for "last", got \[1, 3\]\./,
    });
    assert.throws(() => new Wrong((scope, x) => scope.keep(x, x)).build([2, 3]).stream(), {
      name: 'StateError',
      message: /scope\.keep: expected a tensor that state\(\) of this scope gave, got another\. Keep the result of scope\.state\(\)\.$/,
    });
  });
});

function fitOf(layer: Layer): Promise<unknown> {
  const model = new Sequential([new Linear(3), layer]);
  const { x } = classProblem(4, 3, 2);
  return new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() }).fit({ x, y: x });
}
