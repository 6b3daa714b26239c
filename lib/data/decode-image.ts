/** Image files as bytes of pixels, by the package sharp, which is only needed here. */
import type sharpModule from 'sharp';
import { StateError } from '../errors.js';
import { viewOf } from './file.js';
import { reasonOf } from '../reason.js';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Pixels [H, W, C] of a file's bytes. @throws Error with the reason if they are no whole image */
export type Decode = (file: Uint8Array) => Promise<Uint8Array>;

/** How sharp is imported; another way only for tests. */
export type ImportSharp = () => Promise<{ readonly default: typeof sharpModule }>;

const png: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** "IEND" */
const pngEnd = 0x4945_4e44;

/** @throws StateError if sharp is not installed */
export async function imageDecoder(
  { height, width, channels }: ImageSize,
  importSharp: ImportSharp = () => import('sharp'),
): Promise<Decode> {
  const { default: sharp } = await importSharp().catch((cause: unknown) => {
    throw new StateError(
      `imageFolder: expected the package sharp to decode images, got ${reasonOf(cause)}. Install it: npm install sharp.`,
      { cause },
    );
  });
  return async (file) => {
    if (png.every((byte, i) => file[i] === byte) && !endsPng(viewOf(file)))
      throw new Error('an image that is damaged or cut off (a PNG without its end)');
    if (file.length === 0) throw new Error('an empty file');
    // rotate() turns photographs upright; failOn refuses whatever the decoder so much as warns of.
    const upright = sharp(file, { failOn: 'warning' }).rotate().resize(width, height, { fit: 'fill' }).toColourspace('srgb');
    const { data, info } = await (channels === 4 ? upright.ensureAlpha() : upright.removeAlpha())
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
      .catch(damaged);
    const pixels = channels === 1 ? greys(data) : data;
    if (pixels.length !== height * width * channels) throw new Error(`${info.channels} channels where ${channels} were asked for`);
    return pixels;
  };
}

/** 0.299 R + 0.587 G + 0.114 B, rounded, of sRGB bytes: Rec. 601, as PIL and OpenCV; sharp's own greys are made of linear light. */
function greys(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: rgb.length / 3 }, (_, i) =>
    Math.round((299 * rgb[3 * i]! + 587 * rgb[3 * i + 1]! + 114 * rgb[3 * i + 2]!) / 1000),
  );
}

/** Whether the last chunk, the end, is there: libpng stops before it when it has all pixels. A chunk is its length, type, data and sum. */
function endsPng(file: DataView): boolean {
  for (let at = png.length; at + 12 <= file.byteLength; at += 12 + file.getUint32(at)) if (file.getUint32(at + 4) === pngEnd) return true;
  return false;
}

function damaged(cause: unknown): never {
  const [line = ''] = reasonOf(cause).split('\n');
  // That a warning was taken for an error says nothing about the file.
  throw new Error(`no image, or one that is damaged or cut off${line.includes('failOn') ? '' : ` (${line.trim()})`}`, { cause });
}
