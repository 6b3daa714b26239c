/** Parameters that the loss does not depend on are left alone, as in PyTorch, where their grad is None. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adam,
  AdamW,
  Embedding,
  Flatten,
  Layer,
  Linear,
  Losses,
  MSELoss,
  type Optimizer,
  Philox,
  RMSprop,
  SGD,
  type Scope,
  Tanh,
  type Targets,
  type Tensor,
  Trainer,
  type TrainerOptions,
  add,
  array,
  l2,
  mul,
  ones,
  readSafetensors,
  stopGradient,
  zeros,
} from '../../lib/index.js';

type Heads = { readonly a: Tensor; readonly b: Tensor };
type Values = ReadonlyMap<string, { readonly data: ArrayLike<number> }>;

/** Two heads on a body whose units a constant to the gradients scales: in memory it lies between what is trained. */
class TwoHeads extends Layer<[Tensor], Heads> {
  override readonly seed: number = 3;
  forward(x: Tensor, scope: Scope): Heads {
    const h = scope.call('act', new Tanh(), scope.call('body', this.body, x));
    const scaled = mul(h, stopGradient(scope.parameter('scale', [5], ones())));
    return { b: scope.call('b', this.b, scaled), a: scope.call('a', this.a, scaled) };
  }
  readonly body: Linear = new Linear(5);
  readonly b: Linear = new Linear(2, { biasInit: ones() });
  readonly a: Linear = new Linear(1);
}

const unreached = ['scale', 'b.weight', 'b.bias'];
const rows = 32;
const numbers = (width: number, seed: number): ReturnType<typeof array> => array(new Philox(seed).normal(rows * width), [rows, width]);
const x = numbers(3, 1);
const y: Targets = { a: numbers(1, 2), b: numbers(2, 3) };

async function trained(options: Partial<TrainerOptions<Heads>>): Promise<{ before: Values; after: Values; trainer: Trainer<Heads> }> {
  const model = new TwoHeads().build([3]);
  const before = model.weights();
  const trainer = new Trainer(model, { loss: new Losses({ a: new MSELoss() }), optimizer: new AdamW(), ...options });
  await trainer.fit({ x, y }, { epochs: 3, batchSize: 8 });
  return { before, after: model.weights(), trainer };
}

const changed = (before: Values, after: Values): readonly string[] =>
  [...before].flatMap(([path, { data }]) => (Array.from(data).every((value, i) => value === after.get(path)!.data[i]) ? [] : [path]));

const optimizers: Readonly<Record<string, () => Optimizer>> = {
  AdamW: () => new AdamW({ lr: 0.01, weightDecay: 0.1 }),
  Adam: () => new Adam({ lr: 0.01, weightDecay: 0.1 }),
  RMSprop: () => new RMSprop({ lr: 0.01, weightDecay: 0.1 }),
  SGD: () => new SGD({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 }),
};

