import assert from 'node:assert/strict';
import { type Write, build } from '../../lib/compile/program.js';
import { MemorySlot } from '../../lib/graph/source.js';
import { byteSize } from '../../lib/graph/tensor.js';
import { memoryOf } from '../support/evaluate.js';
import { runNative } from '../support/native-run.js';
import { checkProgram } from '../support/programs.js';
import { generator, randomGraph, randomValues } from '../support/random-graph.js';

/** Graphs tried; LANEWISE_FUZZ tries more. */
const graphs = Number(process.env['LANEWISE_FUZZ'] ?? 100);
const stateSize = 256;
const resultSize = 4096;

interface Case {
  readonly writes: readonly Write[];
  readonly state: MemorySlot;
  readonly results: MemorySlot;
  readonly values: Float32Array;
}

/** A graph on a state that it changes, with results of each step. */
function makeCase(seed: number): Case {
  const random = generator(seed);
  const state = new MemorySlot('state', stateSize * 4);
  const results = new MemorySlot('results', resultSize * 4, resultSize * 4);
  const { tensors } = randomGraph(state, stateSize, 10 + Math.floor(random() * 40), random);
  const writes: Write[] = [];
  let at = 0;
  let stateAt = Math.floor(random() * 8) * 4;
  for (const value of tensors.toReversed()) {
    if (random() > 0.25) continue;
    if (random() < 0.4 && stateAt + byteSize(value) <= state.bytes) {
      writes.push({ value, slot: state, byteOffset: stateAt, commit: random() < 0.8 });
      stateAt += byteSize(value) + Math.floor(random() * 3) * 4;
    } else if (at + byteSize(value) <= results.bytes) {
      writes.push({ value, slot: results, byteOffset: at, commit: false });
      at += byteSize(value);
    }
  }
  return { writes, state, results, values: randomValues(stateSize, random) };
}

describe('random graphs', () => {
  for (let seed = 0; seed < graphs; seed++) {
    it(`compiled graph ${seed} agrees with the reference`, () => {
      const { writes, state, values } = makeCase(seed);
      checkProgram(writes, new Map([[state, memoryOf(values)]]), 2);
    });
    it(`graph ${seed} has the same bits fused, unfused and in a debug run`, () => {
      const { writes, state, results, values } = makeCase(seed);
      const run = (fuse: boolean, debug: boolean): unknown => {
        const after = runNative(build(writes, { fuse }), new Map([[state, values], [results, new Float32Array(2 * resultSize)]]), 2, debug); // prettier-ignore
        return [...after.values()].map((array) => new Int32Array(array.buffer));
      };
      const fused = run(true, false);
      assert.deepEqual(run(false, false), fused);
      assert.deepEqual(run(true, true), fused);
    });
  }
});
