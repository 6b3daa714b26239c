import assert from 'node:assert/strict';
import {
  Conv2d,
  CrossEntropyLoss,
  Linear,
  type Loss,
  NLLLoss,
  SGD,
  Sequential,
  type Tensor,
  Trainer,
  array,
  compile,
  mixup,
  randomRotation,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const logits = array([[1, 2, 0], [3, 4, 1], [0, -1, 2], [1, 1, 1]]); // prettier-ignore
const losses: readonly (readonly [string, (ignoreIndex?: number) => Loss])[] = [
  ['CrossEntropyLoss', (ignoreIndex) => new CrossEntropyLoss({ ignoreIndex })],
  ['CrossEntropyLoss with weight and labelSmoothing', (ignoreIndex) => new CrossEntropyLoss({ ignoreIndex, weight: [1, 2, 3], labelSmoothing: 0.1 })], // prettier-ignore
  ['NLLLoss', (ignoreIndex) => new NLLLoss({ ignoreIndex })],
];
const valueOf = (loss: Loss, target: Float32Array | Int32Array): number =>
  compile((p: Tensor, t: Tensor) => loss.forward(p, t)).sync(logits, array(target)).data[0]!;

describe('class ids that are floats', () => {
  for (const [name, make] of losses) {
    for (const [ignoreIndex, ids] of [
      [undefined, [0, 1, 2, 1]],
      [-1, [0, -1, 2, -1]],
      [1, [0, 1, 2, 1]],
      [-100, [0, 1, -100, 1]],
    ] as const) {
      // prettier-ignore
      it(`count in ${name} as those that are int32, ignored ${ignoreIndex}`, () =>
        assert.equal(valueOf(make(ignoreIndex), Float32Array.from(ids)), valueOf(make(ignoreIndex), Int32Array.from(ids))));
    }
    for (const bad of [1.25, -0.5, NaN, 3, Infinity]) {
      it(`stop ${name} at ${bad}`, () => {
        for (const ignoreIndex of [undefined, -1, 1])
          assert.throws(() => valueOf(make(ignoreIndex), Float32Array.of(0, 1, bad, 1)), { name: 'DataError', message: /at position 2/ });
      });
    }
  }
  it('stop the step when mixup has mixed them as numbers', async () => {
    const trainer = new Trainer(new Sequential([new Linear(3)], { seed: 1 }), { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    const y = array(Float32Array.of(0, 1, 2, 1));
    await trainer.fit({ x: logits, y }, { augment: [mixup({ classes: 3 })] });
    await assert.rejects(trainer.fit({ x: logits, y }, { augment: [mixup()] }), {
      name: 'DataError',
      message:
        /expected an index in 0 … 2, got one that is not whole, which mixup made of float32 \(give ids as an Int32Array or Uint8Array\), at position/,
    });
  });
  it('of pixels stop the step that has read them between pixels, int32 ids do not', async () => {
    const trainer = new Trainer(new Sequential([new Conv2d(3, 1)]), {
      loss: new CrossEntropyLoss({ ignoreIndex: 9 }),
      optimizer: new SGD(),
    });
    const [x, ids] = [sample([2, 6, 6, 3]), Float32Array.from({ length: 72 }, (_, i) => 2 * (i % 2))];
    const augment = [randomRotation(30)];
    await trainer.fit({ x, y: array(Int32Array.from(ids), [2, 6, 6]) }, { augment });
    await assert.rejects(trainer.fit({ x, y: array(ids, [2, 6, 6]) }, { augment }), {
      name: 'DataError',
      message:
        /^CrossEntropyLoss: ids: expected an index in 0 … 2, got one that is not whole, which randomRotation made of float32 \(give ids as an Int32Array or Uint8Array\), at position \[/,
    });
  });
});
