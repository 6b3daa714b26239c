import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import {
  Embedding,
  Linear,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
  PositionEmbedding,
  Sequential,
} from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { scaledDotProductAttention } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';
import { assertClose, readFixture } from '../support/fixtures.js';
import { type LayerFixture, assertAsFixture, assertGradients } from '../support/layer.js';

interface Attended extends LayerFixture {
  readonly heads: number;
  readonly options: { readonly causal: boolean; readonly bias: boolean };
  readonly lengths: readonly number[] | null;
}

/** Four products and a softmax of values of about 1, and their gradients summed over fifteen steps. */
const ulps = 64;

describe('MultiHeadAttention', () => {
  for (const fixture of readFixture<readonly Attended[]>('attention')) {
    const { heads, options, lengths } = fixture;
    it(`as PyTorch's: ${JSON.stringify(options)}${lengths === null ? '' : `, lengths ${lengths.join()}`}`, () => {
      const held = lengths === null ? [] : [array(Int32Array.from(lengths))];
      assertAsFixture(new MultiHeadAttention(heads, options), fixture, ulps, held);
    });
  }

  it('has gradients, with dropout too', () =>
    assertGradients(new MultiHeadAttention(2, { causal: true, dropout: 0.3 }), [sample([2, 4, 6])], { training: true }));

  const network = (options: MultiHeadAttentionOptions = { causal: true, context: 5 }): Sequential =>
    new Sequential(
      {
        ids: new Embedding(7, 6),
        place: new PositionEmbedding(5),
        first: new MultiHeadAttention(2, options),
        second: new MultiHeadAttention(3, options),
        head: new Linear(4),
      },
      { seed: 3 },
    );
  const ids = Int32Array.of(3, 1, 4, 1, 5, 0, 6, 5, 3, 5);
  const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
    assert.equal(actual.length, expected.length);
    Array.from(actual).forEach((value, i) =>
      assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${what}: expected ${expected[i]}, got ${value}`),
    );
  };

  it('streams: step by step what predict gives for whole sequences', async () => {
    const model = network().build([5], { dtypes: ['int32'] });
    const whole = (await model.predict(array(ids, [2, 5]))).data;
    const stream = model.stream({ rows: 2 });
    for (const pass of [1, 2]) {
      for (let t = 0; t < 5; t++) {
        const y = stream.step(array(Int32Array.of(ids[t]!, ids[5 + t]!)));
        for (const n of [0, 1])
          close(y.data.subarray(4 * n, 4 * n + 4), whole.subarray((5 * n + t) * 4, (5 * n + t) * 4 + 4), `pass ${pass}, step ${t}`);
      }
      assert.throws(() => stream.step(array(Int32Array.of(1, 2))), {
        name: 'DataError',
        message:
          /^PositionEmbedding "place": steps: expected at most 5, its context \(reset\(\) a stream before more, or give it a larger context\), got 6/,
      });
      stream.reset();
    }
  });

  it('looks back on the last steps alone where a stream goes on', async () => {
    const model = new Sequential([new MultiHeadAttention(1, { causal: true, context: 3 })], { seed: 1 }).build([8, 2]);
    const x = sample([1, 8, 2]);
    const stream = model.stream();
    for (let t = 0; t < 8; t++) {
      const y = stream.step(array(x.data.slice(2 * t, 2 * t + 2), [1, 2]));
      const begin = Math.max(0, t - 2);
      const seen = await model.predict(array(x.data.slice(2 * begin, 2 * t + 2), [1, t + 1 - begin, 2]));
      close(y.data, seen.data.slice(-2), `step ${t}`);
    }
  });

  it('goes on from batch to batch with carryState, as from step to step', async () => {
    const model = new Sequential([new MultiHeadAttention(1, { causal: true, context: 4 })], { seed: 1 }).build([2, 2]);
    const x = sample([3, 2, 2]);
    const y = array(new Float32Array(12), [3, 2, 2]);
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
    const { loss } = await trainer.evaluate({ x, y }, { batchSize: 1, carryState: true });
    const stream = model.stream();
    let sum = 0;
    for (let t = 0; t < 6; t++) sum += stream.step(array(x.data.slice(2 * t, 2 * t + 2), [1, 2])).data.reduce((a, b) => a + b * b, 0);
    assert.ok(Math.abs(loss - sum / 12) < 1e-6 * loss);
  });

  for (const [what, options, got] of [
    ['without a context', { causal: true }, 'no context'],
    ['that looks ahead', {}, 'no causal'],
  ] as const) {
    it(`does not stream ${what}`, () =>
      assert.throws(
        () =>
          network(options)
            .build([5], { dtypes: ['int32'] })
            .stream(),
        {
          name: 'StateError',
          message: `MultiHeadAttention "first": expected { causal: true, context } where states go on from step to step, got ${got}. A stream looks back on the last \`context\` steps, and cannot look ahead.`,
        },
      ));
  }

  it('takes whole numbers as floats', async () => {
    const x = [1, -2, 3, 0];
    const [ofInts, ofFloats] = [array(Int32Array.from(x), [1, 2, 2]), array(Float32Array.from(x), [1, 2, 2])].map((of) => new MultiHeadAttention(1).predict(of)); // prettier-ignore
    assert.deepEqual((await ofInts!).data, (await ofFloats!).data);
  });

  it('refuses lengths where states go on, which it would not look at', async () => {
    const model = new MultiHeadAttention(1, { causal: true, context: 4 }).build([[2, 2], []], { dtypes: ['float32', 'int32'] });
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() });
    const [x, y] = [sample([2, 2, 2]), sample([2, 2, 2], 2)];
    const message = /expected no lengths where states go on from step to step, got some/;
    await assert.rejects(trainer.fit({ x: [x, array(Int32Array.of(1, 2))], y }, { carryState: true }), { name: 'StateError', message });
    await trainer.fit({ x: [x, array(Int32Array.of(1, 2))], y });
  });

  it('refuses what does not fit', () => {
    assert.throws(() => new MultiHeadAttention(0), { name: 'OptionError', message: /heads/ });
    for (const [causal, got] of [
      [undefined, 'undefined'],
      [false, 'false'],
    ] as const)
      // prettier-ignore
      assert.throws(() => new MultiHeadAttention(1, { causal, context: 4 }), {
        name: 'OptionError',
        message: `MultiHeadAttention: expected causal: true with context, got ${got}. A stream cannot look ahead: give it, or leave context out.`,
      });
    assert.throws(() => new MultiHeadAttention(4).build([5, 6]), {
      name: 'ShapeError',
      message: 'MultiHeadAttention: expected features that 4 heads divide, got 6 in x [1, 5, 6]. Change heads or the layer before.',
    });
    assert.throws(() => new MultiHeadAttention(1).build([5]), { name: 'ShapeError', message: /rank 3/ });
    assert.throws(() => new PositionEmbedding(4).build([5, 6]), {
      name: 'ShapeError',
      message: 'PositionEmbedding: expected x [N, T, C] of at most 4 steps, got [1, 5, 6]. Cut the sequences, or give it a larger context.',
    });
  });
});

