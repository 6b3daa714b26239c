import { gemmDrivers } from '../drivers/gemm.js';
import type { Case, Suite } from '../types.js';

type Form = 'NN' | 'NT' | 'TN';
type Size = readonly [m: number, n: number, k: number];

interface Shape {
  readonly name: string;
  readonly forms: readonly Form[];
  readonly sizes: readonly Size[];
  readonly batch?: number;
}

const all: readonly Form[] = ['NN', 'NT', 'TN'];
const cube = (size: number): Size => [size, size, size];

/** Products that occur in training, from multilayer perceptrons to convolutions, and the lists others are measured by. */
const shapes: readonly Shape[] = [
  { name: 'G1 MLP forward', forms: ['NN'], sizes: [[64, 256, 784]] },
  { name: 'G2 MLP dW', forms: ['TN'], sizes: [[784, 256, 64]] },
  { name: 'G3 hidden forward', forms: ['NN'], sizes: [[64, 128, 256]] },
  { name: 'G4 hidden dX', forms: ['NT'], sizes: [[64, 256, 128]] },
  { name: 'G5 classifier forward', forms: ['NN'], sizes: [[128, 10, 256]] },
  { name: 'G6 classifier dX', forms: ['NT'], sizes: [[128, 256, 10]] },
  { name: 'G7 classifier dW', forms: ['TN'], sizes: [[256, 10, 128]] },
  { name: 'G8–14 cube', forms: all, sizes: [32, 64, 128, 256, 512, 1024, 2048].map(cube) },
  { name: 'G15 LSTM step', forms: ['NN'], sizes: [[32, 1024, 256]] },
  { name: 'G16 LSTM step', forms: ['NN'], sizes: [[64, 2048, 512]] },
  { name: 'G17 LSTM x·W', forms: ['NN'], sizes: [[1600, 1024, 128]] },
  { name: 'G18 LSTM dU', forms: ['TN'], sizes: [[256, 1024, 1600]] },
  { name: 'G19 transformer qkv', forms: ['NN'], sizes: [[768, 1152, 384]] },
  { name: 'G20 transformer dW', forms: ['TN'], sizes: [[384, 1536, 768]] },
  { name: 'G21 attention', forms: ['NT'], sizes: [[64, 64, 64]], batch: 72 },
  { name: 'G22 vocabulary', forms: ['NT'], sizes: [[768, 65, 384]] },
  { name: 'G23 skinny', forms: ['NN'], sizes: [16, 32, 64, 128].map((m): Size => [m, 1760, 1760]) },
  { name: 'G24 wide', forms: ['NN'], sizes: [[64, 7680, 2560]] },
  { name: 'G25 1×1 convolution', forms: ['NN'], sizes: [[6272, 128, 512]] },
  { name: 'G26 3×3 convolution', forms: ['NN'], sizes: [[1568, 256, 2304]] },
  { name: 'G27 convolution dW', forms: ['TN'], sizes: [[576, 64, 25088]] },
  {
    name: 'G28 odd',
    forms: all,
    sizes: [
      [127, 129, 131],
      [255, 257, 511],
    ],
  },
  { name: 'G29 vector', forms: ['NN', 'NT'], sizes: [[1, 1024, 1024]] },
  {
    name: 'anchor',
    forms: ['NN'],
    sizes: [
      [128, 512, 784],
      [32, 512, 784],
      [64, 1024, 256],
      [8, 1024, 1024],
      [128, 10, 512],
    ],
  },
  {
    name: 'MNIST net',
    forms: all,
    sizes: [
      [32, 128, 784],
      [128, 512, 512],
    ],
  },
];

/** Leading dimensions that alias in the caches, and matrices that start between cache lines. */
const views = [
  { pitch: 256, offset: 0 },
  { pitch: 512, offset: 0 },
  { pitch: 1024, offset: 0 },
  { pitch: 0, offset: 1 },
  { pitch: 0, offset: 4 },
] as const;

function gemmCase(shape: Shape, form: Form, [m, n, k]: Size, threads: number, pitch = 0, offset = 0): Case {
  const batch = shape.batch ?? 1;
  const view = `${pitch > 0 ? ` pitch ${pitch}` : ''}${offset > 0 ? ` offset ${4 * offset} B` : ''}`;
  return {
    name: `${shape.name} ${form} ${batch > 1 ? `${batch}×` : ''}${m}×${n}×${k}${view}`,
    request: `${form} ${m} ${n} ${k} ${batch} ${pitch} ${offset}`,
    threads,
    flops: 2 * batch * m * n * k,
    bytes: 4 * batch * (m * k + k * n + m * n),
  };
}

const suite = { unit: 'GFLOP/s', rounds: 15, sliceMilliseconds: 10, drivers: gemmDrivers } as const;

export function gemmSuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.flatMap((threads) =>
    shapes.flatMap((shape) => shape.forms.flatMap((form) => shape.sizes.map((size) => gemmCase(shape, form, size, threads)))),
  );
  return { ...suite, name: 'gemm', cases };
}

export function gemmViewSuite(): Suite {
  const cases = shapes
    .slice(0, 7)
    .flatMap((shape) => views.map(({ pitch, offset }) => gemmCase(shape, shape.forms[0]!, shape.sizes[0]!, 1, pitch, offset)));
  return { ...suite, name: 'gemm-view', cases };
}
