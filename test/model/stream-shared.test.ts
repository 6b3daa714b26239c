/** Several streams of one model: one program, a state each. */
import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { CrossAttention, GRU, LSTM, Layer, Linear, MultiHeadAttention, type Scope, Sequential } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';

/** Counts how often it is traced. */
class Counting extends Layer<[x: Tensor] | [x: Tensor, memory: Tensor]> {
  traces = 0;
  readonly body = new Sequential([new LSTM(4), new MultiHeadAttention(2, { causal: true, context: 3 }), new Linear(2)], { seed: 1 });
  readonly cross = new CrossAttention(1);

  forward(...args: [Tensor, Scope] | [Tensor, Tensor, Scope]): Tensor {
    this.traces++;
    const [x, memory, scope] = args.length === 3 ? args : ([args[0], undefined, args[1]] as const);
    const y = scope.call('body', this.body, x);
    return memory === undefined ? y : scope.call('cross', this.cross, y, memory);
  }
}

const step = (seed: number, rows = 1): NdArray<Float32Array> => sample([rows, 3], seed);

describe('streams of one model', () => {
  it('are compiled once for the same rows and given types', () => {
    const model = new Counting().build([[5, 3], [4, 2]]); // prettier-ignore
    const tracesOf = (make: () => unknown): number => {
      const before = model.traces;
      make();
      return model.traces - before;
    };
    const given = [sample([1, 4, 2])];
    const once = tracesOf(() => model.stream({ given }));
    assert.equal(once, 2, 'one step, and two');
    assert.equal(tracesOf(() => [model.stream({ given }), model.stream({ rows: 1, given: [sample([1, 4, 2], 2)] })]), 0); // prettier-ignore
    assert.equal(tracesOf(() => model.stream({ given: [sample([1, 5, 2])] })), once); // prettier-ignore
    assert.equal(tracesOf(() => model.stream({ given, rows: 1 })), 0); // prettier-ignore
    assert.equal(tracesOf(() => model.stream({ rows: 2, given: [sample([2, 4, 2])] })), 1, 'compared before'); // prettier-ignore
  });

  it('take turns without a trace of one another, each with what it is given', () => {
    const model = new Counting().build([[5, 3], [4, 2]]); // prettier-ignore
    const givens = [1, 2, 3].map((seed) => [sample([1, 4, 2], seed)]);
    const alone = givens.map((given, n) => {
      const stream = model.stream({ given });
      return [0, 1, 2, 3, 4].map((t) => stream.step(step(10 * n + t)));
    });
    const streams = givens.map((given) => model.stream({ given }));
    for (const t of [0, 1, 2, 3, 4]) streams.forEach((stream, n) => assert.deepEqual(stream.step(step(10 * n + t)), alone[n]![t]));
    streams[1]!.reset();
    assert.deepEqual(streams[1]!.step(step(10)), alone[1]![0]);
    assert.notDeepEqual(streams[0]!.state(), streams[2]!.state());
    streams[0]!.setState(streams[2]!.state());
    assert.deepEqual(streams[0]!.state(), streams[2]!.state());
    streams[0]!.reset(givens[2]);
    assert.deepEqual(streams[0]!.step(step(20)), alone[2]![0]);
  });

  it('go on while one is refused a step', () => {
    const model = new Sequential([new GRU(2)]).build([4, 3]);
    const [one, two] = [model.stream(), model.stream()];
    const first = one.step(step(1));
    assert.throws(() => one.step(step(2, 2)), { name: 'ShapeError' });
    assert.deepEqual(two.step(step(1)), first);
  });

  it('see new weights, those of before and those made after', async () => {
    const model = new Sequential([new GRU(2)]).build([4, 3]);
    const before = model.stream();
    const first = before.step(step(1));
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 1 }) });
    await trainer.step({ x: sample([1, 4, 3]), y: sample([1, 4, 2], 9) });
    before.reset();
    const second = model.stream().step(step(1));
    assert.notDeepEqual(second, first);
    assert.deepEqual(before.step(step(1)), second);
    model.setWeights(new Sequential([new GRU(2)], { seed: 5 }).build([4, 3]).weights());
    before.reset();
    assert.deepEqual(before.step(step(1)), model.stream().step(step(1)));
    assert.notDeepEqual(model.stream().step(step(1)), second);
  });

  it('of a part, and of the whole it belongs to', async () => {
    const part = new Sequential([new GRU(2)]);
    const whole = new Sequential({ part, head: new Linear(1) });
    await whole.predict(sample([1, 4, 3]));
    const y = part.stream().step(step(1));
    whole.stream().step(step(1));
    assert.deepEqual(part.stream().step(step(1)), y);
    assert.deepEqual(y.data, part.predictSync(array(step(1).data, [1, 1, 3])).data);
  });
});
