import type { Rule } from '../options.js';

/** What the readers of files take: a path, or the file's bytes. */
export const fileOrBytes: Rule = {
  expected: 'a path or a Uint8Array of its bytes',
  accepts: (value) => typeof value === 'string' || value instanceof Uint8Array,
};

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
