/** Layers that work within rows, so that no result depends on the other rows of a batch. */
import assert from 'node:assert/strict';
import {
  type Layer,
  LayerNorm,
  Linear,
  LogSoftmax,
  MSELoss,
  RMSNorm,
  SGD,
  Sequential,
  Softmax,
  Trainer,
  array,
  full,
} from '../../lib/index.js';
import { trace } from '../../lib/model/trace.js';

const makes: readonly (readonly [name: string, letter: string, make: () => Layer])[] = [
  ['Linear', 'I', () => new Linear(3)],
  ['Softmax', 'C', () => new Softmax()],
  ['LogSoftmax', 'C', () => new LogSoftmax()],
  ['LayerNorm', 'D', () => new LayerNorm({ affine: false })],
  ['LayerNorm', 'D', () => new LayerNorm({ normalizedShape: [4] })],
  ['RMSNorm', 'D', () => new RMSNorm({ affine: false })],
];

describe('a layer that works within rows', () => {
  for (const [name, letter, make] of makes) {
    const advice = `Reshape it: one number a row to [N, 1], a row alone to [1, ${letter}].`;
    for (const x of [array([1, 2, 3, 4]), array(Int32Array.of(1, 2, 3, 4)), array(Uint8Array.of(1, 2, 3, 4)), array([1])]) {
      it(`${name} refuses ${x.dtype} [${x.size}]`, () =>
        assert.rejects(new Sequential([make()]).predict(x), {
          name: 'ShapeError',
          message: `${name} "0": expected x of rank ≥ 2 [N, ..., ${letter}], got [${x.size}]. ${advice}`,
        }));
    }
    it(`${name} refuses a scalar`, () =>
      assert.throws(() => trace(make(), [full([], 1)], { training: false, seed: 0n, resolve: () => full([], 1) }), {
        name: 'ShapeError',
        message: new RegExp(`${name}: expected x of rank ≥ 2 \\[N, \\.\\.\\., ${letter}\\], got \\[\\]\\.`),
      }));
  }

  for (const make of [() => new Softmax({ dim: 0 }), () => new LogSoftmax({ dim: -2 })])
    it(`${make().constructor.name} refuses the dimension of the rows`, () =>
      assert.rejects(new Sequential([make()]).predict(array([[1, 2], [3, 4], [5, 6]])), {
        name: 'ShapeError',
        message: /Softmax "0": expected dim in 1 … 1, as the first dimension counts rows, got (0|-2) for x \[3, 2\]\. Transpose x; the functions softmax and logSoftmax take any dimension\.$/,
      })); // prettier-ignore

  it('LayerNorm refuses a normalizedShape of all dimensions', async () => {
    const model = new Sequential([new LayerNorm({ normalizedShape: [2, 2], affine: false })]);
    const x = array([[1, 2], [3, 4]]); // prettier-ignore
    await assert.rejects(model.predict(x), { name: 'ShapeError', message: /LayerNorm "0": expected x of shape \[N, \.\.\., 2, 2\], got \[2, 2\]\./ }); // prettier-ignore
  });

  it('says so in a fit, too', () =>
    assert.rejects(
      new Trainer(new Sequential([new Linear(1)]), { loss: new MSELoss(), optimizer: new SGD() }).fit({
        x: array(Int32Array.of(1, 2, 3, 4)),
        y: array([[1], [2], [3], [4]]),
      }),
      { name: 'ShapeError', message: /Linear "0": expected x of rank ≥ 2 \[N, \.\.\., I\], got \[4\]/ },
    ));
});
