/**
 * Trains a convolutional net on MNIST with shifted digits, and ends with a learning curve and a sheet of the worst mistakes.
 *
 *   npm run mnist-cnn -- [--model keras|lenet5] [--epochs N] [--threads N] [--train-rows 60000] [--test-rows 10000] [--out out/mnist-cnn]
 */
import { parseArgs } from 'node:util';
import { setThreads } from 'lanewise';
import { mnist } from './support/mnist.js';
import { mnistConvnet, mnistLenet5 } from './support/recipes.js';
import { trainAndReport } from './support/report.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'keras' },
    epochs: { type: 'string' },
    threads: { type: 'string' },
    'train-rows': { type: 'string', default: '60000' },
    'test-rows': { type: 'string', default: '10000' },
    out: { type: 'string', default: 'out/mnist-cnn' },
  },
});
if (values.threads !== undefined) setThreads(Number(values.threads));
const recipe = values.model === 'lenet5' ? mnistLenet5 : mnistConvnet;

await trainAndReport({
  title: `MNIST, ${values.model}`,
  recipe,
  train: await mnist('train', Number(values['train-rows'])),
  test: await mnist('test', Number(values['test-rows'])),
  epochs: Number(values.epochs ?? recipe.epochs),
  classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
  out: values.out,
});
