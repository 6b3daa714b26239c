/** Image files as bytes of pixels, by the package sharp, which is only needed here. */
import type sharpModule from 'sharp';
import { StateError } from '../errors.js';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Pixels [H, W, C] of a file's bytes. @throws Error with the reason if they are no whole image */
export type Decode = (file: Uint8Array) => Promise<Uint8Array>;

/** How sharp is imported; another way only for tests. */
export type ImportSharp = () => Promise<{ readonly default: typeof sharpModule }>;

const signatures: readonly (readonly number[])[] = [
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], // PNG
  [0xff, 0xd8, 0xff], // JPEG
];

/** @throws StateError if sharp is not installed */
export async function imageDecoder(
  { height, width, channels }: ImageSize,
  importSharp: ImportSharp = () => import('sharp'),
): Promise<Decode> {
  const { default: sharp } = await importSharp().catch((cause: unknown) => {
    throw new StateError(
      `imageFolder: expected the package sharp to decode images, got ${cause instanceof Error ? cause.message : String(cause)}. Install it: npm install sharp.`,
      { cause },
    );
  });
  return async (file) => {
    if (!signatures.some((signature) => signature.every((byte, i) => file[i] === byte)))
      throw new Error('a file that is neither PNG nor JPEG');
    // rotate() turns photographs upright; failOn refuses whatever the decoder so much as warns of.
    const upright = sharp(file, { failOn: 'warning' }).rotate().resize(width, height, { fit: 'fill' });
    const coloured = upright.toColourspace(channels === 1 ? 'b-w' : 'srgb');
    const { data, info } = await (channels === 4 ? coloured.ensureAlpha() : coloured.removeAlpha())
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
      .catch(damaged);
    if (data.length !== height * width * channels) throw new Error(`${info.channels} channels where ${channels} were asked for`);
    return data;
  };
}

function damaged(cause: unknown): never {
  const [line = ''] = String(cause instanceof Error ? cause.message : cause).split('\n');
  // That a warning was taken for an error says nothing about the file.
  throw new Error(`an image that is damaged or cut off${line.includes('failOn') ? '' : ` (${line.trim()})`}`, { cause });
}
