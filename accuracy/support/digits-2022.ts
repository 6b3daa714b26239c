import { readFile } from 'node:fs/promises';
import { digits1989 } from '../../examples/support/digits-1989.js';
import type { LabelledImages, Split } from '../../examples/support/images.js';

/** The digits that the reproduction of 2022 was trained and tested with, in its order (scripts/fixtures/digits_2022.py). */
export async function digits2022(split: Split): Promise<LabelledImages> {
  const chosen = JSON.parse(await readFile(new URL('digits-2022.json', import.meta.url), 'utf8')) as Record<Split, string>;
  const bytes = Buffer.from(chosen[split], 'base64');
  return digits1989(
    split,
    Int32Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16LE(2 * i)),
  );
}
