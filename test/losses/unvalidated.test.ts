import assert from 'node:assert/strict';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  Linear,
  Loss,
  NLLLoss,
  SGD,
  Trainer,
  array,
  compile,
  logSoftmax,
  mean,
  neg,
  pick,
  type Tensor,
} from '../../lib/index.js';

const x = array([[1, 2, 0], [3, 4, 1], [0, -1, 2]]); // prettier-ignore

/** A loss within one of a user's own, whose `validate` nobody calls. */
class Own extends Loss {
  constructor(readonly within: (prediction: Tensor, target: Tensor) => Tensor) {
    super();
  }

  forward(prediction: Tensor, target: Tensor): Tensor {
    return this.within(prediction, target);
  }
}

describe('targets of a loss within a loss', () => {
  for (const [name, within] of [
    ['pick', (p: Tensor, t: Tensor) => neg(mean(pick(logSoftmax(p), t)))],
    ['NLLLoss', (p: Tensor, t: Tensor) => new NLLLoss().forward(logSoftmax(p), t)],
    ['NLLLoss with ignoreIndex', (p: Tensor, t: Tensor) => new NLLLoss({ ignoreIndex: -100 }).forward(logSoftmax(p), t)],
    ['CrossEntropyLoss', (p: Tensor, t: Tensor) => new CrossEntropyLoss().forward(p, t)],
    ['CrossEntropyLoss with labelSmoothing', (p: Tensor, t: Tensor) => new CrossEntropyLoss({ labelSmoothing: 0.1 }).forward(p, t)],
  ] as const) {
    for (const [target, got] of [
      [Int32Array.of(0, 1, 3), '3'],
      [Int32Array.of(0, 1, -1), '-1'],
      [Uint8Array.of(0, 1, 255), '255'],
      [Float32Array.of(0, 1, 3), '3'],
      [Float32Array.of(0, 1, -1), '-1'],
      [Float32Array.of(0, 1, 1.5), 'one that is not whole'],
      [Float32Array.of(0, 1, NaN), 'one that is not whole'],
    ] as const) {
      it(`stop ${name} at ${target[2]} of ${target.constructor.name}`, async () => {
        const trainer = new Trainer(new Linear(3), { loss: new Own(within), optimizer: new SGD() });
        await assert.rejects(trainer.step({ x, y: array(target) }), {
          name: 'DataError',
          message: new RegExp(`expected an index in 0 … 2, got ${got} at position 2`),
        });
      });
    }
  }

  it('pick names itself', () =>
    assert.throws(() => compile((p: Tensor, t: Tensor) => pick(p, t)).sync(x, array(Int32Array.of(0, 3, 1))), {
      name: 'DataError',
      message: 'pick: expected an index in 0 … 2, got 3 at position 1 in step 0.',
    }));

  it('ignored rows count nothing, whatever is foretold', () => {
    const loss = new NLLLoss({ ignoreIndex: -1 });
    const logp = array([[-1, -2, -3], [-Infinity, -Infinity, -Infinity]]); // prettier-ignore
    for (const target of [Int32Array.of(0, -1), Float32Array.of(0, -1)])
      assert.equal(compile((p: Tensor, t: Tensor) => loss.forward(p, t)).sync(logp, array(target)).data[0], 1);
  });

  it('BCEWithLogitsLoss looks at targets by validate alone', () => {
    const loss = new BCEWithLogitsLoss();
    const target = array(Float32Array.of(0, 2));
    assert.ok(Number.isFinite(compile((p: Tensor, t: Tensor) => loss.forward(p, t)).sync(array([1, 1]), target).data[0]));
    assert.throws(() => loss.validate(target), { name: 'DataError', message: /expected targets in \[0, 1\], got 2 at row 1/ });
  });
});
