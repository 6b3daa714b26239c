/** A tiny network for a million steps: resident memory must stay within 2 MB of what it was after the first thousand. */
import { CrossEntropyLoss, Linear, Philox, ReLU, SGD, Sequential, Trainer, array } from 'lanewise';
import type { Finding } from './finding.js';

const rows = 4000;
const batchSize = 4;
const stepsPerEpoch = rows / batchSize;

export async function run(): Promise<readonly Finding[]> {
  const x = array(new Philox(1).normal(rows * 3), [rows, 3]);
  const y = array(Int32Array.from({ length: rows }, (_, i) => (x.data[3 * i]! > 0 ? 1 : 0)));
  const trainer = new Trainer(new Sequential([new Linear(16), new ReLU(), new Linear(2)], { seed: 1 }), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }) });
  const resident: number[] = [];
  for (let epoch = 0; epoch < 1_000_000 / stepsPerEpoch; epoch++) {
    await trainer.fit({ x, y }, { batchSize });
    resident.push(process.memoryUsage().rss / 1e6);
  }
  const [first] = resident;
  const largest = Math.max(...resident);
  const change = Math.max(largest - first!, first! - Math.min(...resident));
  return [
    {
      what: `resident memory from step ${stepsPerEpoch} to ${trainer.steps}`,
      value: `${first!.toFixed(1)} MB at first, ${Math.min(...resident).toFixed(1)} … ${largest.toFixed(1)} MB later`,
      target: '± 2 MB',
      met: change <= 2,
    },
  ];
}
