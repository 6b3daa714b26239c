import { layersDrivers } from '../drivers/step.js';
import type { Case, Suite } from '../types.js';

/** A training step with Adam of a few layers of one kind, towards outputs of zero: `drivers/layer_nets.ts` and `layer_nets.py` have them by name. */
export interface LayersRequest {
  readonly name: string;
  /** Of a batch: numbers in [0, 1), or ids below `ids`. */
  readonly input: readonly number[];
  readonly ids?: number;
}

const inputs: Readonly<Record<string, readonly number[]>> = {
  'autoencoder 784-128': [128, 784],
  'autoencoder 784-128, binary cross-entropy': [128, 784],
  'linear and GELU 784-512-512': [128, 784],
  'linear 4096': [64, 4096],
  '20 × linear 64 and tanh': [32, 64],
  '2 × linear 512 and dropout': [256, 1024],
  '4 × layer norm': [256, 512],
  '4 × batch norm': [256, 512],
  '4 × batch norm of images': [32, 16, 16, 64],
  '4 × group norm': [32, 16, 16, 64],
  'convolutions 5 of sequences': [32, 256, 64],
  'convolutions 7 of sequences, few channels': [32, 512, 4],
  'LeNet with tanh and mean pooling': [64, 28, 28, 1],
  'convolutions 5×5': [8, 32, 32, 32],
  'convolution 7×7 stride 2': [8, 96, 96, 3],
  'convolutions 3×3 dilated': [8, 32, 32, 32],
  'convolutions 3×3 in 4 groups': [8, 32, 32, 64],
  'convolutions 3×3 in 32 groups': [8, 28, 28, 128],
  'depthwise convolutions 3×3': [8, 32, 32, 64],
  'separable convolutions with batch norm': [8, 32, 32, 64],
  'pooling, transposed convolution': [4, 32, 32, 3],
  upsampling: [8, 32, 32, 32],
  '2 × attention of 8 heads': [16, 128, 128],
  'LSTM 64, both directions': [32, 50, 64],
  'GRU 64': [32, 50, 32],
  'RNN 32': [32, 50, 16],
  'LSTM 32, one sequence': [1, 200, 16],
  'embedding 20000 × 64': [64, 32],
};

/** What the other suites leave out: layers that are nobody's bottleneck until they are. */
export function layersSuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.flatMap((threads) =>
    Object.entries(inputs).map(([name, input]): Case => {
      const request: LayersRequest = { name, input, ...(name.startsWith('embedding') && { ids: 20_000 }) };
      return { name, request: JSON.stringify(request), threads, flops: 0, bytes: 0 };
    }),
  );
  return { name: 'layers', unit: 'µs', cases, rounds: 5, sliceMilliseconds: 150, drivers: layersDrivers };
}
