/** Random programs: a graph, what becomes of a memory that it reads, and what it delivers. */
import type { Write } from '../../lib/compile/program.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import { type Tensor, byteSize } from '../../lib/graph/tensor.js';
import { gatherRows } from '../../lib/ops/gather.js';
import * as ops from '../../lib/ops/index.js';
import { mergedRows } from '../../lib/ops/row-gradient.js';
import type { Arrays } from './native-run.js';
import { type Graph, type Memory, generator, randomGraph, randomMemory, stateSize } from './random-graph.js';

const resultSize = 4096;

/** Writes of a program, and what the memories hold before; the last memory is that of the results. */
export interface Case {
  readonly writes: readonly Write[];
  readonly values: Arrays;
}

/** A graph on a state that it changes, with results of each step. */
export function randomProgram(seed: number, steps: number): Case {
  const random = generator(seed);
  const memory = randomMemory(random);
  const results = new MemorySlot('results', resultSize * 4, resultSize * 4);
  const graph = randomGraph(memory, 10 + Math.floor(random() * 40), random);
  const writes: Write[] = [...stateWrites(graph, memory, random)];
  let at = 0;
  for (const value of [...graph.tensors, ...graph.others].toReversed()) {
    const end = at + Math.ceil(byteSize(value) / 4) * 4;
    if (random() > 0.25 || end > results.bytes) continue;
    writes.push({ value, slot: results, byteOffset: at, commit: false });
    at = end;
  }
  return { writes, values: new Map([...memory.values, [results, new Float32Array(steps * resultSize)]]) };
}

/** What becomes of the state: new values in the place of those they are made of, values that change places, rows, anything anywhere. */
function stateWrites({ tensors }: Graph, { state, exact, ids }: Memory, random: () => number): readonly Write[] {
  const integer = (n: number): number => Math.floor(random() * n);
  const writes: Write[] = [];
  let at = integer(8) * 4;
  const write = (value: Tensor, more: Partial<Write> = {}, bytes = byteSize(value)): void => {
    if (at + bytes > state.bytes) return;
    writes.push({ value, slot: state, byteOffset: at, commit: random() < 0.8, ...more });
    at += bytes + integer(3) * 4;
  };
  for (const value of tensors.toReversed()) {
    const chance = random();
    const here = source(state, at, value.shape);
    const fits = at + 2 * byteSize(value) <= state.bytes;
    if (chance < 0.1) write(value);
    else if (chance < 0.15 && fits) write(ops.sub(here, ops.mul(value, 0.5)));
    else if (chance < 0.18 && fits) {
      const moment = ops.add(ops.mul(source(state, at + byteSize(value), value.shape), 0.5), value);
      write(ops.concat([ops.reshape(ops.sub(here, moment), [-1]), ops.reshape(moment, [-1])]));
    } else if (chance < 0.22 && fits) {
      const [a, b] = [at, at + byteSize(value)];
      writes.push({ value: source(state, b, value.shape), slot: state, byteOffset: a, commit: true });
      writes.push({ value: random() < 0.5 ? here : ops.neg(here), slot: state, byteOffset: b, commit: true });
      at = b + byteSize(value);
    } else if (chance < 0.25) write(source(state, integer(Math.max(1, stateSize - value.size)) * 4, value.shape));
    else if (chance < 0.27 && at + 80 <= state.bytes) {
      const chosen = source(ids, integer(50) * 4, [6], 'int32');
      const { sums, owners } = mergedRows({ dy: source(exact, integer(99) * 4, [6, 5]), ids: chosen }, 4);
      const rows = gatherRows(source(state, at, [4, 5]), chosen);
      write(ops.sub(rows, ops.mul(sums, 0.5)), { rows: { ids: owners, tableRows: 4 }, commit: true }, 80);
    }
  }
  return writes;
}
