/** Builds programs and compares what they compute with the reference, bit for bit in emulated float32. */
import assert from 'node:assert/strict';
import { canFail } from '../../lib/compile/instructions/index.js';
import { type Program, type Write, build } from '../../lib/compile/program.js';
import { leastFloat } from '../../lib/floats.js';
import { MemorySlot } from '../../lib/graph/source.js';
import { type Tensor, byteSize, bytesPerElement } from '../../lib/graph/tensor.js';
import { type Memories, elements, evaluate, float32 } from './evaluate.js';
import { interpret } from './interpreter.js';

/** A write of each value to an output memory of its own. */
export function outputs(values: readonly Tensor[]): readonly Write[] {
  return values.map((value, i) => ({
    value,
    slot: new MemorySlot(`output ${i}`, Math.max(byteSize(value), 4)),
    byteOffset: 0,
    commit: false,
  }));
}

/** Memories for the slots of the writes that are not there yet. */
export function withOutputs(memories: Memories, writes: readonly Write[], steps = 1): Memories {
  const all = new Map(memories);
  for (const { slot } of writes) if (!all.has(slot)) all.set(slot, new Float64Array(slot.bytes + (steps - 1) * slot.stride).fill(NaN));
  return all;
}

const copyOf = (memories: Memories): Memories => new Map([...memories].map(([slot, memory]) => [slot, memory.slice()]));

/** Runs the program for `writes`, fused and unfused, and the reference; all must agree after every step, and nothing may fail once it commits. Gives the fused program. */
export function checkProgram(writes: readonly Write[], memories: Memories, steps = 1): Program {
  const expected = withOutputs(copyOf(memories), writes, steps);
  for (let step = 0; step < steps; step++) {
    const values = evaluate(writes.map((write) => write.value), expected, { ...float32, step }); // prettier-ignore
    const owners = writes.map(({ rows }) => rows && evaluate([rows.ids], expected, { ...float32, step })[0]!);
    writes.forEach(({ value, slot, byteOffset, rows }, i) => {
      const bytes = bytesPerElement[value.dtype];
      const columns = rows === undefined ? value.size : value.shape[1]!;
      values[i]!.forEach((x, j) => {
        const row = owners[i]?.[Math.floor(j / columns)] ?? 0;
        if (row < 0 || row >= (rows?.tableRows ?? 1)) return;
        expected.get(slot)![byteOffset + step * slot.stride + (row * columns + (j % columns)) * bytes] = x;
      });
    });
  }
  const programs = [true, false].map((fuse) => {
    const program = build(writes, { fuse });
    assert.ok(!program.instructions.slice(program.stream[4]).some(canFail), `an instruction may fail after a commit\n${String(program)}`);
    const actual = withOutputs(copyOf(memories), writes, steps);
    interpret(program, actual, steps);
    for (const [slot, memory] of expected) {
      const got = actual.get(slot)!;
      const bad = memory.findIndex((x, i) => !isSame(x, got[i]!));
      assert.equal(
        bad,
        -1,
        `${fuse ? 'fused' : 'unfused'}: "${slot.name}" byte ${bad}: expected ${memory[bad]}, got ${got[bad]}\n${String(program)}`,
      );
    }
    return program;
  });
  return programs[0]!;
}

/**
 * Whether two values differ by less than counts: x + 0 is folded to x, so the sign of zero does not, nor does what is too small for arithmetic, which a
 * choice or a copy passes on.
 */
function isSame(a: number, b: number): boolean {
  const size = (x: number): number => (Math.abs(x) < leastFloat ? 0 : x);
  return size(a) === size(b) || (Number.isNaN(a) && Number.isNaN(b));
}

/** What a program of these values gives. */
export function valuesOf(values: readonly Tensor[], memories: Memories): readonly Float64Array[] {
  const writes = outputs(values);
  const all = withOutputs(memories, writes);
  interpret(build(writes), all);
  return writes.map(({ value, slot }) => elements(all.get(slot)!, 0, value.size, bytesPerElement[value.dtype]));
}
