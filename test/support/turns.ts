import assert from 'node:assert/strict';

/** The event loop has its turns while `work` goes on: none of them waits for a quarter of it. */
export async function checkTurns(work: () => Promise<unknown>): Promise<void> {
  // Of the processor: other work of the machine does not count.
  const used = (): number => process.cpuUsage().user / 1000;
  const begin = used();
  let [last, longest] = [begin, 0];
  const turn = (): void => {
    const now = used();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const turns = setInterval(turn, 1);
  await work();
  clearInterval(turns);
  turn();
  assert.ok(longest < (last - begin) / 4, `${longest} of ${last - begin} ms`);
}
