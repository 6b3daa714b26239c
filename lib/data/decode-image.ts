/** Image files as bytes of pixels, by the package sharp, which is only needed here. */
import type { default as sharpModule, OutputInfo, Sharp } from 'sharp';
import { StateError } from '../errors.js';
import { reasonOf } from '../reason.js';
import { viewOf } from './file.js';
import { type ImageOptions, imageShape } from './image-options.js';

/** Pixels [H, W, C] of a file's bytes. @throws Error with the reason if they are no whole image */
export type Decode = (file: Uint8Array) => Promise<Uint8Array>;

/** How sharp is imported; another way only for tests. */
export type ImportSharp = () => Promise<{ readonly default: typeof sharpModule }>;

const png: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** "IEND" */
const pngEnd = 0x4945_4e44;

/** @throws StateError if sharp is not installed */
export async function imageDecoder(what: string, options: ImageOptions, importSharp: ImportSharp = () => import('sharp')): Promise<Decode> {
  const { default: sharp } = await importSharp().catch((cause: unknown) => {
    throw new StateError(`${what}: expected the package sharp to decode images, got ${reasonOf(cause)}. Install it: npm install sharp.`, {
      cause,
    });
  });
  const [height, width, channels] = imageShape(options);
  const { maxPixels = 120_000_000 } = options;
  // Healthy photographs of some cameras make the decoder warn; what it cannot read, or not to its end, is an error.
  const open = (file: Uint8Array): Sharp => sharp(file, { failOn: 'error', limitInputPixels: maxPixels });
  const refused = (cause: unknown): never => refuse(cause, maxPixels);
  return async (file) => {
    if (png.every((byte, i) => file[i] === byte) && !endsPng(viewOf(file)))
      throw new Error('an image that is damaged or cut off (a PNG without its end)');
    if (file.length === 0) throw new Error('an empty file');
    const { depth, hasAlpha } = await open(file).metadata().catch(refused);
    if (depth !== 'uchar' && depth !== 'ushort')
      throw new Error(`an image of ${depth} samples, whose range is not known: convert it to 8 or 16 bits`);
    // rotate() turns photographs upright.
    let image = open(file).rotate();
    if (hasAlpha && channels !== 4) {
      // Resizing weighs colours by their opacity: it is left out before, so that files of any size give what lies under it.
      const { data, info } = await bytesOf(image.removeAlpha()).catch(refused);
      image = sharp(data, { raw: info, limitInputPixels: false });
    }
    const stretched = image.resize(width, height, { fit: 'fill' });
    const { data, info } = await bytesOf(channels === 4 ? stretched.ensureAlpha() : stretched.removeAlpha()).catch(refused);
    const pixels = channels === 1 ? greys(data) : data;
    if (pixels.length !== height * width * channels) throw new Error(`${info.channels} channels where ${channels} were asked for`);
    if (channels === 4) blackenInvisible(pixels);
    return pixels;
  };
}

function bytesOf(image: Sharp): Promise<{ readonly data: Uint8Array; readonly info: OutputInfo }> {
  return image.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
}

/** As resizing does, which files of the size asked for are spared. */
function blackenInvisible(rgba: Uint8Array): void {
  for (let i = 0; i < rgba.length; i += 4) if (rgba[i + 3] === 0) rgba.fill(0, i, i + 3);
}

/** 0.299 R + 0.587 G + 0.114 B, rounded, of sRGB bytes: Rec. 601, as PIL and OpenCV; sharp's own greys are made of linear light. */
function greys(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let i = 0; i < grey.length; i++) grey[i] = Math.round((299 * rgb[3 * i]! + 587 * rgb[3 * i + 1]! + 114 * rgb[3 * i + 2]!) / 1000);
  return grey;
}

/** Whether the last chunk, the end, is there: libpng stops before it when it has all pixels. A chunk is its length, type, data and sum. */
function endsPng(file: DataView): boolean {
  for (let at = png.length; at + 12 <= file.byteLength; at += 12 + file.getUint32(at)) if (file.getUint32(at + 4) === pngEnd) return true;
  return false;
}

/** @throws Error with the reason */
function refuse(cause: unknown, maxPixels: number): never {
  const [line = ''] = reasonOf(cause).split('\n');
  if (line.includes('unsupported image format')) throw new Error('no image, or one of a format that sharp does not read', { cause });
  if (line.includes('pixel limit'))
    throw new Error(`an image of more pixels than maxPixels, ${maxPixels}: pass a larger one to read it`, { cause });
  throw new Error(`an image that is damaged or cut off (${line.trim()})`, { cause });
}
