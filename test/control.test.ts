import assert from 'node:assert/strict';
import { Control } from '../lib/control.js';

describe('Control.unlessStopped', () => {
  const endless = async (): Promise<string> => new Promise<string>(() => undefined);

  it('gives what the task gives', async () => assert.equal(await new Control().unlessStopped(async () => 'done'), 'done'));

  it('throws what the task throws', async () =>
    assert.rejects(
      new Control().unlessStopped(() => Promise.reject(new Error('failed'))),
      /failed/,
    ));

  it('wakes all that wait when stopped', async () => {
    const control = new Control();
    const both = Promise.all([control.unlessStopped(endless), control.unlessStopped(endless)]);
    control.stop();
    assert.deepEqual(await both, [undefined, undefined]);
  });

  it('does not wait where the task itself stops it', async () => {
    const control = new Control();
    const stopping = async (): Promise<string> => {
      control.stop();
      return endless();
    };
    assert.equal(await control.unlessStopped(stopping), undefined);
  });
});
