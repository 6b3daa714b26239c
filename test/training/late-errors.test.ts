/** Errors that come as a fit ends. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Adam, type Batch, Linear, MSELoss, Trainer, array } from '../../lib/index.js';

const batch: Batch = { x: array(new Float32Array(8), [8, 1]), y: array(new Float32Array(8), [8, 1]) };
const trainer = (): Trainer => new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new Adam() });

describe('a fit fails by', () => {
  it('a promise of onProgress that is rejected after the last step', async () => {
    const onProgress = async ({ step }: { readonly step: number }): Promise<void> => {
      if (step > 1) return;
      await sleep(100);
      throw new Error('late');
    };
    await assert.rejects(trainer().fit([batch, batch], { onProgress }), { message: 'late' });
  });

  it('what a source throws that is closed before its end', async () => {
    function* failing(): Generator<Batch> {
      try {
        for (;;) yield batch;
      } finally {
        // eslint-disable-next-line no-unsafe-finally
        throw new Error('closing');
      }
    }
    await assert.rejects(trainer().fit(failing, { stepsPerEpoch: 2 }), { message: 'closing' });
    const onProgress = (): never => {
      throw new Error('first');
    };
    await assert.rejects(trainer().fit(failing, { stepsPerEpoch: 2, onProgress }), { message: 'first' });
    const signal = AbortSignal.timeout(20);
    await assert.rejects(trainer().fit(failing, { signal }), { name: 'TimeoutError' });
  });
});
