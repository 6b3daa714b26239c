import assert from 'node:assert/strict';
import { topologicalOrder } from '../../lib/graph/order.js';
import { type Write, build } from '../../lib/compile/program.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import type { NumericArray } from '../../lib/native.js';
import { ConvForward } from '../../lib/ops/conv.js';
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

/** Whether the graph has an operation of this kind that `matches`. */
function has(writes: readonly Write[], kind: typeof Gemm | typeof ConvForward, matches: (result: Tensor) => boolean = () => true): boolean {
  return topologicalOrder(writes.map((write) => write.value)).some(({ op, outputs: [y] }) => op instanceof kind && matches(y!));
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
      const fused = runNative(build(writes), values, steps);
      // A scale that goes into the weights before it changes the sign of a sum that is 0.
      const signs = !has(writes, ConvForward);
      assert.deepEqual(read(unfused, signs), read(fused, signs));
      const debugged = debugNative(build(writes), values, steps);
      if (debugged !== undefined) assert.deepEqual(read(debugged, true), read(fused, true));
      // A matrix that meets a vector is added up in another order where it is read through a view.
      if (!has(writes, Gemm, ({ shape: [, m, n] }) => m === 1 || n === 1))
        assert.deepEqual(read(unfused, false), read(nodeByNode(writes, values), false));
    });
  }
});
