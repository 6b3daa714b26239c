import assert from 'node:assert/strict';
import { FileError } from '../../lib/errors.js';
import { sizeOf } from '../../lib/graph/shape.js';
import { headerLength, parseHeader, refuse } from '../../lib/persistence/safetensors-header.js';

const read = { what: 'fuzz', path: 'it' };

/** Any bytes are tensors that fill their part of the file without gaps and have the size that their shape says, or a FileError. */
export function fuzz(file: Buffer): void {
  if (file.length < 8) return;
  try {
    const start = 8 + headerLength(read, file.subarray(0, 8), file.length);
    let end = 0;
    for (const entry of parseHeader(read, file.subarray(8, start), file.length - start).entries) {
      assert.equal(entry.begin, end);
      assert.equal(entry.end - entry.begin, sizeOf(entry.shape) * entry.type.bytes);
      end = entry.end;
      const bytes = new Uint8Array(file.subarray(start + entry.begin, start + end)).buffer;
      assert.equal(entry.type.decode(bytes, (expected, value) => refuse(read, expected, String(value))).length, sizeOf(entry.shape));
    }
    assert.equal(start + end, file.length);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
  }
}
