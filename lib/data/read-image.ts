/** One image file as pixels. */
import { readFile } from 'node:fs/promises';
import { NdArray } from '../array.js';
import { FileError } from '../errors.js';
import { checkOptions } from '../options.js';
import { reasonOf } from '../reason.js';
import { imageDecoder } from './decode-image.js';
import { type FileOrBytes, fileOf } from './file.js';
import { type ImageOptions, imageRules, imageShape } from './image-options.js';

/**
 * Decodes one image, from a path or its bytes, as {@link imageFolder} decodes those it reads: for what a model that was trained on such a folder is
 * to see later, such as uploads to a server.   → [H, W, C], bytes
 * ```ts
 * const image = await readImage(upload, { size: 32, maxPixels: 25e6 });
 * const { data } = await model.predict(array(image.data, [1, ...image.shape]));
 * ```
 * @throws OptionError for wrong options; StateError if sharp is not installed; FileError if the file cannot be read or is no whole image that sharp reads, or
 *   one of more than `maxPixels`
 */
export async function readImage(file: FileOrBytes, options: ImageOptions): Promise<NdArray<Uint8Array>> {
  const { content, name } = fileOf('readImage', file);
  checkOptions('readImage', options, imageRules);
  const decode = await imageDecoder('readImage', options);
  try {
    return new NdArray(await decode(typeof content === 'string' ? await readFile(content) : content), imageShape(options));
  } catch (cause) {
    throw new FileError(`readImage: expected to read ${name}, got ${reasonOf(cause)}.`, { cause });
  }
}
