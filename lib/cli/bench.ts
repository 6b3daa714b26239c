import { Adam, type CpuInfo, CrossEntropyLoss, Linear, ReLU, Sequential, Trainer, array, cpuInfo, getThreads } from '../index.js';
import { conv2d, elementwise, gemm, lstmForward } from '../kernels.js';

/** One rate: work per second, and its share of the best there is of that unit. */
export interface Measurement {
  readonly what: string;
  readonly value: number;
  readonly unit: 'GB/s' | 'GFLOP/s' | 'µs' | 'ms';
  /** Of the fastest product, convolution or recurrence measured. */
  readonly share?: number;
}

export interface BenchReport {
  readonly cpu: CpuInfo;
  readonly threads: number;
  readonly measurements: readonly Measurement[];
}

/** Median seconds of a call, from slices of about 20 ms. */
function secondsOf(call: () => void): number {
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
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/** Sums of arrays far larger than any cache: two are read, one is written. */
function bandwidth(): Measurement {
  const count = 1 << 24;
  const [a, b, output] = [new Float32Array(count).fill(1), new Float32Array(count).fill(2), new Float32Array(count)];
  return { what: 'memory: a + b', value: (12 * count) / secondsOf(() => elementwise({ op: 'add', a, b, output })) / 1e9, unit: 'GB/s' };
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

/** Trains a digit classifier for a second while a timer looks how late it is called. */
async function training(): Promise<Measurement[]> {
  const [rows, batchSize, epochs] = [8192, 128, 4];
  const data = { x: array(new Float32Array(rows * 784).fill(0.5), [rows, 784]), y: array(new Int32Array(rows)) };
  const model = new Sequential([new Linear(512), new ReLU(), new Linear(10)], { seed: 1 });
  const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam() });
  await trainer.fit(data, { epochs: 1, batchSize });
  const { monitorEventLoopDelay } = await import('node:perf_hooks');
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  await trainer.fit(data, { epochs, batchSize });
  const steps = (epochs * rows) / batchSize;
  const step: Measurement = {
    what: 'training step: 784-512-10, 128 rows',
    value: ((performance.now() - start) * 1000) / steps,
    unit: 'µs',
  };
  delay.disable();
  return [step, { what: 'delay of the event loop meanwhile, p99', value: delay.percentile(99) / 1e6, unit: 'ms' }];
}

/** Measures this machine in some seconds. For comparisons with other libraries see bench/ in the repository. */
export async function bench(): Promise<BenchReport> {
  const computed = [product(64), product(256), product(1024), convolution(), recurrence()];
  const peak = Math.max(...computed.map(({ value }) => value));
  const shares = computed.map((measurement) => ({ ...measurement, share: measurement.value / peak }));
  return { cpu: cpuInfo(), threads: getThreads(), measurements: [bandwidth(), ...shares, ...(await training())] };
}

export function formatBench({ cpu, threads, measurements }: BenchReport): string {
  const rows = measurements.map(({ what, value, unit, share }) => {
    const percent = share === undefined ? '' : `${(100 * share).toFixed(0)} %`.padStart(8);
    return `${what.padEnd(42)} ${value.toFixed(1).padStart(9)} ${unit.padEnd(8)}${percent}`;
  });
  return [`${cpu.isa}, ${threads} threads; percentages are of the fastest of them`, ...rows].join('\n');
}
