/**
 * Trains a tiny network for a million steps and prints, as JSON, the resident megabytes after the first thousand and after each tenth part.
 * JavaScript, as a loader of TypeScript has a thread and garbage of its own.
 */
import { Callback, CrossEntropyLoss, Linear, Philox, ReLU, SGD, Sequential, Trainer, array } from 'lanewise';

const rows = 4000;
const batchSize = 4;
const stepsPerEpoch = rows / batchSize;
const epochs = 1_000_000 / stepsPerEpoch;

/** V8 collects when it likes, so garbage of the host is collected before each look: twice, as the first time leaves pages to be given back. */
class Watch extends Callback {
  /** @type {number[]} */
  resident = [];

  /** @param {{ readonly epoch: number }} event */
  onEpoch({ epoch }) {
    if (epoch !== 1 && epoch % (epochs / 10) !== 0) return;
    globalThis.gc();
    globalThis.gc();
    this.resident.push(process.memoryUsage().rss / 1e6);
  }
}

const x = array(new Philox(1).normal(rows * 3), [rows, 3]);
const y = array(Int32Array.from({ length: rows }, (_, i) => (x.data[3 * i] > 0 ? 1 : 0)));
const model = new Sequential([new Linear(16), new ReLU(), new Linear(2)], { seed: 1 });
const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
const watch = new Watch();
await trainer.fit({ x, y }, { epochs, batchSize, callbacks: [watch] });
console.log(JSON.stringify({ firstStep: stepsPerEpoch, lastStep: trainer.steps, resident: watch.resident }));
