/** Labels 0 and 1 for a model of one score a row: a loss of classes says which one is for them. */
import assert from 'node:assert/strict';
import { CrossEntropyLoss, Linear, SGD, Trainer, array } from '../../lib/index.js';

describe('CrossEntropyLoss of one score a row', () => {
  it('names the loss for labels 0 and 1', () =>
    assert.rejects(
      new Trainer(new Linear(1), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) }).fit({
        x: array([[1], [2]]),
        y: array(Int32Array.of(0, 1)),
      }),
      { name: 'DataError', message: /got 1 at row 1\. Of one score a row, with labels 0 and 1, use BCEWithLogitsLoss\.$/ },
    ));
});
