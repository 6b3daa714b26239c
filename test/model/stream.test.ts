import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import {
  AdaptiveAvgPool2d,
  AvgPool1d,
  AvgPool2d,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  DepthwiseConv2d,
  Flatten,
  GRU,
  GlobalAvgPool2d,
  GlobalMaxPool2d,
  GroupNorm,
  InstanceNorm,
  LSTM,
  LastStep,
  Layer,
  Linear,
  LogSoftmax,
  MaxOverTime,
  MaxPool1d,
  MaxPool2d,
  MeanOverTime,
  Pad,
  RNN,
  type Scope,
  Sequential,
  Softmax,
  Tanh,
  Upsample2d,
} from '../../lib/layers/index.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { oneHot } from '../../lib/ops/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';

/** ids [N, T] → one-hot rows [N, T, 5] */
class OneHot extends Layer {
  forward(x: Tensor): Tensor {
    return oneHot(x, 5);
  }
}

const network = (): Sequential =>
  new Sequential({ first: new LSTM(4), bend: new Tanh(), second: new GRU(3, { numLayers: 2 }), third: new RNN(3), head: new Linear(2) });
const x = sample([2, 6, 3]);
const step = (time: number): ReturnType<typeof array<Float32Array>> =>
  array(Float32Array.from([0, 1].flatMap((n) => [...x.data.slice((n * 6 + time) * 3, (n * 6 + time + 1) * 3)])), [2, 3]);

