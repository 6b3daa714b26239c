/** Gradients that are looked at, changed or brought together before they update the weights. */
import assert from 'node:assert/strict';
import type { NdArray } from '../../lib/index.js';
import {
  Adam,
  add,
  AdamW,
  CrossEntropyLoss,
  Embedding,
  Flatten,
  Linear,
  MSELoss,
  SGD,
  Sequential,
  Tanh,
  type Tensor,
  Trainer,
  type TrainerOptions,
  array,
  compile,
  gradients,
  matmul,
  mean,
  square,
  sub,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';
import { allNear } from '../support/near.js';
import { classProblem } from '../support/problems.js';
import { float32Error } from '../support/tolerances.js';

const data = classProblem(24, 4, 3);
const part = (begin: number, end: number): typeof data => ({ x: data.x.rows(begin, end), y: data.y.rows(begin, end) });
const make = (options: Partial<TrainerOptions> = {}): readonly [Sequential, Trainer] => {
  const model = new Sequential([new Linear(6), new Tanh(), new Linear(3)], { seed: 1 }).build([4]);
  return [model, new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: 0.05 }), seed: 5, ...options })];
};
type Values = ReadonlyMap<string, NdArray>;
const flat = (values: Values): readonly number[] => [...values.values()].flatMap((value) => [...value.data]);
const mapped = (values: Values, change: (value: number, path: string, i: number) => number): Map<string, NdArray<Float32Array>> =>
  new Map(
    [...values].map(([path, { data: old, shape }]) => [
      path,
      array(
        Float32Array.from(old, (v, i) => change(v, path, i)),
        shape,
      ),
    ]),
  );
const waiting = { update: false } as const;

describe('trainer.gradients', () => {
  it('are those that gradients() gives', async () => {
    const model = new Linear(2).build([3]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() });
    const [x, y] = [sample([5, 3], 1), sample([5, 2], 2)];
    await trainer.step({ x, y }, waiting);
    const weights = model.weights();
    const same = compile((inputs: Tensor, targets: Tensor, weight: Tensor, bias: Tensor) =>
      gradients(mean(square(sub(add(matmul(inputs, weight), bias), targets))), [weight, bias]),
    );
    const expected = await same(x, y, weights.get('weight')!, weights.get('bias')!);
    const found = trainer.gradients();
    allNear(
      [...found.get('weight')!.data, ...found.get('bias')!.data],
      expected.flatMap(({ data }) => [...data]),
      float32Error(8),
    );
  });
  it('of parameters without one are left out, and changing them changes nothing', async () => {
    const [model, trainer] = make({ frozen: ['0'] });
    await trainer.step(part(0, 8), waiting);
    const found = trainer.gradients();
    assert.deepEqual([...found.keys()], ['2.weight', '2.bias']);
    found.get('2.bias')!.data.fill(100);
    const [same, other] = make({ frozen: ['0'] });
    await trainer.update();
    await other.step(part(0, 8));
    allNear(flat(model.weights()), flat(same.weights()), float32Error(64));
  });
  it('are refused where none wait, and so is an update', async () => {
    const [, trainer] = make();
    const message = 'expected gradients that wait for an update, got none. Call step(batch, { update: false }) first.';
    assert.throws(() => trainer.gradients(), { name: 'StateError', message: `Trainer.gradients: ${message}` });
    await assert.rejects(trainer.update(), { name: 'StateError', message: `update: ${message}` });
    await trainer.step(part(0, 8));
    assert.throws(() => trainer.gradients(), { name: 'StateError' });
  });
});

