import {
  Adam,
  type CpuInfo,
  CrossEntropyLoss,
  Linear,
  ReLU,
  Sequential,
  Trainer,
  array,
  cpuInfo,
  getThreads,
  setThreads,
} from '../index.js';
import { conv2d, elementwise, gemm, lstmForward } from '../kernels.js';
import { native } from '../native.js';

/** What bounds a rate: multiply-adds, or memory. */
export type Bound = 'FMA peak' | 'bandwidth';

/** One figure and, where something bounds it, its share of that, measured on as many threads. */
export interface Measurement {
  readonly what: string;
  readonly value: number;
  readonly unit: 'GB/s' | 'GFLOP/s' | 'µs' | 'ms';
  readonly share?: number | undefined;
  readonly of?: Bound | undefined;
}

/** What the machine can do on so many threads: the best of several slices. */
export interface Limits {
  readonly threads: number;
  /** Multiply-adds in registers alone. */
  readonly gigaflops: number;
  /** a + b of arrays far larger than any cache, two read and one written. */
  readonly gigabytes: number;
}

export interface BenchReport {
  readonly cpu: CpuInfo;
  readonly threads: number;
  /** On one thread, and on all that are used. */
  readonly limits: readonly Limits[];
  readonly measurements: readonly Measurement[];
}

/** Seconds of a call in slices of about 20 ms, the shortest first. */
function slices(call: () => void): number[] {
  call();
  const times: number[] = [];
  for (let slice = 0; slice < 7; slice++) {
    const start = performance.now();
    let calls = 0;
    do {
      call();
      calls++;
    } while (performance.now() - start < 20);
    times.push((performance.now() - start) / calls / 1000);
  }
  return times.sort((a, b) => a - b);
}

function secondsOf(call: () => void): number {
  const times = slices(call);
  return times[times.length >> 1]!;
}

const floatsInMemory = 1 << 24;

function limitsOf(threads: number): Limits {
  setThreads(threads);
  const rounds = 1 << 17;
  let flops = 0;
  const [shortest] = slices(() => (flops = native().fmaChains(rounds)));
  const [a, b, output] = [1, 2, 0].map((value) => new Float32Array(floatsInMemory).fill(value)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [quickest] = slices(() => elementwise({ op: 'add', a, b, output }));
  return { threads, gigaflops: flops / shortest! / 1e9, gigabytes: (12 * floatsInMemory) / quickest! / 1e9 };
}

/** The best of both. */
function larger(a: Limits, b: Limits): Limits {
  return { threads: a.threads, gigaflops: Math.max(a.gigaflops, b.gigaflops), gigabytes: Math.max(a.gigabytes, b.gigabytes) };
}

/** What reads and writes more than it computes. */
function overMemory(): Measurement {
  const [a, output] = [new Float32Array(floatsInMemory).fill(1), new Float32Array(floatsInMemory)];
  const seconds = secondsOf(() => elementwise({ op: 'relu', a, output }));
  return { what: 'relu of 16 M numbers', value: (8 * floatsInMemory) / seconds / 1e9, unit: 'GB/s' };
}

function product(size: number): Measurement {
  const [a, b, c] = [0, 1, 2].map((value) => new Float32Array(size * size).fill(value)) as [Float32Array, Float32Array, Float32Array];
  const seconds = secondsOf(() => gemm({ m: size, n: size, k: size, a, b, c }));
  return { what: `product ${size}³`, value: (2 * size ** 3) / seconds / 1e9, unit: 'GFLOP/s' };
}

function convolution(): Measurement {
  const [n, size, channels] = [8, 28, 64];
  const x = new Float32Array(n * size * size * channels).fill(1);
  const weight = new Float32Array(9 * channels * channels).fill(1);
  const y = new Float32Array(x.length);
  const shape = { n, h: size, w: size, c: channels, outChannels: channels, kernelSize: 3, padding: 1 };
  const seconds = secondsOf(() => conv2d({ ...shape, x, weight, y }));
  return {
    what: `convolution 3×3 of ${n}×${size}×${size}×${channels}`,
    value: (2 * 9 * channels * y.length) / seconds / 1e9,
    unit: 'GFLOP/s',
  };
}

/** The recurrent part of a layer: h·U and the gates; what the inputs add is an ordinary product. */
function recurrence(): Measurement {
  const [steps, n, hidden] = [32, 32, 256];
  const floats = (size: number): Float32Array => new Float32Array(size).fill(0.01);
  const [g, u, h0, c0] = [floats(steps * n * 4 * hidden), floats(4 * hidden ** 2), floats(n * hidden), floats(n * hidden)] as const;
  const [states, cells, gates] = [floats((steps + 1) * n * hidden), floats((steps + 1) * n * hidden), floats(g.length)] as const;
  const seconds = secondsOf(() => lstmForward({ steps, n, hidden, g, u, h0, c0, states, cells, gates }));
  return {
    what: `LSTM forward, ${steps} steps of ${n}×${hidden}`,
    value: (2 * steps * n * 4 * hidden ** 2) / seconds / 1e9,
    unit: 'GFLOP/s',
  };
}

/** The timer of the delay is due each so many milliseconds, and a histogram holds those between its calls. */
const due = 1;

/** Milliseconds that it was late: the 99th percentile. */
export function lateness(between: { percentile(share: number): number }): number {
  return Math.max(0, between.percentile(99) / 1e6 - due);
}

/** Trains a digit classifier for a second while a timer looks how late it is called. */
async function training(): Promise<{ readonly step: Measurement; readonly gigaflops: number; readonly delay: Measurement }> {
  const [rows, batchSize, epochs] = [8192, 128, 4];
  const data = { x: array(new Float32Array(rows * 784).fill(0.5), [rows, 784]), y: array(new Int32Array(rows)) };
  const model = new Sequential([new Linear(512), new ReLU(), new Linear(10)], { seed: 1 });
  const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam() });
  await trainer.fit(data, { epochs: 1, batchSize });
  const { monitorEventLoopDelay } = await import('node:perf_hooks');
  const delay = monitorEventLoopDelay({ resolution: due });
  delay.enable();
  const start = performance.now();
  await trainer.fit(data, { epochs, batchSize });
  const steps = (epochs * rows) / batchSize;
  const seconds = (performance.now() - start) / 1000 / steps;
  delay.disable();
  // Both layers forward and to their weights, the second to its input as well.
  const flops = 2 * batchSize * (2 * 784 * 512 + 3 * 512 * 10);
  return {
    step: { what: 'training step: 784-512-10, 128 rows', value: seconds * 1e6, unit: 'µs' },
    gigaflops: flops / seconds / 1e9,
    delay: { what: 'delay of the event loop meanwhile, p99', value: lateness(delay), unit: 'ms' },
  };
}