describe('parameters that no gradient reaches', () => {
  for (const [name, optimizer] of Object.entries(optimizers)) {
    it(`keep their values under ${name} with decay, and the others become what they become beside frozen ones`, async () => {
      const clipped = { clipNorm: 0.5, clipValue: 0.2 };
      const { before, after } = await trained({ optimizer: optimizer(), ...clipped });
      assert.deepEqual(changed(before, after), ['body.weight', 'body.bias', 'a.weight', 'a.bias']);
      assert.deepEqual(after, (await trained({ optimizer: optimizer(), ...clipped, frozen: ['b', 'scale'] })).after);
    });
  }

  it('keep the state of the optimizer, also where another loss gave them one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    try {
      const [first, second] = [join(folder, 'first'), join(folder, 'second')];
      const optimizer = (): Optimizer => new Adam({ lr: 0.01 });
      const { trainer } = await trained({ optimizer: optimizer(), loss: new Losses({ b: new MSELoss() }) });
      await trainer.save(first);
      const model = new TwoHeads();
      const next = new Trainer(model, { optimizer: optimizer(), loss: new Losses({ a: new MSELoss() }) });
      await next.load(first);
      const before = model.weights();
      await next.fit({ x, y }, { batchSize: 8 });
      await next.save(second);
      const [old, now] = await Promise.all([readSafetensors(first), readSafetensors(second)]);
      for (const name of ['optimizer.m', 'optimizer.v']) {
        const [was, is] = [old, now].map(({ tensors }) => tensors.get(name)!.data) as [Float32Array, Float32Array];
        for (const { path, shape, offset } of model.model.layout.parameters) {
          const [of, into] = [was, is].map((values) => values.subarray(offset, offset + shape.reduce((a, b) => a * b))) as [Float32Array, Float32Array]; // prettier-ignore
          assert.equal(of.every((value, i) => value === into[i]), unreached.includes(path), `${name} of ${path}`); // prettier-ignore
          assert.equal(of.some((value) => value !== 0), !path.startsWith('a.') && path !== 'scale', `${name} of ${path}`); // prettier-ignore
        }
      }
      assert.deepEqual(changed(before, model.weights()), ['body.weight', 'body.bias', 'a.weight', 'a.bias']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are resumed from a checkpoint to the same bits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    try {
      const { trainer, after } = await trained({});
      await trainer.save(join(folder, 'half'));
      const resumed = new Trainer(new TwoHeads(), { loss: new Losses({ a: new MSELoss() }), optimizer: new AdamW() });
      await resumed.load(join(folder, 'half'));
      await Promise.all([trainer, resumed].map(async (one) => one.step({ x, y })));
      const [straight, again] = await Promise.all([trainer, resumed].map(async (one) => one.predict(x)));
      assert.deepEqual(again, straight);
      assert.notDeepEqual(after.get('a.weight')!.data, new Float32Array(5));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('may be all that a group has', async () => {
    const groups = [{ parameters: ['b'], optimizer: new SGD({ lr: 0.1, momentum: 0.5, weightDecay: 0.1 }) }];
    const { before, after } = await trained({ groups });
    assert.deepEqual(changed(before, after), ['body.weight', 'body.bias', 'a.weight', 'a.bias']);
    assert.deepEqual(after, (await trained({})).after);
  });

  it('count nothing in the norm of the gradients', async () => {
    const norms = await Promise.all(
      [{}, { frozen: ['b', 'scale'] }].map(async (options) => {
        const { trainer } = await trained({ ...options, gradientNorm: true });
        return (await trainer.step({ x, y })).gradientNorm;
      }),
    );
    assert.ok(norms[0]! > 0);
    assert.equal(norms[0], norms[1]);
  });

  it('are reached by a penalty, and then by the decay of the optimizer', async () => {
    const { before, after } = await trained({ optimizer: new SGD({ lr: 0.1 }), penalties: [l2(0.5)] });
    assert.deepEqual(changed(before, after), ['body.weight', 'body.bias', 'b.weight', 'a.weight', 'a.bias']);
    const keep = (1 - 0.1 * 2 * 0.5) ** 12;
    Array.from(before.get('b.weight')!.data).forEach((w, i) =>
      assert.ok(Math.abs(after.get('b.weight')!.data[i]! - w * keep) < 1e-6, `element ${i}`),
    );
    const decayed = await trained({ optimizer: new SGD({ lr: 0.1, weightDecay: 0.5 }), penalties: [l2(0.5)] });
    assert.deepEqual(changed(before, decayed.after), changed(before, after));
    assert.notDeepEqual(decayed.after.get('b.weight'), after.get('b.weight'));
  });

  it('are trained as before where the loss depends on them with a weight of 0', async () => {
    const loss = new Losses({ a: new MSELoss(), b: new MSELoss() }, { weights: { b: 0 } });
    const { before, after } = await trained({ loss });
    assert.deepEqual(changed(before, after), ['body.weight', 'body.bias', 'b.weight', 'b.bias', 'a.weight', 'a.bias']);
  });

  it('may be a table that is updated by rows', async () => {
    class Words extends Layer<[Tensor], Heads> {
      readonly words: Embedding = new Embedding(500, 2);
      readonly head: Linear = new Linear(1);
      forward(ids: Tensor, scope: Scope): Heads {
        const b = scope.call('flat', new Flatten(), scope.call('words', this.words, ids));
        return { a: scope.call('head', this.head, add(scope.parameter('first', [2, 2], zeros()), 1)), b };
      }
    }
    for (const optimizer of [new SGD({ lr: 0.1 }), new AdamW()]) {
      const model = new Words().build([2], { dtypes: ['int32'] });
      const before = model.weights();
      const trainer = new Trainer(model, { loss: new Losses({ a: new MSELoss() }), optimizer });
      await trainer.step({ x: array(Int32Array.of(1, 2, 3, 4), [2, 2]), y: { a: array([[1], [2]]) } });
      assert.deepEqual(changed(before, model.weights()), ['first', 'head.weight', 'head.bias']);
    }
  });
});
