/** MNIST read row by row by an LSTM of 128: at least 98.5 %. */
import { AdamW, CrossEntropyLoss, LSTM, Linear, type NdArray, Rescale, Sequential, Trainer, accuracy, array, cosineDecay } from 'lanewise';
import type { LabelledImages } from '../examples/support/images.js';
import { mnist } from '../examples/support/mnist.js';
import type { Finding } from './finding.js';

const target = 0.985;
const [epochs, batchSize] = [10, 128];

/** [N, 28, 28, 1] → 28 steps of 28 pixels */
const rows = ({ x, y }: LabelledImages): { readonly x: NdArray; readonly y: NdArray } => ({ x: array(x.data, x.shape.slice(0, 3)), y });

export async function run(): Promise<readonly Finding[]> {
  const [train, test] = [rows(await mnist('train', 60000)), rows(await mnist('test', 10000))];
  const model = new Sequential([new Rescale(1 / 255), new LSTM(128, { returnSequences: false }), new Linear(10)], { seed: 42 });
  const lr = cosineDecay(2e-3, { steps: epochs * Math.ceil(train.y.size / batchSize) });
  const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new AdamW({ lr }), metrics: [accuracy()], clipNorm: 1 });
  const begin = performance.now();
  await trainer.fit(train, { epochs, batchSize });
  const seconds = (performance.now() - begin) / 1000;
  const { accuracy: share } = await trainer.evaluate(test);
  return [
    {
      what: `test accuracy after ${epochs} epochs`,
      value: `${(100 * share!).toFixed(2)} % (${(seconds / epochs).toFixed(1)} s an epoch)`,
      target: `≥ ${(100 * target).toFixed(1)} %`,
      met: share! >= target,
    },
  ];
}