/** Measures this machine in some seconds. For comparisons with other libraries see bench/ in the repository. */
export async function bench(): Promise<BenchReport> {
  const threads = getThreads();
  const counts = [...new Set([1, threads])]; // The last is all threads, which stay.
  const before = counts.map(limitsOf);
  const computed = [product(64), product(256), product(1024), convolution(), recurrence()];
  const moved = overMemory();
  const { step, gigaflops, delay } = await training();
  // Before and after: on a machine that has other work too, one of them may have had less of it than the rest.
  const limits = counts.map(limitsOf).map((after, i) => larger(before[i]!, after));
  const most = limits.at(-1)!;
  const ofPeak = (measurement: Measurement, rate: number): Measurement => ({
    ...measurement,
    share: rate / most.gigaflops,
    of: 'FMA peak',
  });
  const measurements: Measurement[] = [
    ...computed.map((measurement) => ofPeak(measurement, measurement.value)),
    { ...moved, share: moved.value / most.gigabytes, of: 'bandwidth' },
    ofPeak(step, gigaflops),
    delay,
  ];
  return { cpu: cpuInfo(), threads, limits, measurements };
}

/** Figures that cannot be: all threads with a lower FMA peak than one, or a share above the whole. */
function disturbed({ limits, measurements }: BenchReport): boolean {
  const peaks = limits.map(({ gigaflops }) => gigaflops);
  return peaks.at(-1)! < peaks[0]! || measurements.some(({ share = 0 }) => share > 1);
}

export function formatBench(report: BenchReport): string {
  const { cpu, threads, limits, measurements } = report;
  const line = (what: string, value: number, unit: string): string =>
    `${what.padEnd(42)} ${value.toFixed(1).padStart(9)} ${unit.padEnd(8)}`;
  const threadsOf = (count: number): string => `${count} ${count === 1 ? 'thread' : 'threads'}`;
  const most = limits.flatMap(({ threads: count, gigaflops, gigabytes }) => {
    const on = `on ${threadsOf(count)}`;
    return [line(`FMA peak ${on}`, gigaflops, 'GFLOP/s'), line(`bandwidth ${on}`, gigabytes, 'GB/s')];
  });
  const rows = measurements.map(({ what, value, unit, share, of }) => {
    const percent = share === undefined ? '' : `${(100 * share).toFixed(0).padStart(3)} % of the ${of}`;
    return `${line(what, value, unit)} ${percent}`;
  });
  const doubt = disturbed(report) ? ['Something else used the machine meanwhile: run again when it is idle.'] : [];
  return [`${cpu.isa}, ${threadsOf(threads)}`, ...most, ...rows, ...doubt].map((row) => row.trimEnd()).join('\n');
}
