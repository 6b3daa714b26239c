import assert from 'node:assert/strict';
import { Conv1d, LSTM, type Layer, Linear, Sequential } from '../../lib/layers/index.js';
import { MSELoss } from '../../lib/losses/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { sample } from '../support/check-op.js';

const batch = { x: sample([2, 6, 3], 1), y: sample([2, 6, 3], 2) };
const trainerOf = (layer: Layer): Trainer => new Trainer(new Sequential([layer]), { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });

describe('carryState of a model that keeps no state', () => {
  const error = {
    name: 'StateError',
    message:
      /Sequential: expected a model that keeps a state with carryState, got one with none\. Keep it by scope\.state\(\) and scope\.keep\(\), or leave carryState out\.$/,
  };
  for (const layer of [new Linear(3), new Conv1d(3, 3, { padding: 1 })])
    it(`is refused: ${layer.constructor.name}`, async () => {
      const trainer = trainerOf(layer);
      await assert.rejects(trainer.fit(batch, { carryState: true }), error);
      await assert.rejects(trainer.step(batch, { carryState: true }), error);
      await assert.rejects(trainer.evaluate(batch, { carryState: true, batchSize: 2 }), error);
    });
  it('is none of one that keeps one', () => assert.doesNotReject(trainerOf(new LSTM(3)).fit(batch, { carryState: true })));
});
