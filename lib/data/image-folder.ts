/** Folders of image files, one a class. */
import { readFile } from 'node:fs/promises';
import { basename, extname, join, relative } from 'node:path';
import { NdArray } from '../array.js';
import { FileError, OptionError, formatShape } from '../errors.js';
import { sizeOf } from '../graph/tensor.js';
import { type Rule, checkOptions, count, either, oneOf, required, tuple } from '../options.js';
import { type Path, pathOf } from '../paths.js';
import { type Decode, imageDecoder } from './decode-image.js';
import { entriesOf, filesUnder } from './files-under.js';
import { reasonOf } from '../reason.js';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions {
  /** Pixels of each image as given out: [height, width], or one number for both. Files of another size are stretched. */
  readonly size: number | readonly [height: number, width: number];
  /** 1: grey, 0.299 R + 0.587 G + 0.114 B as PIL and OpenCV take it; 3: red, green, blue; 4: with opacity. Default: 3. */
  readonly channels?: 1 | 3 | 4 | undefined;
  /** What to do with a file that is no whole image: refuse the folder, or leave the file out and say so. Default: 'throw'. */
  readonly onError?: 'throw' | 'skip' | undefined;
}

/** The images of a directory, as {@link imageFolder} reads them. */
export interface ImageFolder {
  /** [N, H, W, C] */
  readonly x: NdArray<Uint8Array>;
  /** `[N]`: positions in `classes` */
  readonly y: NdArray<Int32Array>;
  /** Names of the sub-folders, in order of their code units. */
  readonly classes: readonly string[];
  /** The file of each row, from the directory on. */
  readonly files: readonly string[];
  /** Files left out and why. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/** As many as the threads Node reads and decodes on by default. */
const concurrency = 4;

/** Names of images end in one of these, in small or capital letters. */
const extensions: ReadonlySet<string> = new Set(
  ['avif', 'bmp', 'gif', 'heic', 'heif', 'jfif', 'jpe', 'jpeg', 'jpg', 'pgm', 'png', 'ppm', 'svg', 'tif', 'tiff', 'webp'].map(
    (name) => `.${name}`,
  ),
);

const channelCount: Rule = { expected: '1, 3 or 4', accepts: (value) => value === 1 || value === 3 || value === 4 };

/**
 * Reads a directory of image files with one sub-folder for each class, as deep as files lie in it. Rows are in order of class and
 * path, so that the same directory always gives the same data; `trainTestSplit({ x, y })` divides them. Links are followed; hidden files are
 * passed over, and so are those whose names do not end as those of images do: .avif, .bmp, .gif, .heic, .heif, .jfif, .jpe, .jpeg, .jpg, .pgm,
 * .png, .ppm, .svg, .tif, .tiff, .webp.
 *
 * Files are decoded some at a time on threads of the package sharp, which has to be installed beside this one and reads JPEG, PNG, WebP, GIF,
 * TIFF, AVIF and SVG, of several frames or pages the first; a file of another format is refused as a damaged one.
 *
 * @throws OptionError for wrong options or a size too large for the memory; StateError if sharp is not installed; FileError if the directory cannot be read, has no
 *   sub-folders or one without files, if no file can be read or, unless `onError` is 'skip', if one cannot
 */
export async function imageFolder(directory: Path, options: ImageFolderOptions): Promise<ImageFolder> {
  checkOptions('imageFolder', options, {
    size: required(either(count, tuple(2, count))),
    channels: channelCount,
    onError: oneOf('throw', 'skip'),
  });
  const { size, channels = 3, onError = 'throw' } = options;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const root = pathOf('imageFolder', 'directory', directory);
  const { classes, found } = await listFiles(root);
  const decode = await imageDecoder({ height, width, channels });

  const bytes = height * width * channels;
  const pixels = bytesFor([found.length, height, width, channels]);
  const reasons = new Map<number, string>();
  const read = async (i: number): Promise<void> => {
    const result = await decoded(join(root, found[i]!.file), decode);
    if (typeof result !== 'string') pixels.set(result, i * bytes);
    else if (onError === 'skip') reasons.set(i, result);
    else
      throw new FileError(
        `imageFolder: expected to read ${join(root, found[i]!.file)}, got ${result}. Repair or remove it, or pass onError: 'skip'.`,
      );
  };
  await forEachIndex(found.length, read);

  const kept = found.map((_, i) => i).filter((i) => !reasons.has(i));
  if (kept.length === 0) throw new FileError(`imageFolder: expected images in ${root}, got none that can be read.`);
  kept.forEach((from, to) => pixels.copyWithin(to * bytes, from * bytes, (from + 1) * bytes));
  return {
    x: new NdArray(kept.length === found.length ? pixels : pixels.slice(0, kept.length * bytes), [kept.length, height, width, channels]),
    y: new NdArray(
      Int32Array.from(kept, (i) => found[i]!.label),
      [kept.length],
    ),
    classes,
    files: kept.map((i) => found[i]!.file),
    skipped: [...reasons].sort(([a], [b]) => a - b).map(([i, reason]) => ({ file: found[i]!.file, reason })),
  };
}

/** @throws OptionError if there is no memory for so many */
function bytesFor(shape: readonly number[]): Uint8Array {
  try {
    return new Uint8Array(sizeOf(shape));
  } catch (cause) {
    throw new OptionError(
      `imageFolder: expected a size of which all images fit into memory, got ${sizeOf(shape)} bytes for ${formatShape(shape)}. Take a smaller size.`,
      { cause },
    );
  }
}

interface Listing {
  readonly classes: readonly string[];
  readonly found: readonly { readonly file: string; readonly label: number }[];
}

async function listFiles(directory: string): Promise<Listing> {
  const fail = (cause: unknown): never => {
    throw new FileError(`imageFolder: expected to read ${directory}, got ${reasonOf(cause)}.`, { cause });
  };
  const entries = await entriesOf(directory).catch(fail);
  const classes = entries
    .filter(({ isDirectory }) => isDirectory)
    .map(({ path }) => basename(path))
    .sort();
  if (classes.length === 0) throw new FileError(`imageFolder: expected one sub-folder for each class in ${directory}, got none.`);
  const found = [];
  for (const [label, name] of classes.entries()) {
    const paths = await filesUnder(join(directory, name)).catch(fail);
    const images = paths.filter((path) => extensions.has(extname(path).toLowerCase()));
    const files = images.map((path) => relative(directory, path)).sort();
    if (files.length === 0) throw new FileError(`imageFolder: expected images in each sub-folder of ${directory}, got none in ${name}.`);
    found.push(...files.map((file) => ({ file, label })));
  }
  return { classes, found };
}

/** The pixels, or why there are none. */
async function decoded(path: string, decode: Decode): Promise<Uint8Array | string> {
  try {
    return await decode(await readFile(path));
  } catch (error) {
    return reasonOf(error);
  }
}

/** Calls `task` for 0 … n − 1, a few at a time. After an error no further one starts, and those begun are waited for. */
async function forEachIndex(n: number, task: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < n) {
      try {
        await task(next++);
      } catch (error) {
        next = n;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(concurrency, n) }, work));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
