import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  Callback,
  Layer,
  Linear,
  Loss,
  MSELoss,
  type NdArray,
  Philox,
  ReLU,
  SGD,
  type Scope,
  Sequential,
  Sigmoid,
  StateError,
  type Tensor,
  Trainer,
  array,
  mean,
  sub,
} from '../../lib/index.js';

const z = array(new Philox(1).normal(20), [10, 2]);
const y = array(new Philox(2).normal(10), [10, 1]);

/** Trains a critic within a model around it. */
class Judging extends Layer {
  constructor(readonly critic: Layer) {
    super();
  }
  forward(x: Tensor, scope: Scope): Tensor {
    return scope.call('critic', this.critic, x);
  }
}

/** What a critic says. */
class JudgedBy extends Loss {
  constructor(readonly critic: Layer) {
    super();
  }
  forward(x: Tensor): Tensor {
    return mean(this.critic.outputOf(x));
  }
}

interface Options {
  readonly x?: NdArray;
  readonly frozen?: readonly string[];
}

type Step = () => Promise<number>;

/** Steps of a trainer of the model. */
function stepsOf(model: Layer, loss: Loss, lr: number, { x = z, frozen = [] }: Options = {}): Step {
  const trainer = new Trainer(model, { loss, optimizer: new SGD({ lr }), frozen });
  return async () => (await trainer.step({ x, y })).loss;
}

const judged = (critic: Layer, generator: Layer = new Linear(2)): Step => stepsOf(generator, new JudgedBy(critic), 0);
const judging = (model: Layer, options: Options = {}): Step => stepsOf(model, new MSELoss(), 0.5, options);
const critics = (): Sequential => new Sequential([new Linear(1)]);

const refused = {
  name: StateError.name,
  message:
    'Sequential.outputOf: expected weights of which no other model trains a copy, got a Linear that another, a Judging, has trained as its "critic.0", while it stays as it is here. If it should stay so, call Sequential.setWeights(Sequential.weights()) once. If it should be trained, build the model that has it as "critic.0" before the model asked is set, loaded, trained or asked for outputOf: then they have the same.',
};

const keepAsItIs = (critic: Layer): unknown => critic.setWeights(critic.weights());
const weightOf = (model: Layer, path: string): NdArray => model.weights().get(path)!;

/** Waits until nobody has these any more. */
async function collected(objects: readonly WeakRef<object>[]): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 50 && objects.some((object) => object.deref() !== undefined); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  for (const object of objects) assert.equal(object.deref(), undefined);
}

