import assert from 'node:assert/strict';
import { type Program, type Write, build, prepare } from '../../lib/compile/program.js';
import { label } from '../../lib/graph/label.js';
import { MemorySlot, constant, iota, scalar, source } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { type MemoryHandle, type NumericArray, native } from '../../lib/native.js';
import * as ops from '../../lib/ops/index.js';
import { memoryOf } from '../support/evaluate.js';
import { interpret } from '../support/interpreter.js';
import { runNative } from '../support/native-run.js';
import { networks } from '../support/networks.js';
import { checkProgram, outputs } from '../support/programs.js';
import { generator, randomValues } from '../support/random-graph.js';

const slot = (elements: number, name = 'state'): MemorySlot => new MemorySlot(name, elements * 4);
const values = (elements: number): Float64Array => memoryOf(randomValues(elements, generator(elements)));
const kinds = (program: Program): readonly string[] => program.instructions.map(({ kind }) => kind);
const commit = (value: Tensor, to: MemorySlot, element = 0): Write => ({ value, slot: to, byteOffset: 4 * element, commit: true });

describe('a program', () => {
  // The larger ones would keep the reference busy for long.
  for (const name of ['tiny MLP', 'recurrence over 40 steps'] as const) {
    it(`trains as the reference does: ${name}`, () => {
      const { writes, parameters, slots, input, target, results } = networks[name]!();
      const positive = memoryOf(randomValues(slots.bytes / 4, generator(3)).map(Math.abs));
      const small = memoryOf(randomValues(parameters.bytes / 4, generator(1)).map((x) => x / 4));
      const ids = memoryOf(new Int32Array(target.bytes / 4).fill(1));
      checkProgram(writes, new Map([[parameters, small], [slots, positive], [input, values(input.bytes / 4)], [target, ids]]), results.bytes / 4 + 1); // prettier-ignore
    }).timeout(60000);
  }

  it('takes at most 15 instructions for a step of a tiny MLP with clipping and Adam', () => {
    const { parameters, writes } = networks['tiny MLP']!();
    assert.ok(build(writes).instructions.length <= 15, String(build(writes)));
    assert.equal(build(writes).slots.includes(parameters), true);
  });

  it('updates parameters and slots in place by one last map', () => {
    const program = build(networks['tiny MLP']!().writes);
    const last = program.instructions.at(-1)!;
    assert.ok(last.kind === 'map' && last.outputs.length === 3);
    assert.ok(!kinds(program).includes('copy'));
  });

  it('commits last, and values of the old state are read before', () => {
    const state = slot(24);
    const x = source(state, 0, [24]);
    const doubled = ops.mul(x, 2);
    const turned = ops.reshape(ops.transpose(ops.reshape(x, [4, 6])), [24]);
    const program = checkProgram([commit(doubled, state), ...outputs([turned, ops.add(turned, 1)])], new Map([[state, values(24)]]), 3);
    assert.equal(program.stream[4], program.instructions.length - 1);
  });

  it('swaps two parts of a memory', () => {
    const state = slot(16);
    const [a, b] = [source(state, 0, [8]), source(state, 32, [8])];
    checkProgram([commit(a, state, 8), commit(b, state, 0)], new Map([[state, values(16)]]), 2);
  });

  it('puts together what two parts become of each other', () => {
    const state = slot(18);
    const part = (element: number): Tensor => source(state, 4 * element, [3, 3]);
    const turned = (element: number): Tensor => ops.reshape(ops.matmul(part(element), part(element)), [9]);
    checkProgram([commit(ops.concat([turned(9), turned(0)]), state)], new Map([[state, values(18)]]), 2);
  });

  it('shifts a memory onto itself', () => {
    const state = slot(16);
    checkProgram([commit(source(state, 0, [12]), state, 4)], new Map([[state, values(16)]]), 2);
  });

  it('needs nothing for a value that stays where it is', () => {
    const state = slot(16);
    assert.equal(build([commit(source(state, 16, [8]), state, 4)]).instructions.length, 0);
  });

  it('does not run what nobody asks for', () => {
    const state = slot(16);
    const x = source(state, 0, [4, 4]);
    ops.matmul(x, x);
    assert.deepEqual(kinds(build(outputs([ops.neg(x)]))), ['map']);
  });

  it('delivers one value to several places', () => {
    const state = slot(8);
    const y = ops.exp(source(state, 0, [8]));
    checkProgram([...outputs([y, y, ops.reshape(y, [2, 4])]), commit(y, state)], new Map([[state, values(8)]]));
  });

  it('delivers constants', () => {
    checkProgram(outputs([scalar(3), ops.full([2, 3], -1), iota(5), ops.reshape(constant(Uint8Array.of(7, 8, 9)), [3, 1])]), new Map());
  });

  it('keeps a check that can fail before what commits', () => {
    const [state, ids] = [slot(12), new MemorySlot('ids', 8)];
    const x = source(state, 0, [4, 3]);
    const next = ops.mul(x, 2);
    const rows = ops.gatherRows(next, source(ids, 0, [2], 'int32'));
    const program = checkProgram([commit(next, state), ...outputs([rows])], new Map([[state, values(12)], [ids, memoryOf(Int32Array.of(3, 1))]]), 2); // prettier-ignore
    assert.ok(kinds(program).indexOf('gatherRows') < program.stream[4]!);
  });

  it('keeps a check that can fail before what commits where its own result is committed', () => {
    const [state, count, ids] = [slot(6), slot(1, 'count'), new MemorySlot('ids', 8)];
    const rows = ops.gatherRows(iota(6), source(ids, 0, [2], 'int32'));
    const writes = [commit(ops.add(source(count, 0, [1]), 1), count), commit(rows, state), commit(ops.concat([rows, iota(2)]), state, 2)];
    checkProgram(
      writes,
      new Map([
        [state, values(6)],
        [count, values(1)],
        [ids, memoryOf(Int32Array.of(3, 1))],
      ]),
      2,
    );
  });

  it('keeps a check that can fail before what commits where its result takes the place of what that reads', () => {
    const [state, ids] = [slot(4), new MemorySlot('ids', 8)];
    const rows = ops.gatherRows(iota(6), source(ids, 0, [2], 'int32'));
    const next = commit(ops.add(source(state, 0, [2]), source(state, 8, [2])), state);
    const writes = [next, { ...commit(rows, state, 2), commit: false }];
    checkProgram(
      writes,
      new Map([
        [state, values(4)],
        [ids, memoryOf(Int32Array.of(3, 1))],
      ]),
      2,
    );
  });

  it('replaces rows of a table last, and skips ids outside it', () => {
    const [state, ids] = [slot(12), new MemorySlot('ids', 12)];
    const table = source(state, 0, [4, 3]);
    const rows = ops.mul(ops.gatherRows(table, constant(Int32Array.of(2, 1, 0))), 2);
    const [total] = outputs([ops.sum(table)]);
    const write = { ...commit(rows, state), rows: { ids: source(ids, 0, [3], 'int32'), tableRows: 4 } };
    const program = build([write, total!]);
    assert.equal(kinds(program).at(-1), 'writeRows');
    assert.equal(program.stream[4], program.instructions.length - 1);
    const before = Float32Array.from({ length: 12 }, (_, i) => i);
    const expected = Float32Array.of(0, 1, 2, 12, 14, 16, 6, 7, 8, 0, 2, 4);
    const arrays = runNative(program, new Map<MemorySlot, NumericArray>([[state, before], [ids, Int32Array.of(1, -1, 3)], [total!.slot, new Float32Array(1)]])); // prettier-ignore
    assert.deepEqual([arrays.get(state), arrays.get(total!.slot)], [expected, Float32Array.of(66)]);
    const memories = new Map([[state, memoryOf(before)], [ids, memoryOf(Int32Array.of(1, -1, 3))], [total!.slot, memoryOf(new Float32Array(1))]]); // prettier-ignore
    interpret(program, memories);
    assert.deepEqual(memories.get(state)!.filter((_, byte) => byte % 4 === 0), Float64Array.from(expected)); // prettier-ignore
  });

  it('refuses rows of a table that leaves its memory', () => {
    const state = slot(12);
    const rows = ops.neg(source(state, 0, [2, 3]));
    const ids = constant(Int32Array.of(0, 1));
    assert.throws(() => build([{ ...commit(rows, state), rows: { ids, tableRows: 5 } }]), {
      name: 'StateError',
      message: 'build: expected writes within the 48 bytes of "state", got bytes 0 to 60.',
    });
  });

  it('starts each step where its memory has moved on to', () => {
    const input = new MemorySlot('input', 8, 12);
    const output = new MemorySlot('output', 8, 8);
    const write = { value: ops.neg(source(input, 0, [2])), slot: output, byteOffset: 0, commit: false };
    checkProgram([write], new Map([[input, values(8)]]), 3);
  });

  it('refuses writes that overlap or leave their memory', () => {
    const state = slot(8);
    const x = ops.neg(source(state, 0, [4]));
    assert.throws(() => build([commit(x, state, 0), commit(x, state, 2)]), {
      name: 'StateError',
      message: 'build: expected writes to "state" that do not overlap, got two at byte 8.',
    });
    assert.throws(() => build([commit(x, state, 6)]), {
      name: 'StateError',
      message: 'build: expected writes within the 32 bytes of "state", got bytes 24 to 40.',
    });
  });

  it('refuses an index space of too many dimensions', () => {
    const x = source(slot(128), 0, [2, 2, 2, 2, 2, 2, 2]);
    assert.throws(
      () => build(outputs([ops.softmax(ops.transpose(x, [6, 5, 4, 3, 2, 1, 0]))])),
      /expected an index space of at most 6 dimensions after merging contiguous ones, got \[2, 2, 2, 2, 2, 2, 2\]/,
    );
  });

  it('names the memory that is not bound', () => {
    const program = build(outputs([ops.neg(source(slot(4, 'weights'), 0, [4]))]));
    assert.throws(() => program.runSync(new Map(), 1, 0), {
      name: 'StateError',
      message: /expected a memory for "weights" \(16 bytes\), got none/,
    });
  });

  it('is only run by the native side with a function to tell', () => {
    const state = slot(4);
    const [write] = outputs([ops.add(source(state, 0, [4]), 1)]);
    const program = native().createProgram(build([write!]).stream);
    for (const done of [undefined, {}])
      assert.throws(() => native().run(program, [], 1, 0, new Int32Array(new SharedArrayBuffer(8)), done as never), {
        code: 'ERR_LANEWISE_ARGUMENT',
        message: /^run: expected a function for done, got /,
      });
  });

  it('compiles when it is needed: in pieces for a run, at once for what is asked meanwhile', async () => {
    const state = slot(64);
    let y = source(state, 0, [64]);
    for (let i = 0; i < 200; i++) y = ops.tanh(ops.add(y, i));
    const [write] = outputs([y]);
    const memories = (): Map<MemorySlot, MemoryHandle> =>
      new Map([[state, native().createMemory(256)], [write!.slot, native().createMemory(256)]]); // prettier-ignore
    const program = prepare([write!]);
    const running = program.run(memories(), 1, 0);
    assert.deepEqual([...program.stream], [...build([write!]).stream]);
    assert.equal(await running, 1);
    assert.equal(prepare([write!]).runSync(memories(), 1, 0), 1);
  });

  it('fails to compile each time it is asked to, with the same error', async () => {
    const state = slot(8);
    const x = source(state, 0, [4]);
    const program = prepare([commit(x, state, 6)]);
    const attempts = [() => program.run(new Map(), 1, 0), async () => program.stream, () => program.run(new Map(), 1, 0)];
    const errors: unknown[] = [];
    for (const attempt of attempts) await attempt().catch((error: unknown) => errors.push(error));
    assert.equal(errors.length, 3);
    assert.equal(new Set(errors).size, 1);
  });

  it('names layer and operation of an index out of range', async () => {
    const [table, ids] = [slot(6, 'table'), new MemorySlot('ids', 8)];
    const rows = ops.gatherRows(source(table, 0, [3, 2]), source(ids, 0, [2], 'int32'));
    label([rows], 'Embedding "words"');
    const [write] = outputs([rows]);
    const memory = native().createMemory(8);
    native().writeMemory(memory, 0, Int32Array.of(2, 3));
    const memories = new Map([[table, native().createMemory(24)], [ids, memory], [write!.slot, native().createMemory(16)]]); // prettier-ignore
    const expected = {
      name: 'DataError',
      layer: 'words',
      message: 'Embedding "words": gatherRows: expected an index in 0 … 2, got 3 at position 1 in step 0.',
    };
    await assert.rejects(build([write!]).run(memories, 1, 0), expected);
    assert.throws(() => build([write!]).runSync(memories, 1, 0), expected);
    assert.throws(() => build([write!]).runDebug(memories, 1, 0), expected);
  });

  it('names layer and operation of the first value that is not finite', () => {
    const state = slot(4);
    const x = source(state, 0, [4]);
    const y = ops.log(ops.sub(x, 1));
    label([y], 'Log "first"');
    const [write] = outputs([ops.sum(y)]);
    const memory = native().createMemory(16);
    const memories = new Map([[state, memory], [write!.slot, native().createMemory(4)]]); // prettier-ignore
    native().writeMemory(memory, 0, Float32Array.of(2, 3, 4, 5));
    assert.equal(build([write!]).runDebug(memories, 1, 0), undefined);
    native().writeMemory(memory, 0, Float32Array.of(2, 3, 1, 5));
    assert.deepEqual(build([write!]).runDebug(memories, 1, 0), { instruction: 0, step: 0, label: 'Log "first"', operation: 'sub + log' });
  });

  it('says what it consists of', () => {
    const state = slot(12);
    const x = source(state, 0, [3, 4]);
    const y = ops.tanh(ops.matmul(x, x, { transposeB: true }));
    label([y], 'Linear "a"');
    const program = build(outputs([ops.sum(y)]));
    assert.deepEqual(program.describe(), {
      instructions: [
        {
          kind: 'gemm',
          operation: 'matmul',
          label: 'Linear "a"',
          inputs: ['[1, 3, 4]', '[1, 3, 4]'],
          outputs: ['[1, 3, 3]'],
          addresses: [{ memory: 0, byteOffset: 0 }],
          flops: 72,
        },
        {
          kind: 'reduce',
          operation: 'sum',
          label: '',
          inputs: ['[1, 9, 1]'],
          outputs: ['[1, 1]'],
          addresses: [{ memory: 2, byteOffset: 0 }],
          flops: 9,
        },
      ],
      arenaBytes: 64,
      flops: 81,
    });
    assert.match(String(program), /0 +gemm +matmul +Linear "a" +\[1, 3, 4\] \[1, 3, 4\] → \[1, 3, 3\] +arena\+0 +72\n/);
    assert.match(String(program), /2 instructions, 64 bytes of arena, 81 FLOPs$/);
  });
});
