/**
 * Trains a multilayer perceptron (784-512-512-10, dropout 0.2) on MNIST, with a progress bar, and ends with the test accuracy,
 * a confusion table and a saved model.
 */
import { confusionMatrix, cpuInfo, getThreads } from 'lanewise';
import { confusionTable } from './support/confusion.js';
import { batchSize, digitClassifier } from './support/digit-classifier.js';
import { flags, useOutput, useThreads, wholeNumber } from './support/flags.js';
import { counts, mnist } from './support/mnist.js';
import { ProgressBar } from './support/progress.js';

const values = flags('npm run mnist: a multilayer perceptron learns to read the digits of MNIST', {
  epochs: ['20', 'times all digits are gone through'],
  threads: ['', 'threads to compute on'],
  'train-rows': [String(counts.train), 'read only so many digits to train on'],
  'test-rows': [String(counts.test), 'read only so many digits to test with'],
  out: ['out/digits.safetensors', 'where the model is saved'],
});
useThreads(values.threads);
const epochs = wholeNumber('epochs', values.epochs);

const train = await mnist('train', wholeNumber('train-rows', values['train-rows'], counts.train));
const test = await mnist('test', wholeNumber('test-rows', values['test-rows'], counts.test));
console.log(`${train.y.size} training and ${test.y.size} test digits; ${cpuInfo().isa}, ${getThreads()} threads`);

const { model, trainer } = digitClassifier(train.y.size, epochs);
await useOutput(values.out);
const bar = new ProgressBar();
const begin = performance.now();
await trainer.fit(train, { epochs, batchSize, validation: test, onProgress: bar.onProgress, callbacks: [bar] });
const seconds = (performance.now() - begin) / 1000;

const { accuracy: share } = await trainer.evaluate(test);
console.log(`\n${confusionTable(confusionMatrix(await model.predict(test.x), test.y))}\n`);
console.log(model.summary().toString());
await model.save(values.out);
console.log(
  `\ntest accuracy ${(100 * share!).toFixed(2)} % after ${epochs} epochs in ${seconds.toFixed(1)} s; model saved to ${values.out}`,
);
