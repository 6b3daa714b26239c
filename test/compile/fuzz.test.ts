import assert from 'node:assert/strict';
import { topologicalOrder } from '../../lib/compile/order.js';
import { type Write, build } from '../../lib/compile/program.js';
import type { NumericArray } from '../../lib/native.js';
import { Gemm } from '../../lib/ops/matmul.js';
import { memoryOf } from '../support/evaluate.js';
import { type Arrays, debugNative, runNative } from '../support/native-run.js';
import { arrayOf, evaluateNatively } from '../support/node-by-node.js';
import { checkProgram } from '../support/programs.js';
import { randomProgram } from '../support/random-program.js';

/** Graphs tried, and the first; LANEWISE_FUZZ tries more. */
const graphs = Number(process.env['LANEWISE_FUZZ'] ?? 60);
const first = Number(process.env['LANEWISE_FUZZ_FROM'] ?? 0);
const steps = 2;

/** The same numbers, whatever the bits of a NaN, those too small for a run and, unless it is said so, the sign of zero. */
function numbersOf(values: NumericArray, signs: boolean): readonly (number | string)[] {
  return Array.from(values, (x) => (Math.abs(x) < 2 ** -126 ? (signs && Object.is(x, -0) ? '-0' : 0) : x));
}

/** Matrices that meet a vector are added up in another order where they are read through a view. */
function meetsVector(writes: readonly Write[]): boolean {
  return topologicalOrder(writes.map((write) => write.value)).some(
    ({ op, outputs: [y] }) => op instanceof Gemm && (y!.shape[1] === 1 || y!.shape[2] === 1),
  );
}

/** The memories after running the writes node by node. */
function nodeByNode(writes: readonly Write[], arrays: Arrays): Arrays {
  const after = new Map([...arrays].map(([slot, values]) => [slot, values.slice()]));
  for (let step = 0; step < steps; step++) {
    const wanted = writes.flatMap(({ value, rows }) => (rows === undefined ? [value] : [value, rows.ids]));
    const found = evaluateNatively(wanted, after, step);
    let next = 0;
    for (const { value, slot, byteOffset, rows } of writes) {
      const from = found[next++]!;
      const size = rows === undefined ? value.size : rows.tableRows * value.shape[1]!;
      const to = arrayOf[value.dtype](after.get(slot)!.buffer, byteOffset + step * slot.stride, size);
      if (rows === undefined) to.set(from);
      else {
        const columns = value.shape[1]!;
        found[next++]!.forEach((row, i) => {
          if (row >= 0 && row < rows.tableRows) to.set(from.subarray(i * columns, (i + 1) * columns), row * columns);
        });
      }
    }
  }
  return after;
}

describe('random graphs', () => {
  for (let seed = first; seed < first + graphs; seed++) {
    it(`compiled graph ${seed} agrees with the reference`, () => {
      const { writes, values } = randomProgram(seed, steps);
      checkProgram(writes, new Map([...values].slice(0, -1).map(([slot, array]) => [slot, memoryOf(array)])), steps);
    });
    it(`graph ${seed} has the same bits fused, unfused, in a debug run and node by node`, () => {
      const { writes, values } = randomProgram(seed, steps);
      const read = (after: Arrays, signs: boolean): unknown =>
        writes.flatMap(({ value, slot, byteOffset, rows }) =>
          Array.from({ length: steps }, (_, step) => {
            const { buffer } = after.get(slot)!;
            const size = rows === undefined ? value.size : rows.tableRows * value.shape[1]!;
            return numbersOf(arrayOf[value.dtype](buffer, byteOffset + step * slot.stride, size), signs);
          }),
        );
      const unfused = runNative(build(writes, { fuse: false }), values, steps);
      const fused = read(runNative(build(writes), values, steps), true);
      assert.deepEqual(read(unfused, true), fused);
      const debugged = debugNative(build(writes), values, steps);
      if (debugged !== undefined) assert.deepEqual(read(debugged, true), fused);
      if (!meetsVector(writes)) assert.deepEqual(read(unfused, false), read(nodeByNode(writes, values), false));
    });
  }
});