describe('gradients that wait', () => {
  const bad = { x: array(new Float32Array(8 * 4).fill(NaN), [8, 4]), y: data.y.rows(0, 8) };
  const plain = async (): Promise<Values> => {
    const [model, trainer] = make();
    await trainer.step(part(0, 8));
    return model.weights();
  };

  it('are forgotten by zeroGradients', async () => {
    const [model, trainer] = make();
    trainer.zeroGradients();
    await trainer.step(bad, waiting);
    trainer.zeroGradients();
    assert.throws(() => trainer.gradients(), { name: 'StateError', message: /got none/ });
    await trainer.step(part(0, 8));
    assert.deepEqual(model.weights(), await plain());
    assert.equal(trainer.updates, 1);
  });

  it('are left by no fit that was aborted, and kept by one that was refused', async () => {
    const [model, trainer] = make();
    const abort = new AbortController();
    function* batches(): Generator<typeof data> {
      yield part(8, 16);
      yield bad;
      abort.abort(new Error('enough'));
      yield part(16, 24);
    }
    await assert.rejects(trainer.fit(batches, { accumulate: 4, signal: abort.signal }), { message: 'enough' });
    assert.throws(() => trainer.gradients(), { name: 'StateError' });
    await trainer.step(part(0, 8));
    assert.deepEqual(model.weights(), await plain());
    await trainer.step(part(0, 8), waiting);
    const before = trainer.gradients();
    await assert.rejects(trainer.fit({ x: data.x, y: data.y.rows(0, 3) }), { name: 'ShapeError' });
    assert.deepEqual(trainer.gradients(), before);
  });

  it('are not read or forgotten while a step is on its way', async () => {
    const [, trainer] = make();
    await trainer.step(part(0, 8), waiting);
    const before = trainer.gradients();
    const step = trainer.step(part(8, 16), waiting);
    for (const call of ['gradients', 'zeroGradients'] as const)
      assert.throws(() => trainer[call](), {
        name: 'StateError',
        message: `Trainer.${call}: expected no step to be running, got one. Await the fit, or call it from a callback.`,
      });
    await step;
    assert.notDeepEqual(trainer.gradients(), before);
  });
});

