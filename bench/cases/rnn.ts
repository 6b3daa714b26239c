import { rnnDrivers } from '../drivers/rnn.js';
import type { Case, Suite } from '../types.js';

/** As `drivers/rnn_reference.cc` has them: a GRU resets after the product with the state, as PyTorch has it, or before. */
type Cell = 'rnn' | 'lstm' | 'gru' | 'gru-before';

interface Shape {
  readonly name: string;
  readonly cell: Cell;
  /** Time, batch, inputs, hidden units. */
  readonly size: readonly [t: number, n: number, i: number, h: number];
}

/** Layers of well-known nets, from DeepBench and from models of language. */
const shapes: readonly Shape[] = [
  { name: 'R1 row-MNIST', cell: 'lstm', size: [28, 64, 28, 128] },
  { name: 'R2 IMDB-like', cell: 'lstm', size: [50, 32, 128, 128] },
  { name: 'R2 IMDB-like', cell: 'lstm', size: [200, 32, 128, 128] },
  { name: 'R3 DeepBench', cell: 'lstm', size: [150, 32, 256, 256] },
  { name: 'R4 DeepBench', cell: 'lstm', size: [25, 32, 512, 512] },
  { name: 'R5 DeepBench', cell: 'lstm', size: [25, 64, 1024, 1024] },
  { name: 'R6 char-rnn first', cell: 'lstm', size: [100, 32, 65, 256] },
  { name: 'R6 char-rnn second', cell: 'lstm', size: [100, 32, 256, 256] },
  { name: 'R7 GRU', cell: 'gru', size: [50, 64, 256, 256] },
  { name: 'R7 GRU', cell: 'gru-before', size: [50, 64, 256, 256] },
  { name: 'R8 DeepBench', cell: 'rnn', size: [50, 32, 1760, 1760] },
  { name: 'R9 batch 1', cell: 'lstm', size: [25, 1, 512, 512] },
  { name: 'text', cell: 'rnn', size: [64, 32, 64, 128] },
  { name: 'text', cell: 'lstm', size: [64, 32, 64, 256] },
  { name: 'text', cell: 'gru', size: [64, 32, 64, 256] },
  { name: 'text large', cell: 'lstm', size: [64, 64, 128, 512] },
];

/** Columns of the weights for each hidden unit. */
const gates: Readonly<Record<Cell, number>> = { rnn: 1, lstm: 4, gru: 3, 'gru-before': 3 };

function rnnCase({ name, cell, size }: Shape, threads: number): Case {
  const [t, n, i, h] = size;
  return {
    name: `${name} ${cell} T${t} N${n} I${i} H${h}`,
    request: `${cell} ${size.join(' ')}`,
    threads,
    // Products with the input and the state: forward, to the data and to the weights.
    flops: 3 * 2 * t * n * (i + h) * gates[cell] * h,
    bytes: 0,
  };
}

/** One recurrent layer over a whole sequence: forward and the gradients of its input, weights, bias and first state. */
export function rnnSuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.flatMap((threads) => shapes.map((shape) => rnnCase(shape, threads)));
  return { name: 'rnn', unit: 'GFLOP/s', cases, rounds: 5, sliceMilliseconds: 100, drivers: rnnDrivers };
}
