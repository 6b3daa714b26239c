import { type LabelledImages, type Split, idxFiles, idxPath, readImages } from './images.js';
import { Misuse } from './misuse.js';

/** Where Debian's package `dataset-fashion-mnist` puts the four files. */
export const packagedFolder = '/usr/share/datasets/fashion-mnist';

/** Images of each of its sets. */
export { counts } from './mnist.js';

export const clothes = ['T-shirt', 'trousers', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'boot'];

/** Fashion-MNIST from a folder with its four files, gzipped or not. @throws Misuse that says where to get them */
export async function fashionMnist(split: Split, rows: number, folder: string = packagedFolder): Promise<LabelledImages> {
  const missing = Object.values(idxFiles)
    .flat()
    .filter((name) => idxPath(folder, name) === undefined);
  if (missing.length > 0) {
    throw new Misuse(
      `expected Fashion-MNIST in ${folder}, got no ${missing.join(', ')} there, gzipped or not. On Debian and Ubuntu: apt-get install ` +
        'dataset-fashion-mnist. Elsewhere: put the four .gz files of https://github.com/zalandoresearch/fashion-mnist into a folder and ' +
        'name it with --data FOLDER.',
    );
  }
  return readImages(folder, split, rows);
}
