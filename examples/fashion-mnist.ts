/**
 * Trains a net on Fashion-MNIST with shifted and mirrored images, and ends with a learning curve and a sheet of the worst mistakes.
 *
 *   npm run fashion-mnist -- [--model small|resnet] [--data FOLDER] [--epochs N] [--threads N] [--train-rows 60000] [--test-rows 10000]
 *                            [--out out/fashion-mnist]
 */
import { parseArgs } from 'node:util';
import { setThreads } from 'lanewise';
import { clothes, fashionMnist, packagedFolder } from './support/fashion-mnist.js';
import { fashionResnet, fashionSmall } from './support/recipes.js';
import { trainAndReport } from './support/report.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'small' },
    data: { type: 'string', default: packagedFolder },
    epochs: { type: 'string' },
    threads: { type: 'string' },
    'train-rows': { type: 'string', default: '60000' },
    'test-rows': { type: 'string', default: '10000' },
    out: { type: 'string', default: 'out/fashion-mnist' },
  },
});
if (values.threads !== undefined) setThreads(Number(values.threads));
const recipe = values.model === 'resnet' ? fashionResnet : fashionSmall;

await trainAndReport({
  title: `Fashion-MNIST, ${values.model}`,
  recipe,
  train: await fashionMnist('train', Number(values['train-rows']), values.data),
  test: await fashionMnist('test', Number(values['test-rows']), values.data),
  epochs: Number(values.epochs ?? recipe.epochs),
  classNames: clothes,
  out: values.out,
});
