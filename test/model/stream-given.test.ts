/** Streams of decoders: the sequence is fed step by step, what it looks at is given once. */
import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { CrossAttention, Embedding, GRU, Layer, Linear, MultiHeadAttention, type Scope } from '../../lib/layers/index.js';
import { add } from '../../lib/ops/index.js';
import { sample } from '../support/check-op.js';

/** Ids, what is looked at, and its lengths. */
class Decoder extends Layer<[ids: Tensor, memory: Tensor, lengths: Tensor] | [ids: Tensor, memory: Tensor]> {
  readonly words: Embedding = new Embedding(7, 6);
  readonly self: MultiHeadAttention = new MultiHeadAttention(2, { causal: true, context: 5 });
  readonly cross: CrossAttention = new CrossAttention(3);
  readonly head: Linear = new Linear(4);

  forward(...args: [Tensor, Tensor, Scope] | [Tensor, Tensor, Tensor, Scope]): Tensor {
    const [ids, memory, lengths, scope] = args.length === 4 ? args : ([args[0], args[1], undefined, args[2]] as const);
    const own = scope.call('self', this.self, scope.call('words', this.words, ids));
    const seen =
      lengths === undefined ? scope.call('cross', this.cross, own, memory) : scope.call('cross', this.cross, own, memory, lengths);
    return scope.call('head', this.head, add(own, seen));
  }
}

/** An encoder, and a decoder of what it gives. */
class Translator extends Layer<[source: Tensor, ids: Tensor]> {
  readonly encoder: GRU = new GRU(4, { bidirectional: true });
  readonly decoder: Decoder = new Decoder();

  forward(source: Tensor, ids: Tensor, scope: Scope): Tensor {
    return scope.call('decoder', this.decoder, ids, scope.call('encoder', this.encoder, source));
  }
}

const ids = Int32Array.of(3, 1, 4, 1, 5, 0, 6, 5, 3, 2);
const step = (t: number): NdArray<Int32Array> => array(Int32Array.of(ids[t]!, ids[5 + t]!));
function assertSteps(take: (x: NdArray) => NdArray, whole: NdArray): void {
  for (let t = 0; t < 5; t++) {
    const y = take(step(t));
    for (const n of [0, 1])
      for (let c = 0; c < 4; c++) {
        const expected = whole.data[(5 * n + t) * 4 + c]!;
        assert.ok(Math.abs(y.data[4 * n + c]! - expected) < 1e-5, `step ${t}, row ${n}: ${y.data[4 * n + c]} for ${expected}`);
      }
  }
}

describe('a stream with given inputs', () => {
  const [memory, other] = [sample([2, 3, 8], 1), sample([2, 3, 8], 2)];
  const lengths = array(Int32Array.of(3, 1));
  const built = (): Decoder => new Decoder().build([[5], [3, 8], []], { dtypes: ['int32', 'float32', 'int32'] });

  it('gives step by step what predict gives, for one memory after another', async () => {
    const model = built();
    const stream = model.stream({ rows: 2, given: [memory, lengths] });
    assertSteps((x) => stream.step(x), await model.predict([array(ids, [2, 5]), memory, lengths]));
    const swapped = array(Int32Array.of(1, 2));
    stream.reset([other, swapped]);
    assertSteps((x) => stream.step(x), await model.predict([array(ids, [2, 5]), other, swapped]));
    stream.reset();
    assertSteps((x) => stream.step(x), await model.predict([array(ids, [2, 5]), other, swapped]));
  });

  it('copies them', async () => {
    const model = built();
    const mine = array(memory.data.slice(), memory.shape);
    const stream = model.stream({ rows: 2, given: [mine, lengths] });
    mine.data.fill(9);
    assertSteps((x) => stream.step(x), await model.predict([array(ids, [2, 5]), memory, lengths]));
  });

  it('decodes what the encoder of the same model has read', async () => {
    const model = new Translator();
    const source = sample([2, 4, 3]);
    const whole = await model.predict([source, array(ids, [2, 5])]);
    const stream = model.decoder.stream({ rows: 2, given: [await model.encoder.predict(source)] });
    assertSteps((x) => stream.step(x), whole);
  });

  it('refuses others, and keeps its state then', async () => {
    const model = built();
    const of = (given: readonly NdArray[], rows = 2): unknown => model.stream({ rows, given });
    for (const [act, name, message] of [
      [
        () => of([memory, lengths, lengths]),
        'ShapeError',
        'Decoder.stream: expected at most 2 given inputs, as the model has beside the sequence, got 3.',
      ],
      [() => of([lengths]), 'DTypeError', 'Decoder.stream: expected given 0 of float32 as the model was built with, got int32.'],
      [
        () => of([memory, lengths], 1),
        'ShapeError',
        'Decoder.stream: expected given 0 of 1 rows, one for each sequence, got [2, 3, 8]. Set rows to how many there are.',
      ],
      [() => of(memory as never), 'OptionError', /^stream: expected a list of arrays made by array\(\) for given/],
    ] as const)
      // prettier-ignore
      assert.throws(act, { name, message });
    const stream = model.stream({ rows: 2, given: [memory, lengths] });
    const whole = await model.predict([array(ids, [2, 5]), memory, lengths]);
    let t = 0;
    assertSteps((x) => {
      const y = stream.step(x);
      if (t++ === 2)
        assert.throws(() => stream.reset([sample([2, 4, 8]), lengths]), {
          name: 'ShapeError',
          message:
            'Decoder.stream.reset: expected given inputs float32 [2, 3, 8], int32 [2], got float32 [2, 4, 8], int32 [2]. Make another stream for other shapes.',
        });
      return y;
    }, whole);
    assert.throws(() => stream.reset([memory]), { name: 'ShapeError' });
    const wrong = model.stream({ rows: 2, given: [memory, array(Int32Array.of(3, 4))] });
    assert.throws(() => wrong.step(step(0)), { name: 'DataError', message: /CrossAttention "cross": .*expected 1 … 3, got 4/ });
  });

  it('is named where it is left out', () => {
    class Asking extends Layer<[ids: Tensor, memory: Tensor]> {
      readonly words: Embedding = new Embedding(7, 6);
      readonly cross: CrossAttention = new CrossAttention(3);

      forward(x: Tensor, memory: Tensor, scope: Scope): Tensor {
        return scope.call('cross', this.cross, scope.call('words', this.words, x), memory);
      }
    }
    const model = new Asking();
    model.build([[5], [3, 4]], { dtypes: ['int32', 'float32'] });
    assert.throws(() => model.stream({ rows: 2 }), {
      name: 'ShapeError',
      message: /Inputs that are the same in every step are given by stream\(\{ given: \[…\] \}\)\.$/,
    });
  });
});
