import assert from 'node:assert/strict';
import { type Program, prepare } from '../../lib/compile/program.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import { Conv2d, Linear, ReLU, Sequential, array } from '../../lib/index.js';
import { tanh } from '../../lib/ops/elementwise.js';
import { matmul } from '../../lib/ops/matmul.js';
import { memoryWith, readFloats } from '../../lib/memory.js';

/** Row sums of tanh(x), x [n, n], by a product that needs tanh(x) in the arena. */
function sums(n: number): { readonly program: Program; readonly run: () => Float32Array } {
  const [input, ones, output] = [n * n, n, n].map((size) => new MemorySlot('', size * 4)) as [MemorySlot, MemorySlot, MemorySlot];
  const value = matmul(tanh(source(input, 0, [n, n], 'float32')), source(ones, 0, [n, 1], 'float32'));
  const program = prepare([{ value, slot: output, byteOffset: 0, commit: false }]);
  const run = (): Float32Array => {
    const memories = new Map([
      [input, memoryWith(new Float32Array(n * n).fill(0.5))],
      [ones, memoryWith(new Float32Array(n).fill(1))],
      [output, memoryWith(new Float32Array(n))],
    ]);
    program.runSync(memories, 1, 0);
    return readFloats(memories.get(output)!, n);
  };
  return { program, run };
}

describe('memories of a program', () => {
  it('are made by its first run, given back by release, and made anew by the next run', () => {
    const { program, run } = sums(8);
    assert.equal(program.memoryBytes, 0);
    const first = run();
    assert.ok(program.memoryBytes >= program.arenaBytes && program.arenaBytes > 0);
    program.release();
    assert.equal(program.memoryBytes, 0);
    assert.deepEqual(run(), first);
  });

  it('change no result, however many sizes there are', async () => {
    const model = new Sequential([new Conv2d(8, 3), new ReLU(), new Linear(2)], { seed: 1 });
    const x = array(Float32Array.from({ length: 24 * 64 * 64 }, (_, i) => Math.sin(i)), [24, 64, 64, 1]); // prettier-ignore
    const sizes = Array.from({ length: 20 }, (_, i) => 24 - i);
    const whole = model.predictSync(x);
    for (const size of [...sizes, ...sizes]) {
      const expected = whole.rows(0, size).data;
      assert.deepEqual((await model.predict(x.rows(0, size))).data, expected);
      assert.deepEqual(model.predictSync(x.rows(0, size)).data, expected);
    }
  });
});
