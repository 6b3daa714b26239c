/** Trains a convolutional net on augmented images and prints a hash of the weights: tsx augment-hash.ts THREADS. */
import { createHash } from 'node:crypto';
import {
  Adam,
  AvgPool2d,
  BatchNorm,
  Conv2d,
  CrossEntropyLoss,
  DepthwiseConv2d,
  Dropout,
  Dropout2d,
  Flatten,
  GroupNorm,
  Linear,
  MaxPool2d,
  Normalize,
  ReLU,
  Sequential,
  Trainer,
  array,
  cutout,
  mixup,
  randomCrop,
  randomFlip,
  randomRotation,
  randomShift,
  setThreads,
} from '../../lib/index.js';
import { images } from './images.js';

setThreads(Number(process.argv[2] ?? 1));
const rows = 310;
/** Every kind of kernel: strides, transforms, depthwise, 1×1, normalisation, pooling, dropout. */
const model = new Sequential(
  [
    new Normalize({ mean: [120, 130, 125], std: [70, 75, 72] }),
    new Conv2d(16, 5, { stride: 2, padding: 2 }),
    new ReLU(),
    new Conv2d(24, 3, { padding: 1, bias: false }),
    new BatchNorm(),
    new ReLU(),
    new MaxPool2d(3, { stride: 2, padding: 1 }),
    new Dropout2d(0.1),
    new DepthwiseConv2d(3, { padding: 1 }),
    new Conv2d(40, 1),
    new GroupNorm(5),
    new ReLU(),
    new Conv2d(33, 3),
    new AvgPool2d(2),
    new Flatten(),
    new Dropout(0.2),
    new Linear(10),
  ],
  { seed: 42 },
);
const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam() });
const data = { x: images([rows, 27, 29, 3], 'uint8'), y: array(Int32Array.from({ length: rows }, (_, i) => i % 10)) };
const augment = [
  randomShift(2),
  randomRotation(15),
  randomFlip(),
  cutout(7),
  randomCrop({ padding: 2, height: 26 }),
  mixup({ alpha: 0.4, classes: 10 }),
];
await trainer.fit(data, { epochs: 10, batchSize: 32, augment });
const hash = createHash('sha256');
for (const { data: values } of model.weights().values()) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
console.log(trainer.steps, hash.digest('hex'));
