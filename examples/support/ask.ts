import { setTimeout as sleep } from 'node:timers/promises';
import type { NdArray } from 'lanewise';

/** Posts one digit after another to the server, about a hundred a second, and gives the milliseconds each answer took. */
export async function askRepeatedly(port: number, images: NdArray, signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; !signal.aborted; i = (i + 1) % images.shape[0]!) {
    const body = JSON.stringify([...images.rows(i, i + 1).data]);
    const begin = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}/predict`, { method: 'POST', body });
    await response.json();
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    times.push(performance.now() - begin);
    await sleep(10);
  }
  return times;
}

/** The value below which `share` of the numbers lie. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