describe('a stream', () => {
  it('gives step by step what predict gives for whole sequences', async () => {
    const model = network().build([6, 3]);
    const whole = await model.predict(x);
    const stream = model.stream({ rows: 2 });
    for (const pass of [1, 2]) {
      for (let time = 0; time < 6; time++) {
        const y = stream.step(step(time));
        assert.deepEqual(y.shape, [2, 2]);
        for (const n of [0, 1]) {
          // Products of other heights add in the same order: the same bits.
          assert.deepEqual(
            y.data.slice(n * 2, n * 2 + 2),
            whole.data.slice((n * 6 + time) * 2, (n * 6 + time + 1) * 2),
            `pass ${pass}, step ${time}`,
          );
        }
      }
      stream.reset();
    }
  });

  it('takes ids', async () => {
    const model = new Sequential([new OneHot(), new LSTM(3)]).build([4], { dtypes: ['int32'] });
    const ids = Int32Array.of(3, 1, 4, 1);
    const whole = await model.predict(array(ids, [1, 4]));
    const stream = model.stream();
    ids.forEach((id, time) => assert.deepEqual(stream.step(array(Int32Array.of(id))).data, whole.data.slice(time * 3, time * 3 + 3)));
  });

  it('goes on from a state that was read before', () => {
    const stream = network().build([6, 3]).stream({ rows: 2 });
    stream.step(step(0));
    const state = stream.state();
    assert.deepEqual(
      [...state].map(([name, { shape }]) => [name, ...shape]),
      [['first.h0', 2, 4], ['first.c0', 2, 4], ['second.h0', 2, 3], ['second.h1', 2, 3], ['third.h0', 2, 3]], // prettier-ignore
    );
    const next = stream.step(step(1));
    stream.step(step(2));
    stream.setState(state);
    assert.deepEqual(stream.step(step(1)), next);
  });

  it('sees new weights', async () => {
    const model = new Sequential([new LSTM(3)]).build([6, 3]);
    const stream = model.stream({ rows: 2 });
    const before = stream.step(step(0));
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 1 }) });
    await trainer.step({ x, y: sample([2, 6, 3], 9) });
    stream.reset();
    const after = stream.step(step(0));
    assert.notDeepEqual(after, before);
    assert.deepEqual(after.data.slice(0, 3), (await model.predict(x)).data.slice(0, 3));
  });

  it('the last state is an output too', () => {
    const stream = new Sequential([new LSTM(3, { returnSequences: false }), new Linear(1)]).build([6, 3]).stream({ rows: 2 });
    assert.deepEqual(stream.step(step(0)).shape, [2, 1]);
  });

  it('takes layers that look along other dimensions than time', async () => {
    const model = new Sequential([new GRU(4), new LastStep(), new Flatten(), new GroupNorm(2), new Softmax({ dim: 1 })]).build([6, 3]);
    const stream = model.stream({ rows: 2 });
    const [last] = Array.from({ length: 6 }, (_, time) => stream.step(step(time)).data).slice(-1);
    assert.deepEqual(last, (await model.predict(x)).data);
  });
  describe('refuses', () => {
    const model = new Sequential([new LSTM(3)]).build([6, 3]);
    const stream = model.stream({ rows: 2 });
    const wrong: readonly (readonly [() => unknown, string, string])[] = [
      [() => model.stream({ rows: 0 }), 'OptionError', 'stream: expected a whole number ≥ 1 for rows, got 0.'],
      [
        () => new Sequential([new LSTM(3)]).stream(),
        'StateError',
        'Sequential: expected a model whose input size is known, got one that was never built. Call fit, predict or build([...sizes]) first, of the model it is a part of if there is one.',
      ],
      [
        () => stream.step(array([[1, 2, 3]])),
        'ShapeError',
        'Sequential.stream: expected one step of shape [2, 3], got [1, 3]. Leave the time dimension out.',
      ],
      [
        // @ts-expect-error no NdArray
        () => stream.step([1, 2, 3]),
        'DataError',
        'Sequential.stream: expected one step made by array(), got Array. Wrap it: array(data, shape).',
      ],
      [
        () => stream.step(array(new Int32Array(6), [2, 3])),
        'DTypeError',
        'Sequential.stream: expected float32 as the model was built with, got int32.',
      ],
      [
        () => {
          const data = new Float32Array(6);
          const taken = array(data, [2, 3]);
          structuredClone(data.buffer, { transfer: [data.buffer] });
          stream.step(taken);
        },
        'StateError',
        'Sequential.stream: expected 6 elements for one step of shape [2, 3], got 0: its buffer was detached or resized. Make a new array.',
      ],
      [
        () => stream.setState(new Map()),
        'StateError',
        'Sequential.stream.setState: expected states "0.h0", "0.c0", got none. Give all that its state holds.',
      ],
      [
        () => stream.setState(new Map([['0.h0', array([[1, 2, 3]])], ['0.c0', array([[1, 2, 3]])]])), // prettier-ignore
        'ShapeError',
        'Sequential.stream.setState: expected float32 [2, 3] for state "0.h0", got float32 [1, 3]. Its rows are those of the stream.',
      ],
      [
        () => new Sequential([new Tanh()]).build([]).stream(),
        'ShapeError',
        'Sequential.stream: expected a model of sequences [N, T, …], got [N]. For single rows there is predictSync().',
      ],
      [
        () => new Sequential([new Linear(64)]).build([4]).stream(),
        'ShapeError',
        'Sequential.stream: expected a model of sequences [N, T, …] that works on single steps, got one of [N, 4]: Linear "0": parameter "0.weight": expected shape [4, 64] as the model was built, got [1, 64]. Give input of the size it was built with. For single rows there is predictSync().',
      ],
      [
        () => new Sequential([new LSTM(3, { bidirectional: true })]).build([6, 3]).stream(),
        'StateError',
        'LSTM "0": expected one direction where state is carried from step to step, got a bidirectional layer: its backward half needs the end of the sequence first. Sequences within a step, which begin anew in each, go through scope.apart().',
      ],
      [
        () => {
          class Twice extends Layer {
            readonly shared: GRU = new GRU(3);
            forward(x: Tensor, scope: Scope): Tensor {
              return scope.call('a', this.shared, scope.call('a', this.shared, x));
            }
          }
          new Twice().build([6, 3]).stream();
        },
        'StateError',
        'GRU "a": scope.state: expected one use of a layer where its state is carried, or calls that pass it on as it is, got "a.h0" twice. Use two layers, or keep a state of your own by scope.state() around the calls.',
      ],
      [
        () => {
          class Both extends Layer<[Tensor], { readonly a: Tensor; readonly b: Tensor }> {
            forward(x: Tensor): { readonly a: Tensor; readonly b: Tensor } {
              return { a: x, b: x };
            }
          }
          new Both().build([6, 3]).stream();
        },
        'ShapeError',
        'Both.stream: expected a model with one output, got a, b. Stream a layer within it that gives the one you need.',
      ],
      ...[
        new Conv1d(2, 3, { padding: 'same' }),
        new Conv1d(2, 1, { padding: 1 }),
        new MaxPool1d(1, { stride: 2 }),
        new AvgPool1d(1, { stride: 2 }),
        new MaxPool1d(2, { stride: 1, padding: 1 }),
        new AvgPool1d(3, { stride: 1, padding: 1 }),
        new MeanOverTime(),
        new MaxOverTime(),
        new GroupNorm(3),
        new InstanceNorm(),
        new Softmax({ dim: 1 }),
        new LogSoftmax({ dim: -2 }),
        new Flatten(),
      ].map((layer): (typeof wrong)[number] => {
        const { name } = layer.constructor;
        return [
          () => new Sequential([new GRU(3), layer]).build([6, 3]).stream(),
          'StateError',
          `Sequential.stream: expected layers that work on single steps, got ${name} "1", which looks along the sequence. Give whole sequences to predict().`,
        ];
      }),
      ...[
        new Conv2d(2, 3, { padding: 1 }),
        new DepthwiseConv2d(3, { padding: 1 }),
        new ConvTranspose2d(2, 3, { padding: 1 }),
        new MaxPool2d(3, { stride: 1, padding: 1 }),
        new AvgPool2d(3, { stride: 1, padding: 1 }),
        new GlobalAvgPool2d(),
        new GlobalMaxPool2d(),
        new AdaptiveAvgPool2d(1),
        new Upsample2d({ scale: 2 }),
        new Pad(1),
        new Conv2d(2, 1, { padding: [1, 0] }),
        ...[Conv2d, ConvTranspose2d].map((Kind) => new Kind(2, 1, { stride: [2, 1] })),
        ...[DepthwiseConv2d, MaxPool2d, AvgPool2d].map((Kind) => new Kind(1, { stride: 2 })),
      ].map((layer): (typeof wrong)[number] => {
        const { name } = layer.constructor;
        return [
          () => new Sequential([layer]).build([6, 5, 3]).stream(),
          'StateError',
          `Sequential.stream: expected layers that work on single steps, got ${name} "0", which looks along the sequence. Give whole sequences to predict().`,
        ];
      }),
    ];
    for (const [act, name, message] of wrong) it(message, () => assert.throws(act, { name, message }));
  });
});
