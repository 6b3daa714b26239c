import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { CrossAttention, Layer, Linear, MultiHeadAttention, type Scope } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';
import { type Packed, readFixture, unpack } from '../support/fixtures.js';
import { type LayerFixture, assertAsFixture, assertGradients } from '../support/layer.js';

interface Crossed extends LayerFixture {
  readonly heads: number;
  readonly options: { readonly bias: boolean };
  readonly lengths: readonly number[] | null;
  readonly memory: Packed;
}

/** Four products and a softmax of values of about 1, and their gradients summed over fifteen steps. */
const ulps = 64;

/** A decoder: each step looks at those before it, then at the whole memory. */
class Decoder extends Layer<[x: Tensor, memory: Tensor, lengths: Tensor]> {
  readonly self: MultiHeadAttention = new MultiHeadAttention(2, { causal: true });
  readonly cross: CrossAttention = new CrossAttention(2);
  readonly head: Linear = new Linear(1);

  forward(x: Tensor, memory: Tensor, lengths: Tensor, scope: Scope): Tensor {
    return scope.call('head', this.head, scope.call('cross', this.cross, scope.call('self', this.self, x), memory, lengths));
  }
}

describe('CrossAttention', () => {
  for (const fixture of readFixture<readonly Crossed[]>('cross_attention')) {
    const { heads, options, lengths, memory } = fixture;
    it(`as PyTorch's: memory [${memory.shape.join()}] ${JSON.stringify(options)}${lengths === null ? '' : `, lengths ${lengths.join()}`}`, () => {
      const held = lengths === null ? [] : [array(Int32Array.from(lengths))];
      assertAsFixture(new CrossAttention(heads, options), fixture, ulps, [unpack(memory), ...held]);
    });
  }

  it('has gradients for both sequences, with dropout too', () =>
    assertGradients(new CrossAttention(2, { dropout: 0.3 }), [sample([2, 4, 6], 1), sample([2, 3, 5], 2)], { training: true }));

  it('trains with lengths, and looks at nothing beyond them', async () => {
    const [x, memory, y] = [sample([3, 4, 6], 1), sample([3, 5, 2], 2), sample([3, 4, 1], 3)];
    const lengths = array(Int32Array.of(5, 2, 3));
    const model = new Decoder();
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
    const { loss: first } = await trainer.step({ x: [x, memory, lengths], y });
    for (let i = 0; i < 20; i++) await trainer.step({ x: [x, memory, lengths], y });
    const { loss } = await trainer.evaluate({ x: [x, memory, lengths], y });
    assert.ok(loss < first, `${loss} after ${first}`);
    const before = await model.predict([x, memory, lengths]);
    memory.data.fill(7, (5 + 2) * 2, 2 * 5 * 2);
    assert.deepEqual(await model.predict([x, memory, lengths]), before);
    memory.data[0]! += 1;
    assert.notDeepEqual(await model.predict([x, memory, lengths]), before);
    await assert.rejects(model.predict([x, memory, array(Int32Array.of(5, 6, 1))]), {
      name: 'DataError',
      message: /CrossAttention "cross": .*expected 1 … 5, got 6/,
    });
  });

  for (const [name, shapes, message] of [
    ['no memory', [[4, 6]], 'CrossAttention: expected x and memory, or x, memory and its lengths, got 1 input.'],
    ['no sequence of memory', [[4, 6], [2]], 'CrossAttention: expected memory [1, S, M] of as many rows as x, with at least one step and one feature, got [1, 2].'], // prettier-ignore
    ['an empty memory', [[4, 6], [0, 2]], 'CrossAttention: expected memory [1, S, M] of as many rows as x, with at least one step and one feature, got [1, 0, 2].'], // prettier-ignore
    ['other heads', [[4, 5], [3, 5]], 'CrossAttention: expected features that 2 heads divide, got 5 in x [1, 4, 5]. Change heads or the layer before.'], // prettier-ignore
  ] as const)
    it(`refuses ${name}`, () => assert.throws(() => new CrossAttention(2).build(shapes), { name: 'ShapeError', message }));

  it('refuses lengths that are none', () => {
    assert.throws(() => new CrossAttention(2).build([[4, 6], [3, 2], []], { dtypes: ['float32', 'float32', 'float32'] }), {
      name: 'DTypeError',
      message:
        "CrossAttention: expected int32 for lengths, got float32. Make them an Int32Array, or cast(lengths, 'int32') where they are no input.",
    });
    assert.throws(() => new CrossAttention(2, { causal: true } as object), { name: 'OptionError', message: /causal/ });
  });
});