describe('a model trained by the output of another, of which a third trains a copy', () => {
  it('is refused from then on, if the other was asked before the third was built', async () => {
    const critic = critics().build([2]);
    const [generate, judge] = [judged(critic), judging(new Judging(critic))];
    await generate();
    await judge();
    await assert.rejects(generate(), refused);
  });

  it('is refused, if the other was set before the third was built', async () => {
    const critic = critics().build([2]);
    keepAsItIs(critic);
    const [generate, judge] = [judged(critic), judging(new Judging(critic))];
    await judge();
    await assert.rejects(generate(), refused);
  });

  it('is refused in the next epoch of a fit', async () => {
    const critic = critics().build([2]);
    const judge = judging(new Judging(critic));
    const trainer = new Trainer(new Linear(2), { loss: new JudgedBy(critic), optimizer: new SGD() });
    class BetweenEpochs extends Callback {
      override async onEpoch(): Promise<void> {
        await judge();
      }
    }
    await assert.rejects(trainer.fit({ x: z, y: {} }, { epochs: 3, callbacks: [new BetweenEpochs()] }), refused);
    assert.equal(trainer.epochs, 1);
  });

  it('is refused where that is called in forward', async () => {
    const critic = critics().build([2]);
    class Scaled extends Layer {
      readonly scale: Linear = new Linear(1);
      forward(x: Tensor, scope: Scope): Tensor {
        return scope.call('scale', this.scale, critic.outputOf(x));
      }
    }
    const [scale, judge] = [judging(new Scaled()), judging(new Judging(critic))];
    await scale();
    await judge();
    await assert.rejects(scale(), refused);
  });

  it('goes on by the weights there are, once they are set', async () => {
    const critic = critics().build([2]);
    const [generate, judge] = [judged(critic), judging(new Judging(critic))];
    const before = await generate();
    await judge();
    keepAsItIs(critic);
    assert.equal(await generate(), before);
    await judge();
    await assert.rejects(generate(), refused);
  });

  it('follows the critic in a model that was built first, also when the critic is loaded', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    try {
      await critics().build([2]).save(join(folder, 'critic'));
      const critic = critics();
      const whole = new Judging(critic).build([2]);
      await critic.load(join(folder, 'critic'));
      const [generate, judge] = [judged(critic), judging(whole)];
      const losses = [await generate()];
      for (let round = 0; round < 2; round++) {
        await judge();
        losses.push(await generate());
      }
      assert.equal(new Set(losses).size, 3, losses.join());
      assert.deepEqual(weightOf(critic, '0.weight'), weightOf(whole, 'critic.0.weight'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('goes on where the copy is frozen, or only set', async () => {
    const critic = critics().build([2]);
    const model = new Sequential({ critic, head: new Linear(1) });
    const generate = judged(critic);
    const before = await generate();
    await judging(model, { frozen: ['critic'] })();
    assert.equal(await generate(), before);
    model.setWeights(model.weights());
    assert.equal(await generate(), before);
  });

  it('goes on where other parts are trained elsewhere, or layers without weights', async () => {
    const [encoder, decoder, relu] = [new Linear(2), new Linear(2), new ReLU()];
    const autoencoder = new Sequential({ encoder, relu, decoder, out: new Linear(1) });
    await judging(autoencoder)();
    const generate = judged(decoder);
    const before = await generate();
    await judging(new Sequential([encoder, relu, new Linear(1)]))();
    assert.equal(await generate(), before);
    const rectified = new Sequential([new Linear(1), relu]).build([2]);
    await judged(rectified)();
    await judging(new Sequential([new Linear(1), relu]))();
    await judged(rectified)();
  });

  it('is refused where the other has a copy, too, that was never trained', async () => {
    const critic = critics().build([2]);
    keepAsItIs(critic);
    const scored = new Sequential([critic, new Sigmoid()]).build([2]);
    const [generate, judge] = [judged(scored), judging(new Judging(critic))];
    await generate();
    await judge();
    await assert.rejects(generate(), refused);
    keepAsItIs(scored);
    await generate();
  });

  it('is refused whichever of two models it asks last, one of them with a copy it trained', async () => {
    const critic = critics().build([2]);
    keepAsItIs(critic);
    const tuned = new Judging(critic);
    await judging(tuned)();
    class JudgedByBoth extends Loss {
      forward(x: Tensor): Tensor {
        return mean(sub(critic.outputOf(x), tuned.outputOf(x)));
      }
    }
    await assert.rejects(stepsOf(new Linear(2), new JudgedByBoth(), 0)(), refused);
    keepAsItIs(critic);
    await stepsOf(new Linear(2), new JudgedByBoth(), 0)();
  });

  it('goes on where the copy has the same values: its gradients alone were asked for, or it was set back', async () => {
    const critic = critics().build([2]);
    keepAsItIs(critic);
    const model = new Judging(critic);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.5 }) });
    const generate = judged(critic);
    await trainer.step({ x: z, y }, { update: false });
    await generate();
    await trainer.step({ x: z, y });
    await assert.rejects(generate(), refused);
    model.setWeights(new Map([...critic.weights()].map(([path, value]) => [`critic.${path}`, value])));
    await generate();
    await judging(new Sequential([critic]))();
    await trainer.step({ x: z, y }, { update: false });
    await assert.rejects(generate(), refused);
  });

  it('reads both models once to see that they are the same, until one of them changes', async () => {
    const critic = new Sequential([new Linear(2), new Linear(1)]).build([2]);
    keepAsItIs(critic);
    const model = new Judging(critic);
    const [generate, judge] = [judged(critic), stepsOf(model, new MSELoss(), 0)];
    await generate();
    await judge();
    let reads = 0;
    for (const read of [critic.model, model.model]) {
      const values = read.values.bind(read);
      read.values = () => (reads++, values());
    }
    const readsOf = async (step: Step): Promise<number> => {
      reads = 0;
      await step();
      return reads;
    };
    assert.deepEqual([await readsOf(generate), await readsOf(generate)], [2, 0]);
    await judge();
    assert.deepEqual([await readsOf(generate), await readsOf(generate)], [2, 0]);
    model.setWeights(model.weights());
    assert.deepEqual([await readsOf(generate), await readsOf(generate)], [2, 0]);
    await judging(model)();
    await assert.rejects(generate(), refused);
  });

  it('lets the third go: what it trained is refused still, unless it was seen to be the same', async () => {
    const train = async (critic: Layer, lr: number, then: Step): Promise<WeakRef<object>> => {
      const model = new Judging(critic);
      await stepsOf(model, new MSELoss(), lr)();
      await then().catch(() => undefined);
      return new WeakRef(model.model);
    };
    const kept = [critics().build([2]), critics().build([2])] as const;
    kept.forEach(keepAsItIs);
    const [generate, alike] = [judged(kept[0]), judged(kept[1])];
    const gone = [await train(kept[0], 0.5, generate), await train(kept[1], 0, alike)];
    await collected(gone);
    await assert.rejects(generate(), refused);
    await alike();
    await judged(kept[1])();
  });

  it('goes on by a copy that the other trained itself: a teacher fine-tuned from a body that further ones have', async () => {
    const body = new Sequential([new Linear(4)]);
    await judging(new Sequential([body, new Linear(1)]))();
    const teachers = [0, 1].map(() => new Sequential([body, new Linear(1)]));
    for (const teacher of teachers) await judging(teacher)();
    for (const teacher of teachers) await judged(teacher)();
    await judging(teachers[0]!)();
    for (const teacher of teachers) await judged(teacher)();
  });

  it('goes on where an actor asks the critic that is trained beside the one it was taken from', async () => {
    const target = critics().build([2]);
    keepAsItIs(target);
    const online = new Sequential({ q: target });
    const [learn, act] = [judging(online), judged(online)];
    await learn();
    const before = await act();
    await learn();
    assert.notEqual(await act(), before);
  });

  it('goes on where it trains the copy itself, away from what it began with', async () => {
    const critic = critics().build([1]);
    keepAsItIs(critic);
    const model = new Judging(critic);
    const step = stepsOf(model, new JudgedBy(critic), 0.1, { x: y });
    for (let round = 0; round < 3; round++) await step();
    assert.notDeepEqual(weightOf(model, 'critic.0.weight'), weightOf(critic, '0.weight'));
  });
});

describe('outputOf of the model that is trained, in its own loss', () => {
  it('is refused where nothing else would train it: its weights are constants', async () => {
    const critic = critics().build([2]);
    class OfTargets extends Loss {
      forward(_prediction: Tensor, target: Tensor): Tensor {
        return mean(critic.outputOf(target));
      }
    }
    const trainer = new Trainer(critic, { loss: new OfTargets(), optimizer: new SGD() });
    await assert.rejects(trainer.step({ x: z, y: z }), {
      name: StateError.name,
      message: /nor has outputOf\(\) any by its weights: call layers by scope.call\(\) in forward\.$/,
    });
  });
});
