/** Labels 0 and 1 for a model of one score a row: a loss of classes says which one is for them. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { CrossEntropyLoss, Linear, SGD, Trainer, array } from '../../lib/index.js';

describe('CrossEntropyLoss of one score a row', () => {
  const targets = [array(Int32Array.of(1, 0)), array([[1], [0]]), array([[1], [2]])];
  for (const y of targets)
    it(`names the loss for labels 0 and 1, got ${y.dtype} ${inspect(y.toNested())}`, () =>
      assert.rejects(
        new Trainer(new Linear(1), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) }).fit({ x: array([[1], [2]]), y }),
        { name: 'DataError', message: /, got .* at row \d.*\. Of one score a row, with labels 0 and 1, use BCEWithLogitsLoss\.$/ },
      ));
});
