import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** The histogram holds the time between ticks of a timer of this many milliseconds. */
const resolution = 1;

/** 99th percentile, in seconds, of how much later than due the event loop came round. */
export async function delayP99(seconds: number): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  await sleep(seconds * 1e3);
  histogram.disable();
  return Math.max(0, histogram.percentile(99) / 1e9 - resolution / 1e3);
}
