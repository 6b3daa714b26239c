/** Trains on augmented images and prints a hash of the weights: tsx augment-hash.ts THREADS. */
import { createHash } from 'node:crypto';
import {
  Adam,
  CrossEntropyLoss,
  Flatten,
  Linear,
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
const rows = 210;
const model = new Sequential(
  [new Normalize({ mean: [120, 130, 125], std: [70, 75, 72] }), new Flatten(), new Linear(67), new ReLU(), new Linear(10)],
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
await trainer.fit(data, { epochs: 5, batchSize: 64, augment });
const hash = createHash('sha256');
for (const { data: values } of model.weights().values()) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
console.log(trainer.steps, hash.digest('hex'));
