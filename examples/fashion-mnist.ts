/** Trains a net on Fashion-MNIST with shifted and mirrored images, and ends with a learning curve and a sheet of the worst mistakes. */
import { clothes, counts, fashionMnist, packagedFolder } from './support/fashion-mnist.js';
import { choice, flags, useThreads, wholeNumber } from './support/flags.js';
import { fashionResnet, fashionSmall } from './support/recipes.js';
import { trainAndReport } from './support/report.js';

const values = flags('npm run fashion-mnist: a convolutional net learns to tell pieces of clothing apart', {
  model: ['small', 'the net: small or resnet'],
  data: [packagedFolder, 'the folder with the four files of Fashion-MNIST'],
  epochs: ['', 'times all images are gone through, where not as many as the net is meant for'],
  threads: ['', 'threads to compute on'],
  'train-rows': [String(counts.train), 'read only so many images to train on'],
  'test-rows': [String(counts.test), 'read only so many images to test with'],
  out: ['out/fashion-mnist', 'beginning of the names of the pictures'],
});
useThreads(values.threads);
const recipe = choice('model', values.model, { small: fashionSmall, resnet: fashionResnet });

await trainAndReport({
  title: `Fashion-MNIST, ${values.model}`,
  recipe,
  epochs: values.epochs === '' ? recipe.epochs : wholeNumber('epochs', values.epochs),
  train: await fashionMnist('train', wholeNumber('train-rows', values['train-rows'], counts.train), values.data),
  test: await fashionMnist('test', wholeNumber('test-rows', values['test-rows'], counts.test), values.data),
  classNames: clothes,
  out: values.out,
});
