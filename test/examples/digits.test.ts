import assert from 'node:assert/strict';
import { digits2022 } from '../../accuracy/support/digits-2022.js';
import { counts, digits1989 } from '../../examples/support/digits-1989.js';

/** What numpy.random.permutation begins with, seeded with 1337: of 10,000, then of 60,000. */
const drawn = { test: [9927, 3245, 2303, 7707, 8820], train: [6177, 36861, 23675, 34991, 9241] } as const;

describe('digits of 1989', function () {
  this.timeout(60000);
  for (const split of ['test', 'train'] as const) {
    it(`are those of the published reproduction, ${split}`, async () => {
      const { x, y } = await digits2022(split);
      assert.deepEqual(x.shape, [counts[split], 16, 16, 1]);
      assert.equal(y.size, counts[split]);
      const first = await digits1989(split, Int32Array.from(drawn[split]));
      assert.deepEqual(x.data.subarray(0, first.x.size), first.x.data);
      assert.deepEqual(y.data.subarray(0, drawn[split].length), first.y.data);
    });
  }
});
