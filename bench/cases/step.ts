import { memoryDrivers, stepDrivers, stepImagesDrivers, stepRowsDrivers } from '../drivers/step.js';
import type { Case, Suite } from '../types.js';

/** A net of examples/models, or an LSTM that reads an image row by row; `drivers/torch_nets.py` has them as well. */
export interface ImageNet {
  readonly name: 'lenet5' | 'keras-convnet' | 'vgg' | 'resnet18' | 'row-lstm';
  readonly image: readonly [h: number, w: number, c: number];
}

/** A training step of a classifier with ReLU between its linear layers and cross-entropy after them: what every step driver is told. */
export interface StepRequest {
  /** The net, where it is not one of linear layers; `sizes` are then its inputs and classes. */
  readonly net?: ImageNet;
  readonly sizes: readonly number[];
  readonly batch: number;
  readonly optimizer: 'sgd' | 'adam';
  readonly learningRate: number;
  /** After each hidden activation; 0 for none. */
  readonly dropout: number;
  /**
   * `stripes`: uniform inputs, the class is the stripe of inputs with the largest sum. `xor`: its four rows, over and over.
   * `textures`: noise over bands, whose direction and width are the class, for ten classes of images.
   */
  readonly data: 'stripes' | 'xor' | 'textures';
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

function imageRequest(net: ImageNet, batch: number, samples: number, optimizer: 'sgd' | 'adam', learningRate: number): StepRequest {
  const [h, w, c] = net.image;
  return { net, sizes: [h * w * c, 10], batch, optimizer, learningRate, dropout: 0, data: 'textures', samples };
}

const vgg32 = imageRequest({ name: 'vgg', image: [32, 32, 3] }, 32, 256, 'sgd', 0.01);

const imageNets: Readonly<Record<string, StepRequest>> = {
  'lenet5 28×28×1 batch 64 Adam': imageRequest({ name: 'lenet5', image: [28, 28, 1] }, 64, 4096, 'adam', 0.001),
  'keras-convnet 28×28×1 batch 64 Adam': imageRequest({ name: 'keras-convnet', image: [28, 28, 1] }, 64, 1024, 'adam', 0.001),
  'vgg 32×32×3 batch 32 SGD': vgg32,
  'resnet18 32×32×3 batch 32 SGD': imageRequest({ name: 'resnet18', image: [32, 32, 3] }, 32, 128, 'sgd', 0.01),
};

/** Forward, dW and (but for the first layer) dX: two FLOPs for each multiply-add. */
function stepFlops({ sizes, batch }: StepRequest): number {
  let flops = 0;
  for (let layer = 1; layer < sizes.length; layer++) flops += 2 * batch * sizes[layer - 1]! * sizes[layer]! * (layer === 1 ? 2 : 3);
  return flops;
}

export function stepSuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.flatMap((threads) =>
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

/** Steps of convolutional nets; against PyTorch, because no other peer trains them at a speed worth comparing. */
export function stepImagesSuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.flatMap((threads) =>
    Object.entries(imageNets).map(([name, request]): Case => ({ name, request: JSON.stringify(request), threads, flops: 0, bytes: 0 })),
  );
  return { name: 'step-images', unit: 'µs', cases, rounds: 5, sliceMilliseconds: 300, drivers: stepImagesDrivers };
}

/** A step of an LSTM over the rows of images: what a Node user gets elsewhere. */
export function stepRowsSuite(threadCounts: readonly number[]): Suite {
  const request = imageRequest({ name: 'row-lstm', image: [28, 28, 1] }, 64, 2048, 'adam', 0.003);
  const cases = threadCounts.map((threads): Case => ({
    name: 'row-lstm 128, 28 rows of 28, batch 64 Adam',
    request: JSON.stringify(request),
    threads,
    flops: 0,
    bytes: 0,
  }));
  return { name: 'step-rows', unit: 'µs', cases, rounds: 5, sliceMilliseconds: 300, drivers: stepRowsDrivers };
}

/** Peak resident memory of a process that trains. */
export function memorySuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.map((threads): Case => ({
    name: 'vgg 32×32×3 batch 32 SGD',
    request: JSON.stringify(vgg32),
    threads,
    flops: 0,
    bytes: 0,
  }));
  return { name: 'memory', unit: 'MB', cases, rounds: 1, sliceMilliseconds: 1, drivers: memoryDrivers };
}
