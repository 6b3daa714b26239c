/**
 * A tiny network for a million steps: resident memory must stay within 2 MB of what it was after the first thousand.
 * V8 collects when it likes, so garbage of the host is collected before each look.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Callback, CrossEntropyLoss, Linear, Philox, ReLU, SGD, Sequential, Trainer, array } from 'lanewise';
import type { Finding } from './finding.js';

const rows = 4000;
const batchSize = 4;
const stepsPerEpoch = rows / batchSize;
const epochs = 1_000_000 / stepsPerEpoch;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Resident megabytes after the first epoch and after each tenth part of all. */
class Watch extends Callback {
  readonly resident: number[] = [];

  override onEpoch({ epoch }: { readonly epoch: number }): void {
    if (epoch !== 1 && epoch % (epochs / 10) !== 0) return;
    collect();
    this.resident.push(process.memoryUsage().rss / 1e6);
  }
}

export async function run(): Promise<readonly Finding[]> {
  const x = array(new Philox(1).normal(rows * 3), [rows, 3]);
  const y = array(Int32Array.from({ length: rows }, (_, i) => (x.data[3 * i]! > 0 ? 1 : 0)));
  const model = new Sequential([new Linear(16), new ReLU(), new Linear(2)], { seed: 1 });
  const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
  const watch = new Watch();
  await trainer.fit({ x, y }, { epochs, batchSize, callbacks: [watch] });
  const { resident } = watch;
  const first = resident[0]!;
  const [smallest, largest] = [Math.min(...resident), Math.max(...resident)];
  return [
    {
      what: `resident memory from step ${stepsPerEpoch} to ${trainer.steps}`,
      value: `${first.toFixed(1)} MB at first, ${smallest.toFixed(1)} … ${largest.toFixed(1)} MB later`,
      target: '± 2 MB',
      met: largest - first <= 2 && first - smallest <= 2,
    },
  ];
}
