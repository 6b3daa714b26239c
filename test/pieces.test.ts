import assert from 'node:assert/strict';
import { inPieces } from '../lib/pieces.js';

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** How often the event loop turned until the promise was settled. */
async function turnsUntil(promise: Promise<void>): Promise<number> {
  let turns = 0;
  let pending = true;
  const count = (): void => {
    if (!pending) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  await promise.finally(() => (pending = false));
  return turns;
}

describe('work in pieces', () => {
  it('lets the event loop turn between long ones', async () => {
    let left = 10;
    const turns = await turnsUntil(
      inPieces(() => {
        spin(5);
        return --left > 0;
      }),
    );
    assert.equal(left, 0);
    assert.ok(turns >= 5, `${turns} turns`);
  });

  it('lets it turn as often when many are at it', async () => {
    const one = (): Promise<void> => {
      let left = 3;
      return inPieces(() => {
        spin(5);
        return --left > 0;
      });
    };
    const turns = await turnsUntil(Promise.all([one(), one(), one(), one()]).then(() => undefined));
    assert.ok(turns >= 8, `${turns} turns`);
  });

  it('gives each its turn, in order', async () => {
    const done: string[] = [];
    const work = (name: string, pieces: number): Promise<void> => {
      let left = pieces;
      return inPieces(() => {
        spin(5);
        return --left > 0;
      }).then(() => void done.push(name));
    };
    await Promise.all([work('long', 20), work('short', 1), work('other', 2)]);
    assert.deepEqual(done, ['short', 'other', 'long']);
  });

  it('is done at once if it is short', async () => {
    let left = 10;
    assert.equal(await turnsUntil(inPieces(() => --left > 0)), 0);
    assert.equal(left, 0);
  });

  it('ends with what a piece throws', async () => {
    await assert.rejects(
      inPieces(() => {
        throw new Error('broken');
      }),
      /broken/,
    );
  });
});
