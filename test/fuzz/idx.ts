import assert from 'node:assert/strict';
import { parseIdx } from '../../lib/data/idx.js';
import { FileError } from '../../lib/errors.js';
import { sizeOf } from '../../lib/graph/shape.js';

/** Any bytes are an array of the size that its shape says, or a FileError. */
export function fuzz(bytes: Buffer): void {
  try {
    const { data, shape } = parseIdx('it', new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    assert.equal(data.length, sizeOf(shape));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
  }
}
