import assert from 'node:assert/strict';
import {
  Adam,
  Layer,
  Linear,
  Loss,
  Metric,
  type Scope,
  type Tensor,
  Trainer,
  abs,
  add,
  array,
  concat,
  crossEntropy,
  mean,
  mul,
  slice,
  square,
  sub,
  unstack,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';

/** Logits of three classes, and a value beside them: [N, 4]. */
class TwoHeads extends Layer {
  readonly classes: Linear = new Linear(3);
  readonly value: Linear = new Linear(1);
  forward(x: Tensor, scope: Scope): Tensor {
    return concat([scope.call('classes', this.classes, x), scope.call('value', this.value, x)], 1);
  }
}

/** As in the documentation of Loss. */
class ClassAndValue extends Loss {
  forward(prediction: Tensor, target: Tensor): Tensor {
    const [ids, value, weight] = unstack(target, 1);
    const errors = square(sub(unstack(prediction, 1).at(-1)!, value!));
    const logits = slice(prediction, [0, 0], [-1, prediction.shape[1]! - 1]);
    return mean(mul(weight!, add(crossEntropy(logits, ids!), errors)));
  }
}

class ValueError extends Metric {
  readonly name: string = 'value';
  forward(prediction: Tensor, target: Tensor): Tensor {
    return mean(abs(sub(unstack(prediction, 1)[3]!, unstack(target, 1)[1]!)));
  }
}

describe('a model with two outputs', () => {
  const x = sample([60, 4]);
  const classOf = (row: number): number => (x.data[4 * row]! > 0 ? 1 : 0) + (x.data[4 * row + 1]! > 0 ? 1 : 0);
  /** Every other row counts nothing, and is wrong. */
  const rows = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? [classOf(i), 2 * x.data[4 * i + 2]!, 1] : [0, 100, 0]));

  it('learns both from the rows that count', async () => {
    const trainer = new Trainer(new TwoHeads(), {
      loss: new ClassAndValue(),
      optimizer: new Adam({ lr: 0.05 }),
      metrics: [new ValueError()],
    });
    await trainer.fit({ x, y: array(rows) }, { epochs: 100 });
    const counted = Array.from({ length: 30 }, (_, i) => 2 * i);
    const part = array(counted.map((i) => [...x.data.subarray(4 * i, 4 * i + 4)]));
    const { loss, value } = await trainer.evaluate({ x: part, y: array(counted.map((i) => rows[i]!)) });
    assert.ok(loss < 0.5, `loss ${loss}`);
    assert.ok(value! < 0.05, `value ${value}`);
  });
});
