/** Trains a convolutional net on MNIST with shifted digits, and ends with a learning curve and a sheet of the worst mistakes. */
import { choice, flags, useThreads, wholeNumber } from './support/flags.js';
import { counts, mnist } from './support/mnist.js';
import { mnistConvnet, mnistLenet5 } from './support/recipes.js';
import { trainAndReport } from './support/report.js';

const values = flags('npm run mnist-cnn: a convolutional net learns to read the digits of MNIST', {
  model: ['keras', 'the net: keras or lenet5'],
  epochs: ['', 'times all digits are gone through, where not as many as the net is meant for'],
  threads: ['', 'threads to compute on'],
  'train-rows': [String(counts.train), 'read only so many digits to train on'],
  'test-rows': [String(counts.test), 'read only so many digits to test with'],
  out: ['out/mnist-cnn', 'beginning of the names of the pictures'],
});
useThreads(values.threads);
const recipe = choice('model', values.model, { keras: mnistConvnet, lenet5: mnistLenet5 });

await trainAndReport({
  title: `MNIST, ${values.model}`,
  recipe,
  epochs: values.epochs === '' ? recipe.epochs : wholeNumber('epochs', values.epochs),
  train: await mnist('train', wholeNumber('train-rows', values['train-rows'], counts.train)),
  test: await mnist('test', wholeNumber('test-rows', values['test-rows'], counts.test)),
  classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
  out: values.out,
});
