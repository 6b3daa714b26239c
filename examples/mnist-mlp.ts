/**
 * Trains a multilayer perceptron (784-512-512-10, dropout 0.2) on MNIST, with a progress bar, and ends with the test accuracy,
 * a confusion table and a saved model.
 *
 *   npm run mnist -- [--epochs 20] [--threads N] [--train-rows 60000] [--test-rows 10000] [--out out/digits.safetensors]
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuInfo, getThreads, setThreads } from 'lanewise';
import { confusionTable } from './support/confusion.js';
import { batchSize, digitClassifier } from './support/digit-classifier.js';
import { mnist } from './support/mnist.js';
import { progressBar } from './support/progress.js';

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '20' },
    threads: { type: 'string' },
    'train-rows': { type: 'string', default: '60000' },
    'test-rows': { type: 'string', default: '10000' },
    out: { type: 'string', default: 'out/digits.safetensors' },
  },
});
if (values.threads !== undefined) setThreads(Number(values.threads));
const epochs = Number(values.epochs);

const train = await mnist('train', Number(values['train-rows']));
const test = await mnist('test', Number(values['test-rows']));
console.log(`${train.y.size} training and ${test.y.size} test digits; ${cpuInfo().isa}, ${getThreads()} threads`);

const { model, trainer } = digitClassifier(train.y.size, epochs);
const bar = progressBar(epochs);
const begin = performance.now();
await trainer.fit(train, { epochs, batchSize, validation: test, onProgress: bar.onProgress, callbacks: [bar] });
const seconds = (performance.now() - begin) / 1000;

const { accuracy: share } = await trainer.evaluate(test);
console.log(`\n${confusionTable(test.y.data, await model.predict(test.x))}\n`);
console.log(model.summary().toString());
await mkdir(dirname(values.out), { recursive: true });
await model.save(values.out);
console.log(
  `\ntest accuracy ${(100 * share!).toFixed(2)} % after ${epochs} epochs in ${seconds.toFixed(1)} s; model saved to ${values.out}`,
);
