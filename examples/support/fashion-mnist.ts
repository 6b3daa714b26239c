import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type LabelledImages, type Split, readImages } from './images.js';

/** Where Debian's package `dataset-fashion-mnist` puts the four files. */
export const packagedFolder = '/usr/share/datasets/fashion-mnist';

export const clothes = ['T-shirt', 'trousers', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'boot'];

/** Fashion-MNIST from a folder with its four files. @throws Error that says where to get them */
export async function fashionMnist(split: Split, rows: number, folder: string = packagedFolder): Promise<LabelledImages> {
  if (!existsSync(join(folder, 'train-images-idx3-ubyte.gz'))) {
    throw new Error(
      `expected Fashion-MNIST in ${folder}, got no train-images-idx3-ubyte.gz there. On Debian and Ubuntu: apt-get install ` +
        'dataset-fashion-mnist. Elsewhere: put the four .gz files of https://github.com/zalandoresearch/fashion-mnist into a folder and ' +
        'name it with --data FOLDER.',
    );
  }
  return readImages(folder, split, rows, '.gz');
}
