import type { Write } from '../../lib/compile/program.js';
import { MemorySlot } from '../../lib/graph/source.js';
import { byteSize } from '../../lib/graph/tensor.js';
import { memoryOf } from '../support/evaluate.js';
import { checkProgram } from '../support/programs.js';
import { generator, randomGraph, randomValues } from '../support/random-graph.js';

/** Graphs tried; LANEWISE_FUZZ tries more. */
const graphs = Number(process.env['LANEWISE_FUZZ'] ?? 150);

describe('compiled programs agree with the reference on random graphs', () => {
  for (let seed = 0; seed < graphs; seed++) {
    it(`graph ${seed}`, () => {
      const random = generator(seed);
      const state = new MemorySlot('state', 256 * 4);
      const { tensors } = randomGraph(state, 256, 10 + Math.floor(random() * 40), random);
      const results = new MemorySlot('results', 4096 * 4, 4096 * 4);
      const writes: Write[] = [];
      let at = 0;
      let stateAt = Math.floor(random() * 8) * 4;
      for (const value of tensors.toReversed()) {
        if (random() > 0.25) continue;
        if (random() < 0.4 && value.dtype === 'float32' && stateAt + byteSize(value) <= state.bytes) {
          writes.push({ value, slot: state, byteOffset: stateAt, commit: random() < 0.8 });
          stateAt += byteSize(value) + Math.floor(random() * 3) * 4;
        } else if (at + byteSize(value) <= results.bytes) {
          writes.push({ value, slot: results, byteOffset: at, commit: false });
          at += byteSize(value);
        }
      }
      checkProgram(writes, new Map([[state, memoryOf(randomValues(256, random))]]), 2);
    });
  }
});
