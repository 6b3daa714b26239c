import assert from 'node:assert/strict';
import { parseWav } from '../../lib/data/audio/wav.js';
import { sizeOf } from '../../lib/graph/shape.js';
import { inOneGo } from '../../lib/pieces.js';

/** Any bytes are finite samples, or a plain Error: one of a subclass comes from a read out of bounds, not from a check. */
export function fuzz(bytes: Buffer): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const mono of [true, false]) {
    try {
      const { samples, sampleRate } = inOneGo(parseWav(view, mono));
      assert.equal(samples.data.length, sizeOf(samples.shape));
      assert.ok(sampleRate > 0 && samples.data.every(Number.isFinite));
    } catch (error) {
      if (!(error instanceof Error) || error.constructor !== Error) throw error;
    }
  }
}
