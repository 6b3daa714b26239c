/** Trains a classifier of digits and shows why it says what it says: which pixels speak for its answers, and what is left without them. */
import { writeFile } from 'node:fs/promises';
import { batchSize, digitClassifier } from './support/digit-classifier.js';
import { deletionTest, explanations } from './support/explanation.js';
import { flags, useOutput, useThreads, wholeNumber } from './support/flags.js';
import { counts, mnist } from './support/mnist.js';
import { ProgressBar } from './support/progress.js';
import { pictureSheet } from './support/sheet.js';

const values = flags('npm run explain: which pixels make a classifier of digits say what it says, by integrated gradients', {
  epochs: ['3', 'times all digits are gone through'],
  threads: ['', 'threads to compute on'],
  'train-rows': [String(counts.train), 'read only so many digits to train on'],
  'test-rows': ['1000', 'digits that are explained'],
  pixels: ['20', 'pixels that are taken away'],
  out: ['out/explain.svg', 'where the picture is written'],
});
useThreads(values.threads);
const epochs = wholeNumber('epochs', values.epochs);
const pixels = wholeNumber('pixels', values.pixels);

const train = await mnist('train', wholeNumber('train-rows', values['train-rows'], counts.train));
const test = await mnist('test', wholeNumber('test-rows', values['test-rows'], counts.test));
const { model, trainer } = digitClassifier(train.y.size, epochs);
await useOutput(values.out);
const bar = new ProgressBar();
await trainer.fit(train, { epochs, batchSize, validation: test, onProgress: bar.onProgress, callbacks: [bar] });

await writeFile(values.out, pictureSheet('What speaks for the answer (red) and against it (blue)', await explanations(model, test, 10), 8));
const { whole, telling, random } = await deletionTest(model, test, pixels);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
console.log(`\nread rightly: ${percent(whole)}; without ${pixels} random pixels of their ink ${percent(random)};`);
console.log(`without the ${pixels} pixels that speak most for the right answer ${percent(telling)}`);
console.log(`picture: ${values.out}`);
