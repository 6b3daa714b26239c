import {
  AvgPool2d,
  BatchNorm,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  DepthwiseConv2d,
  Dropout,
  Embedding,
  Flatten,
  GELU,
  GRU,
  GroupNorm,
  type Layer,
  LayerNorm,
  Linear,
  LSTM,
  MaxPool2d,
  MeanOverTime,
  MultiHeadAttention,
  ReLU,
  RNN,
  Sequential,
  Tanh,
  Upsample2d,
} from 'lanewise';

const times = (count: number, make: () => readonly Layer[]): Layer[] => Array.from({ length: count }, make).flat();
const same = { padding: 'same' } as const;

const nets: Readonly<Record<string, () => readonly Layer[]>> = {
  'autoencoder 784-128': () => [new Linear(128), new ReLU(), new Linear(784)],
  'autoencoder 784-128, binary cross-entropy': () => [new Linear(128), new ReLU(), new Linear(784)],
  'linear and GELU 784-512-512': () => [new Linear(512), new GELU(), new Linear(512), new GELU(), new Linear(10)],
  'linear 4096': () => [new Linear(4096)],
  '20 × linear 64 and tanh': () => times(20, () => [new Linear(64), new Tanh()]),
  '2 × linear 512 and dropout': () => times(2, () => [new Linear(512), new Dropout(0.5)]),
  '4 × layer norm': () => times(4, () => [new LayerNorm()]),
  '4 × batch norm': () => times(4, () => [new BatchNorm()]),
  '4 × batch norm of images': () => times(4, () => [new BatchNorm()]),
  '4 × group norm': () => times(4, () => [new GroupNorm(8)]),
  'convolutions 5 of sequences': () => times(2, () => [new Conv1d(64, 5, same)]),
  'convolutions 7 of sequences, few channels': () => [new Conv1d(16, 7, same), new ReLU(), new Conv1d(32, 7, { stride: 2 }), new ReLU()],
  'LeNet with tanh and mean pooling': () => [
    ...[new Conv2d(6, 5, { padding: 2 }), new Tanh(), new AvgPool2d(2)],
    ...[new Conv2d(16, 5), new Tanh(), new AvgPool2d(2), new Flatten()],
    ...[new Linear(120), new Tanh(), new Linear(84), new Tanh(), new Linear(10)],
  ],
  'convolutions 5×5': () => times(2, () => [new Conv2d(32, 5, same)]),
  'convolution 7×7 stride 2': () => [new Conv2d(64, 7, { stride: 2, padding: 3 })],
  'convolutions 3×3 dilated': () => times(2, () => [new Conv2d(32, 3, { ...same, dilation: 2 })]),
  'convolutions 3×3 in 4 groups': () => times(2, () => [new Conv2d(64, 3, { ...same, groups: 4 })]),
  'convolutions 3×3 in 32 groups': () => times(2, () => [new Conv2d(128, 3, { ...same, groups: 32 })]),
  'depthwise convolutions 3×3': () => times(2, () => [new DepthwiseConv2d(3, same)]),
  'separable convolutions with batch norm': () =>
    times(2, () => [new DepthwiseConv2d(3, same), new Conv2d(64, 1), new BatchNorm(), new ReLU()]),
  'pooling, transposed convolution': () => [
    ...[new Conv2d(32, 3, same), new ReLU(), new MaxPool2d(2), new Conv2d(64, 3, same), new ReLU()],
    ...[new ConvTranspose2d(32, 2, { stride: 2 }), new Conv2d(1, 1)],
  ],
  upsampling: () => [new Conv2d(16, 1), new Upsample2d({ scale: 2 }), new Conv2d(16, 3, same)],
  '2 × attention of 8 heads': () => times(2, () => [new MultiHeadAttention(8)]),
  'LSTM 64, both directions': () => [new LSTM(64, { bidirectional: true })],
  'GRU 64': () => [new GRU(64)],
  'RNN 32': () => [new RNN(32)],
  'LSTM 32, one sequence': () => [new LSTM(32)],
  'embedding 20000 × 64': () => [new Embedding(20_000, 64), new MeanOverTime(), new Linear(2)],
};

export function layerNet(name: string): Sequential {
  return new Sequential(nets[name]!(), { seed: 1 });
}
