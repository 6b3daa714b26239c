import assert from 'node:assert/strict';
import { ProgressBar } from '../../examples/support/progress.js';

/** What `body` writes to a terminal of so many columns. */
function onTerminal(columns: number, body: () => void): string {
  let written = '';
  const changed = [process.stdout, process.stderr].flatMap((stream) => {
    const terminal = { isTTY: true, columns, write: (text: string) => ((written += text), true) };
    return Object.entries(terminal).map(([name, value]) => {
      const before = Object.getOwnPropertyDescriptor(stream, name);
      Object.defineProperty(stream, name, { value, configurable: true, writable: true });
      return () => (before === undefined ? Reflect.deleteProperty(stream, name) : Object.defineProperty(stream, name, before));
    });
  });
  try {
    body();
  } finally {
    for (const restore of changed) restore();
  }
  return written;
}

describe('the progress bar of the examples', () => {
  for (const columns of [40, 200]) {
    const written = (): string =>
      onTerminal(columns, () => {
        const bar = new ProgressBar();
        const progress = { epoch: 12, epochs: 20, step: 235, steps: 470, loss: 0.25 };
        bar.onProgress({ ...progress, step: 0 });
        bar.onProgress(progress);
        bar.onEpoch({ epoch: 12, loss: 0.25, metrics: {}, seconds: 1 } as Parameters<typeof bar.onEpoch>[0]);
      });

    it(`fits in ${columns} columns, half full after half of the steps`, () => {
      // eslint-disable-next-line no-control-regex
      const lines = written().split(/\x1b(?:\[[?\d;]*[A-Za-z]|\d)/);
      const half = lines.find((line) => line.includes('235/470'))!;
      assert.match(half, /^epoch 12\/20 {2}loss 0\.2500 {2}235\/470 (=+)-{1,20}$/);
      assert.equal(half.match(/=/g)!.length, half.match(/-/g)!.length);
      assert.ok(half.length <= columns, half);
    });

    it(`changes no setting of a terminal of ${columns} columns, which Ctrl-C would leave so`, () => {
      assert.ok(!written().includes('\x1b[?'));
    });
  }
});
