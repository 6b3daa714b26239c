/** Folders of image files, one a class. */
import { basename, extname, join, relative } from 'node:path';
import { append } from '../append.js';
import { NdArray } from '../array.js';
import { FileError } from '../errors.js';
import { sizeOf } from '../graph/shape.js';
import { checkOptions, oneOf } from '../options.js';
import { type Path, pathOf } from '../paths.js';
import { reasonOf } from '../reason.js';
import { classNames, normal } from './class-names.js';
import { type Decode, imageDecoder } from './decode-image.js';
import { bytesAt, entriesOf, filesUnder } from './files-under.js';
import { type ImageOptions, imageRules, imageShape } from './image-options.js';
import { newArray } from './new-array.js';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions extends ImageOptions {
  /** What to do with a file that is no whole image: refuse the folder, or leave the file out and say so. Default: 'throw'. */
  readonly onError?: 'throw' | 'skip' | undefined;
  /**
   * Names of the sub-folders to read, in the order of their ids: the `classes` of the folder a model was trained on, of which this one may lack some.
   * Others are left out; names that are the same in normal form (NFC) are one. Default: all there are, in order of their code units.
   */
  readonly classes?: readonly string[] | undefined;
}

/** The images of a directory, as {@link imageFolder} reads them. */
export interface ImageFolder {
  /** [N, H, W, C] */
  readonly x: NdArray<Uint8Array>;
  /** `[N]`: positions in `classes` */
  readonly y: NdArray<Int32Array>;
  /** Names of the sub-folders: those asked for, or all, in NFC and in order of their code units. */
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

/**
 * Reads a directory of image files with one sub-folder for each class, as deep as files lie in it. Rows are in order of class and
 * path, so that the same directory always gives the same data; `trainTestSplit({ x, y })` divides them. Links are followed; hidden files are
 * passed over, and so are those whose names do not end as those of images do: .avif, .bmp, .gif, .heic, .heif, .jfif, .jpe, .jpeg, .jpg, .pgm,
 * .png, .ppm, .svg, .tif, .tiff, .webp.
 *
 * Files are decoded some at a time on threads of the package sharp, which has to be installed beside this one and reads JPEG, PNG, WebP, GIF,
 * TIFF, AVIF and SVG, of several frames or pages the first. As it is installed it does not read BMP, PGM, PPM and HEIC: such a file is refused, not
 * passed over, and so is one of floats or of 32-bit integers, or of more than `maxPixels`. With 1 and 3 channels opacity is left out, as PIL's `convert('RGB')` does, and colours
 * under it come to light; with 4 those that are wholly transparent are black.
 *
 * @throws OptionError for wrong options or a size too large for the memory; StateError if sharp is not installed; FileError if the directory cannot be read, has no
 *   sub-folders, one without files where `classes` is not given, none with files where it is, or a link that leads nowhere, if no file can be read or, unless `onError` is 'skip', if one cannot
 */
export async function imageFolder(directory: Path, options: ImageFolderOptions): Promise<ImageFolder> {
  const {
    onError = 'throw',
    classes: asked,
    ...image
  } = checkOptions('imageFolder', options, {
    ...imageRules,
    onError: oneOf('throw', 'skip'),
    classes: classNames,
  });
  const root = pathOf('imageFolder', 'directory', directory);
  const { classes, found } = await listFiles(root, asked);
  const decode = await imageDecoder('imageFolder', image);

  const shape = imageShape(image);
  const bytes = sizeOf(shape);
  const pixels = newArray('imageFolder', Uint8Array, [found.length, ...shape], 'Take a smaller size.');
  const reasons = new Map<number, string>();
  await forEachIndex(found.length, async (i) => {
    const result = await decoded(join(root, found[i]!.file), decode);
    if (typeof result === 'string') reasons.set(i, result);
    else pixels.set(result, i * bytes);
    return onError === 'skip' || reasons.size === 0;
  });
  const failed = [...reasons.keys()].sort((a, b) => a - b);
  // libvips has one place for the messages of all threads: a file's own reason is that which it is refused for alone.
  for (const i of failed) {
    const path = join(root, found[i]!.file);
    const again = await decoded(path, decode);
    if (typeof again === 'string') reasons.set(i, again);
    if (onError === 'throw')
      throw new FileError(
        `imageFolder: expected to read ${path}, got ${reasons.get(i)}. Repair, convert or remove it, or pass onError: 'skip'.`,
      );
  }

  const kept = found.map((_, i) => i).filter((i) => !reasons.has(i));
  if (kept.length === 0) throw new FileError(`imageFolder: expected images in ${root}, got none that can be read.`);
  kept.forEach((from, to) => from === to || pixels.copyWithin(to * bytes, from * bytes, (from + 1) * bytes));
  return {
    x: new NdArray(kept.length === found.length ? pixels : pixels.slice(0, kept.length * bytes), [kept.length, ...shape]),
    y: new NdArray(
      Int32Array.from(kept, (i) => found[i]!.label),
      [kept.length],
    ),
    classes,
    files: kept.map((i) => found[i]!.file),
    skipped: failed.map((i) => ({ file: found[i]!.file, reason: reasons.get(i)! })),
  };
}

interface Listing {
  readonly classes: readonly string[];
  readonly found: readonly { readonly file: string; readonly label: number }[];
}

async function listFiles(directory: string, asked?: readonly string[]): Promise<Listing> {
  const fail = (cause: unknown): never => {
    throw new FileError(`imageFolder: expected to read ${directory}, got ${reasonOf(cause)}.`, { cause });
  };
  const entries = await entriesOf(directory).catch(fail);
  const dangling = entries.find(({ kind }) => kind === 'dangling link');
  if (dangling !== undefined)
    throw new FileError(
      `imageFolder: expected sub-folders or links to them in ${directory}, got the link ${basename(dangling.path)}, which leads nowhere. Remove or repair it.`,
    );
  const folders = new Map<string, string[]>();
  for (const { kind, path } of entries) if (kind === 'directory') append(folders, normal(basename(path)), path);
  if (folders.size === 0) throw new FileError(`imageFolder: expected one sub-folder for each class in ${directory}, got none.`);
  const found: { readonly file: string; readonly label: number }[][] = [];
  const classes = asked ?? [...folders.keys()].sort();
  for (const [label, name] of classes.entries()) {
    const paths: (readonly string[])[] = [];
    for (const folder of folders.get(normal(name)) ?? []) paths.push(await filesUnder(folder).catch(fail));
    const images = paths.flat().filter((path) => extensions.has(extname(path).toLowerCase()));
    const files = images.map((path) => relative(directory, path)).sort();
    if (files.length === 0 && asked === undefined)
      throw new FileError(`imageFolder: expected images in each sub-folder of ${directory}, got none in ${name}.`);
    found.push(files.map((file) => ({ file, label })));
  }
  if (found.every((files) => files.length === 0))
    throw new FileError(`imageFolder: expected images in the sub-folders ${classes.join(', ')} of ${directory}, got none.`);
  return { classes, found: found.flat() };
}

/** The pixels, or why there are none. */
async function decoded(path: string, decode: Decode): Promise<Uint8Array | string> {
  try {
    return await decode(await bytesAt(path));
  } catch (error) {
    return reasonOf(error);
  }
}

/** Calls `task` for 0 … n − 1, a few at a time. After one gives false no further one starts, and those begun are waited for. */
async function forEachIndex(n: number, task: (i: number) => Promise<boolean>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < n) if (!(await task(next++))) next = n;
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, n) }, work));
}
