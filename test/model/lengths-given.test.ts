/** What is said of lengths where they cannot go. */
import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { GRU, LSTM, Linear, Sequential } from '../../lib/layers/index.js';
import { sample } from '../support/check-op.js';

const lengths = array(Int32Array.of(4, 2));

describe('lengths', () => {
  it('of the sequence that is fed are none for a stream', () => {
    for (const layer of [new LSTM(3), new GRU(3)])
      assert.throws(() => layer.build([[4, 3], []], { dtypes: ['float32', 'int32'] }).stream({ rows: 2, given: [lengths] }), {
        name: 'StateError',
        message: `${layer.constructor.name}.stream: expected given inputs that stay the same however many steps there are, got lengths of the sequence that is fed as given 0. Leave them out: every step that is fed counts.`,
      });
  });

  it('do not go through a Sequential', async () => {
    await assert.rejects(new Sequential([new LSTM(3), new Linear(2)]).predict([sample([2, 4, 3]), lengths]), {
      name: 'ShapeError',
      message:
        'Sequential: expected 1 input, got 2. Give as many as its forward takes; (...args) takes any number. Lengths and other further inputs need a layer of your own, whose forward gives them to the layers that take them.',
    });
  });
});
