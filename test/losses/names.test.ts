/** Names of outputs, in the types of losses and metrics: what must not compile is marked. */
import assert from 'node:assert/strict';
import {
  Adam,
  CrossEntropyLoss,
  Layer,
  Linear,
  Losses,
  type LossesOptions,
  MSELoss,
  type Metric,
  type NamedTensors,
  type Tensor,
  Trainer,
  accuracy,
  mae,
} from '../../lib/index.js';

type Heads = { readonly digit: Tensor; readonly angle: Tensor };

class TwoHeads extends Layer<[Tensor], Heads> {
  forward(x: Tensor): Heads {
    return { digit: x, angle: x };
  }
}

/** Of names that only its data say. */
class ManyHeads extends Layer<[Tensor], NamedTensors> {
  forward(x: Tensor): NamedTensors {
    return { a: x };
  }
}

const [digit, angle, optimizer] = [new CrossEntropyLoss(), new MSELoss(), new Adam()];

describe('names of outputs in types', () => {
  it('of losses and metrics are those of the model', () => {
    const loss = new Losses({ digit, angle }, { weights: { angle: 0.1 } });
    assert.equal(loss.losses.angle, angle);
    new Trainer(new TwoHeads(), { loss, optimizer, metrics: [accuracy().of('digit'), mae().of('angle').as('off'), mae().of('digit')] });
    const metrics = [accuracy().of('digit'), mae().of('angle')];
    new Trainer(new TwoHeads(), { loss: new Losses({ digit }), optimizer, metrics });
    // @ts-expect-error there is no such output
    new Trainer(new TwoHeads(), { loss: new Losses({ digit, angel: angle }), optimizer });
    // @ts-expect-error there is no such output
    new Trainer(new TwoHeads(), { loss, optimizer, metrics: [accuracy().of('digti')] });
    // @ts-expect-error the model has one output
    new Trainer(new Linear(1), { loss, optimizer });
    // @ts-expect-error a loss of one output
    new Losses({ digit, angle: loss });
  });
  it('of weights are those of the losses', () => {
    // @ts-expect-error there is no such loss
    assert.throws(() => new Losses({ digit }, { weights: { angle: 2 } }), { name: 'OptionError' });
  });
  it('may be known only as a program runs', () => {
    const named: Record<string, MSELoss> = { a: angle };
    const options: LossesOptions = { weights: { a: 2 } };
    const [name = '']: string[] = ['a'];
    const loss: Losses = new Losses(named, options);
    const metric: Metric<NamedTensors, NamedTensors> = mae().of(name);
    new Trainer(new ManyHeads(), { loss, optimizer, metrics: [metric] });
    new Trainer(new ManyHeads(), { loss: new Losses({ a: angle }), optimizer, metrics: [mae().of('a')] });
    new Trainer(new TwoHeads(), { loss, optimizer, metrics: [metric] });
    const some: Losses = new Losses({ digit, angle });
    assert.deepEqual(Object.keys(some.losses), ['digit', 'angle']);
  });
});
