/**
 * Trains a small network for 200 steps and prints a hash of its weights: tsx train-hash.ts THREADS.
 * Sizes are odd and large enough that products, maps and reductions are split between threads.
 */
import { createHash } from 'node:crypto';
import { Adam, CrossEntropyLoss, Dropout, GELU, LayerNorm, Linear, ReLU, Sequential, Tanh, Trainer, setThreads } from '../../lib/index.js';
import { classProblem } from './problems.js';

setThreads(Number(process.argv[2] ?? 1));
const model = new Sequential(
  [new Linear(257), new ReLU(), new Dropout(0.2), new Linear(130), new LayerNorm(), new GELU(), new Linear(65), new Tanh(), new Linear(10)],
  { seed: 42 },
);
const trainer = new Trainer(model, { loss: new CrossEntropyLoss({ labelSmoothing: 0.1 }), optimizer: new Adam(), clipNorm: 1 });
// 10 batches of 96 rows and one of 40 make 11 steps an epoch; 200 steps are 18 epochs and 2 steps.
const data = classProblem(1000, 391, 10);
await trainer.fit(data, { epochs: 18, batchSize: 96 });
for (let i = 0; i < 2; i++) await trainer.step({ x: data.x.rows(0, 96), y: data.y.rows(0, 96) });
const hash = createHash('sha256');
for (const { data: values } of model.weights().values()) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
console.log(trainer.steps, hash.digest('hex'));
