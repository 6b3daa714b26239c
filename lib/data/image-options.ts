/** What images are decoded to, by folders and one by one. */
import { sizeOf } from '../graph/shape.js';
import { type Rule, type Rules, count, either, required, tuple } from '../options.js';

/** Options of {@link readImage}, and of {@link imageFolder}. */
export interface ImageOptions {
  /** Pixels of each image as given out: [height, width], or one number for both; at most 268,402,689 an image. Files of another size are stretched. */
  readonly size: number | readonly [height: number, width: number];
  /** 1: grey, 0.299 R + 0.587 G + 0.114 B as PIL and OpenCV take it; 3: red, green, blue; 4: with opacity. Default: 3. */
  readonly channels?: 1 | 3 | 4 | undefined;
  /**
   * Pixels that a file may have: a hundred bytes can announce any number, and each takes 3 to 11 bytes of memory while the file is decoded.
   * Default: 120 million, for photographs of most cameras, phones of 108 million among them.
   */
  readonly maxPixels?: number | undefined;
}

/** What sharp reads of one file if nothing else is said, 16383². */
const mostPixels = 268_402_689;

const sizes = either(count, tuple(2, count));
const imageSize: Rule = {
  expected: `${sizes.expected}, of at most ${mostPixels} pixels,`,
  accepts: (value) => sizes.accepts(value) && sizeOf(imageShape({ size: value as ImageOptions['size'], channels: 1 })) <= mostPixels,
};

export const imageRules: Rules<ImageOptions> = {
  size: required(imageSize),
  channels: { expected: '1, 3 or 4', accepts: (value) => value === 1 || value === 3 || value === 4 },
  maxPixels: count,
};

/** [H, W, C] of each image. */
export function imageShape({ size, channels = 3 }: ImageOptions): readonly [height: number, width: number, channels: number] {
  return typeof size === 'number' ? [size, size, channels] : [...size, channels];
}
