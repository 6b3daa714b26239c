import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Driver } from './types.js';

const root = new URL('..', import.meta.url);

/** What a driver cannot or would not do; the bench goes on without it. */
export class Unsupported extends Error {}

/** A driver in a process of its own, speaking the line protocol of drivers/protocol.h. */
export class DriverProcess {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string, undefined>;

  constructor(
    readonly driver: Driver,
    threads: number,
  ) {
    const [file, ...args] = driver.command;
    this.child = spawn(file!, args, {
      cwd: root,
      stdio: ['pipe', 'pipe', process.env.BENCH_DEBUG === undefined ? 'ignore' : 'inherit'],
      env: { ...process.env, ...threadEnvironment(threads), ...driver.environment },
    });
    // A driver that is gone shows as the end of its lines.
    this.child.on('error', () => undefined);
    this.child.stdin!.on('error', () => undefined);
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** Sets a case up; returns the numbers of the answer. */
  prepare(request: string): Promise<number[]> {
    return this.ask(`prepare ${request}`);
  }

  /** Median and minimum seconds of one repetition. */
  async time(milliseconds: number): Promise<{ median: number; minimum: number }> {
    const [median, minimum] = await this.ask(`time ${milliseconds}`);
    return { median: median!, minimum: minimum! };
  }

  stop(): void {
    this.child.stdin!.end();
    this.child.kill();
  }

  private async ask(request: string): Promise<number[]> {
    this.child.stdin!.write(`${request}\n`);
    for (;;) {
      const { value: line } = await this.lines.next();
      if (line === undefined) throw new Error('the driver ended (BENCH_DEBUG=1 shows its messages)');
      const [status, ...rest] = line.split(' ');
      if (status === 'ok') return rest.map(Number);
      if (status === 'unsupported') throw new Unsupported(rest.join(' '));
      if (status === 'error') throw new Error(rest.join(' '));
      // Anything else is a library talking on stdout.
    }
  }
}

/**
 * The thread count in every dialect. OpenBLAS's idle workers go to sleep soon, so that they do not disturb the next driver; OpenMP's
 * threads are spread over the cores, or two that wake on the same one spin in each other's way for a whole slice.
 */
function threadEnvironment(threads: number): Record<string, string> {
  const count = String(threads);
  return {
    BENCH_THREADS: count,
    OMP_NUM_THREADS: count,
    OPENBLAS_NUM_THREADS: count,
    BLIS_NUM_THREADS: count,
    OPENBLAS_THREAD_TIMEOUT: '20',
    ...(threads > 1 && { OMP_PROC_BIND: 'true' }),
  };
}