describe('trainer.update', () => {
  it('has the bits of steps that end in an update, called at the same time or not', async () => {
    const [model, trainer] = make({ gradientNorm: true });
    await trainer.step(part(0, 8), waiting);
    const { gradientNorm } = await trainer.step(part(8, 20));
    const [same, other] = make({ gradientNorm: true });
    const [, , figures] = await Promise.all([other.step(part(0, 8), waiting), other.step(part(8, 20), waiting), other.update()]);
    assert.deepEqual(figures, { gradientNorm });
    assert.deepEqual(flat(same.weights()), flat(model.weights()));
    assert.deepEqual([other.steps, other.updates], [2, 1]);
  });
  for (const [name, options] of [
    ['Adam', {}],
    ['clipping', { optimizer: new SGD({ lr: 0.5 }), clipNorm: 0.1 }],
    ['groups', { groups: [{ parameters: ['0'], optimizer: new AdamW() }] }],
  ] as const) {
    it(`trains on the parts of a batch in several processes as on the whole: ${name}`, async () => {
      const [whole, single] = make(options);
      const parts = [part(0, 6), part(6, 24)].map((batch) => ({ batch, trainer: make(options) }));
      for (let step = 0; step < 3; step++) {
        await single.step(data);
        const found: Values[] = [];
        for (const { batch, trainer } of parts) {
          await trainer[1].step(batch, waiting);
          found.push(trainer[1].gradients());
        }
        const together = mapped(found[0]!, (g, path, i) => (6 * g + 18 * found[1]!.get(path)!.data[i]!) / 24);
        for (const { trainer } of parts) await trainer[1].update(together);
      }
      const [first, second] = parts.map(({ trainer }) => flat(trainer[0].weights()));
      assert.deepEqual(first, second);
      allNear(first!, flat(whole.weights()), float32Error(128));
    });
  }
  it('goes to where the loss is flat: sharpness-aware minimisation', async () => {
    // w + ρ·g/‖g‖, then the gradient there updates w: for ½w² on one row the step is lr·(w + ρ·sign(w)).
    const model = new Linear(1, { bias: false }).build([1]);
    model.setWeights(new Map([['weight', array([[2]])]]));
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.25 }) });
    const batch = { x: array([[1]]), y: array([[0]]) };
    await trainer.step(batch, waiting);
    assert.deepEqual([...trainer.gradients().get('weight')!.data], [4]);
    model.setWeights(new Map([['weight', array([[2.5]])]]));
    await trainer.update(trainer.gradients()); // forgets them: the rate would move the weight
    model.setWeights(new Map([['weight', array([[2.5]])]]));
    await trainer.step(batch, waiting);
    model.setWeights(new Map([['weight', array([[2]])]]));
    await trainer.update();
    assert.deepEqual([...model.weights().get('weight')!.data], [2 - 0.25 * 5]);
  });
  it('takes gradients before any step, keeps what has none, and takes them as they are when called', async () => {
    const [model, trainer] = make({ optimizer: new SGD({ lr: 0.5 }), gradientNorm: true });
    const before = model.weights();
    const bias = array(Float32Array.of(1, 2, 2));
    const update = trainer.update(new Map([['2.bias', bias]]));
    bias.data.fill(NaN);
    assert.deepEqual(await update, { gradientNorm: 3 });
    const expected = mapped(before, (value, path, i) => (path === '2.bias' ? value - 0.5 * [1, 2, 2][i]! : value));
    assert.deepEqual(flat(model.weights()), flat(expected));
    assert.deepEqual([trainer.steps, trainer.updates], [0, 1]);
  });
  it('leaves rows of a sparse table alone whose gradient is zero', async () => {
    const model = new Sequential([new Embedding(5, 2, { sparse: true }), new Flatten(), new Linear(3)], { seed: 1 });
    model.predictSync(array(Int32Array.of(0), [1, 1]));
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new AdamW({ lr: 0.1 }) });
    const before = model.weights().get('0.weight')!.data;
    const table = array(Float32Array.from({ length: 10 }, (_, i) => (i >> 1 === 3 ? 1 : 0)), [5, 2]); // prettier-ignore
    await trainer.update(new Map([['0.weight', table]]));
    model
      .weights()
      .get('0.weight')!
      .data.forEach((value, i) => assert.equal(value !== before[i], i >> 1 === 3, `element ${i}`));
  });

  const bias = new Float32Array(3);
  const detached = array(new Float32Array(3));
  structuredClone(detached.data.buffer, { transfer: [detached.data.buffer] });
  for (const [what, given, name, message] of [
    ['other paths', new Map([['3.bias', array(bias)]]), 'OptionError', /^update: expected gradients of parameters that are trained, of "2\.weight", "2\.bias", got one of "3\.bias"\.$/], // prettier-ignore
    ['what is frozen', new Map([['0.bias', array(new Float32Array(6))]]), 'OptionError', /got one of "0\.bias"\.$/],
    ['none', new Map(), 'OptionError', /got none\.$/],
    ['other shapes', new Map([['2.bias', array(bias, [1, 3])]]), 'ShapeError', /^update: expected a gradient \[3\] of "2\.bias", got \[1, 3\]\. Give it the shape of the parameter\.$/], // prettier-ignore
    [
      'other types',
      new Map([['2.bias', array(new Int32Array(3))]]),
      'DTypeError',
      /^update: expected a float32 gradient of "2\.bias", got int32\.$/,
    ],
    [
      'detached buffers',
      new Map([['2.bias', detached]]),
      'StateError',
      /^update: expected 3 elements for "2\.bias" of shape \[3\], got 0: its buffer was detached/,
    ],
    ['what is no map', { '2.bias': array(bias) }, 'OptionError', /^update: expected .* for gradients, got \{ '2\.bias': NdArray/],
  ] as const) {
    it(`refuses ${what}, and changes nothing`, async () => {
      const [model, trainer] = make({ frozen: ['0'] });
      const before = flat(model.weights());
      await trainer.step(part(0, 8), waiting);
      await assert.rejects(trainer.update(given as Values), { name, message });
      assert.deepEqual(flat(model.weights()), before);
      await trainer.update();
      assert.equal(trainer.updates, 1);
    });
  }
});
