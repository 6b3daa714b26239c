import { build } from './build.js';
import { DriverProcess } from './process.js';
import type { Limits } from './types.js';
import { median } from './statistics.js';

/** Working sets in bytes a thread: in L1, in L2, in L3, in memory. */
const workingSets = [24 << 10, 768 << 10, 8 << 20, 256 << 20];

/** The machine's limits, measured in this run; keeps a process to look at the FMA peak again around every round. */
export class LimitMeter implements Limits {
  readonly peak = new Map<number, number>();
  readonly bandwidth = new Map<number, Map<number, number>>();
  private readonly drivers = new Map<number, DriverProcess>();

  async start(threadCounts: readonly number[]): Promise<void> {
    const program = build('limits', { source: 'limits.cc', flags: ['-march=native', '-mprefer-vector-width=512'] });
    for (const threads of threadCounts) {
      const driver = new DriverProcess({ peer: 'limits', variant: '', command: [program!], environment: {} }, threads);
      this.drivers.set(threads, driver);
      const bandwidth = new Map<number, number>();
      for (const bytes of workingSets) bandwidth.set(bytes, await rate(driver, `triad ${bytes}`, 100));
      this.bandwidth.set(threads, bandwidth);
      const ymm = await rate(driver, 'fma 32', 100);
      const zmm = await rate(driver, 'fma 64', 100);
      this.peak.set(threads, Math.max(ymm, zmm));
      this.flops.set(threads, (await driver.prepare(ymm > zmm ? 'fma 32' : 'fma 64'))[0]!);
    }
  }

  /** The FMA peak now, in FLOP per second. */
  async peakNow(threads: number): Promise<number> {
    return this.flops.get(threads)! / (await this.drivers.get(threads)!.time(3)).median;
  }

  stop(): void {
    for (const driver of this.drivers.values()) driver.stop();
  }

  private readonly flops = new Map<number, number>();
}

/** Units of work a second: the median of several short slices. */
async function rate(driver: DriverProcess, request: string, milliseconds: number): Promise<number> {
  const [work] = await driver.prepare(request);
  const seconds: number[] = [];
  for (let i = 0; i < 5; i++) seconds.push((await driver.time(milliseconds / 5)).median);
  return work! / median(seconds);
}

/** Bytes a second at which a working set can stream: that of the smallest measured one that holds it. */
export function bandwidthFor(limits: Limits, threads: number, bytes: number): number {
  const measured = [...limits.bandwidth.get(threads)!];
  return (measured.find(([size]) => bytes <= size * threads) ?? measured.at(-1)!)[1];
}
