import { stepDrivers } from '../drivers/step.js';
import type { Case, Suite } from '../types.js';

/** A training step of a classifier with ReLU between its linear layers and cross-entropy after them: what every step driver is told. */
export interface StepRequest {
  readonly sizes: readonly number[];
  readonly batch: number;
  readonly optimizer: 'sgd' | 'adam';
  readonly learningRate: number;
  /** After each hidden activation; 0 for none. */
  readonly dropout: number;
  /** `stripes`: uniform inputs, the class is the stripe of inputs with the largest sum. `xor`: its four rows, over and over. */
  readonly data: 'stripes' | 'xor';
  readonly samples: number;
}

const nets: Readonly<Record<string, StepRequest>> = {
  'mlp 784-128-10 batch 32 SGD': {
    sizes: [784, 128, 10],
    batch: 32,
    optimizer: 'sgd',
    learningRate: 0.1,
    dropout: 0,
    data: 'stripes',
    samples: 8192,
  },
  'mlp 784-512-512-10 batch 128 Adam dropout 0.2': {
    sizes: [784, 512, 512, 10],
    batch: 128,
    optimizer: 'adam',
    learningRate: 0.001,
    dropout: 0.2,
    data: 'stripes',
    samples: 8192,
  },
  'tiny 3-16-2 batch 4 SGD': { sizes: [3, 16, 2], batch: 4, optimizer: 'sgd', learningRate: 0.1, dropout: 0, data: 'xor', samples: 4096 },
};

/** Forward, dW and (but for the first layer) dX: two FLOPs for each multiply-add. */
function stepFlops({ sizes, batch }: StepRequest): number {
  let flops = 0;
  for (let layer = 1; layer < sizes.length; layer++) flops += 2 * batch * sizes[layer - 1]! * sizes[layer]! * (layer === 1 ? 2 : 3);
  return flops;
}

export function stepSuite(): Suite {
  const cases = [1, 2].flatMap((threads) =>
    Object.entries(nets).map(([name, request]): Case => ({
      name,
      request: JSON.stringify(request),
      threads,
      flops: stepFlops(request),
      bytes: 0,
    })),
  );
  return { name: 'step', unit: 'µs', cases, rounds: 9, sliceMilliseconds: 150, drivers: stepDrivers };
}