describe('scaledDotProductAttention', () => {
  it('takes from the keys it looks at, by their likeness', () => {
    const one = [[1, 0], [0, 1]]; // prettier-ignore
    const attend = compile((q: Tensor, k: Tensor, v: Tensor, mask: Tensor) => [
      scaledDotProductAttention(q, k, v),
      scaledDotProductAttention(q, k, v, { causal: true }),
      scaledDotProductAttention(q, k, v, { mask }),
    ]);
    const [all, causal, masked] = attend.sync(array(one), array(one), array([[1], [0]]), array([[0, 1], [1, 0]])); // prettier-ignore
    const near = 1 / (1 + Math.exp(-Math.SQRT1_2));
    assertClose(all, { shape: [2, 1], data: [near, 1 - near] }, 4, 'all');
    assertClose(causal, { shape: [2, 1], data: [1, 1 - near] }, 4, 'causal');
    assertClose(masked, { shape: [2, 1], data: [0, 1] }, 0, 'masked');
  });

  it('looks at no masked key, however low the others are, and lets one set of keys serve all queries', () => {
    const attend = compile((q: Tensor, k: Tensor, v: Tensor) => scaledDotProductAttention(q, k, v, { causal: true }));
    assert.deepEqual(attend.sync(array([[1e5]]), array([[-1e5], [0]]), array([[1], [100]])).toNested(), [[1]]); // prettier-ignore
    const shared = attend.sync(sample([4, 3, 2]), array(sample([3, 2]).data, [1, 3, 2]), sample([4, 3, 5]));
    assert.deepEqual(shared.shape, [4, 3, 5]);
  });

  it('takes keys of another number than queries, and refuses those of other sizes', () => {
    const attend = compile((q: Tensor, k: Tensor, v: Tensor) => scaledDotProductAttention(q, k, v));
    assert.deepEqual(attend.sync(sample([2, 3, 4]), sample([2, 5, 4]), sample([2, 5, 6])).shape, [2, 3, 6]);
    assert.throws(() => attend.sync(sample([3, 4]), sample([5, 3]), sample([5, 3])), {
      name: 'ShapeError',
      message: 'scaledDotProductAttention: expected queries [..., T, D] and keys [..., S, D], got [3, 4] and [5, 3].',
    });
  });
});
