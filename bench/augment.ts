/** What augmentation adds to a training step: node --import tsx bench/augment.ts. Alternates both, prints medians and their ratio. */
import { type Augmentation, Adam, CrossEntropyLoss, Trainer, array, randomFlip, randomRotation, randomShift, setThreads } from 'lanewise';
import { lenet5 } from '../examples/models/lenet5.js';
import { vgg } from '../examples/models/vgg.js';
import { median } from './statistics.js';

setThreads(Number(process.env.BENCH_THREADS ?? 1));
const rounds = Number(process.env.BENCH_ROUNDS ?? 7);

interface Workload {
  readonly name: string;
  readonly model: ReturnType<typeof vgg>;
  readonly image: readonly number[];
  readonly steps: number;
  readonly augment: readonly Augmentation[];
}

const workloads: readonly Workload[] = [
  { name: 'LeNet-5, shift + rotation', model: lenet5(), image: [28, 28, 1], steps: 40, augment: [randomShift(2), randomRotation(10)] },
  { name: 'VGG-like, shift + flip', model: vgg(), image: [32, 32, 3], steps: 2, augment: [randomShift(4), randomFlip()] },
];

for (const { name, model, image, steps, augment } of workloads) {
  const rows = 64 * steps;
  const bytes = Uint8Array.from({ length: rows * image.reduce((a, b) => a * b) }, (_, i) => (i * 7919) % 251);
  const data = { x: array(bytes, [rows, ...image]), y: array(Int32Array.from({ length: rows }, (_, i) => i % 10)) };
  const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam() });
  const step = async (list: readonly Augmentation[]): Promise<number> => {
    const { epochs } = await trainer.fit(data, { batchSize: 64, augment: list });
    return epochs[0]!.seconds / steps;
  };
  await step([]);
  await step(augment);
  const [plain, changed]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    plain.push(await step([]));
    changed.push(await step(augment));
  }
  const microseconds = (seconds: number): string => `${(seconds * 1e6).toFixed(0)} µs`;
  const [a, b] = [median(plain), median(changed)];
  console.log(`${name}: ${microseconds(a)} without, ${microseconds(b)} with, ratio ${(b / a).toFixed(3)}`);
}
