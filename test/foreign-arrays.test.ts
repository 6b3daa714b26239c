/** Arrays that are of other classes: Buffers, and those of another context, as test runners have. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import {
  CrossEntropyLoss,
  Layer,
  Linear,
  MSELoss,
  SGD,
  Standardizer,
  type Tensor,
  Trainer,
  array,
  constant,
  permutationImportance,
  readIdx,
  readSafetensors,
  readWav,
  takeRows,
  writeSafetensors,
} from '../lib/index.js';
import type { Scope } from '../lib/index.js';
import { gatherRows, gemm } from '../lib/kernels.js';

/** A value of the other context's classes. */
function foreign<T>(code: string): T {
  return runInNewContext(code) as T;
}

describe('a Buffer as data', () => {
  const bytes = (): Buffer => Buffer.from([1, 2, 3, 4]);

  it('is shared, as a plain Uint8Array', () => {
    const buffer = bytes();
    const x = array(buffer, [2, 2]);
    assert.equal(Object.getPrototypeOf(x.data), Uint8Array.prototype);
    buffer[1] = 7;
    assert.deepEqual([x.dtype, x.toNested(), takeRows(x, [1]).data], ['uint8', [[1, 7], [3, 4]], Uint8Array.of(3, 4)]); // prettier-ignore
  });

  it('stays as it is when its columns are shuffled', async () => {
    const buffer = bytes();
    const trainer = new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
    await permutationImportance(trainer, { x: array(buffer, [2, 2]), y: array([[1], [2]]) });
    assert.deepEqual([...buffer], [1, 2, 3, 4]);
  });

  it('counts in a step that waits as it was when the step was called', async () => {
    const losses = await Promise.all([true, false].map(async (changes) => {
      const trainer = new Trainer(new Linear(1, { bias: false }), { loss: new MSELoss(), optimizer: new SGD({ lr: 1e-3 }) });
      const buffer = bytes();
      const batch = { x: array(buffer, [2, 2]), y: array([[1], [2]]) };
      const steps = [trainer.step(batch), trainer.step(batch)];
      if (changes) buffer.fill(200);
      return (await Promise.all(steps)).map(({ loss }) => loss);
    })); // prettier-ignore
    assert.deepEqual(losses[0]![1], losses[1]![1]);
  });

  it('is written as it was when the write was called', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    try {
      const buffer = bytes();
      const written = writeSafetensors(join(folder, 'x'), new Map([['x', array(buffer)]]));
      buffer.fill(9);
      await written;
      assert.deepEqual((await readSafetensors(join(folder, 'x'))).tensors.get('x')!.data, Uint8Array.of(1, 2, 3, 4));
      assert.ok((await readFile(join(folder, 'x'))).length > 0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('arrays of another context', () => {
  it('share their data as arrays of this one', () => {
    const other = foreign<Float32Array>('new Float32Array([1, 2, 3]).subarray(1)');
    const { data } = array(other);
    assert.ok(data instanceof Float32Array && data.buffer === other.buffer);
    assert.deepEqual(data, Float32Array.of(2, 3));
  });

  it('are looked through for NaN', async () => {
    const trainer = new Trainer(new Linear(1), { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });
    const x = array(foreign<Float32Array>('new Float32Array([NaN, 1])'), [2, 1]);
    await assert.rejects(trainer.fit({ x, y: array([[1], [2]]) }, { checkFinite: true }), { name: 'DataError', message: /finite/ });
  });

  it('go into the raw kernels', () => {
    const [a, b, c] = foreign<Float32Array[]>('[new Float32Array([2]), new Float32Array([3]), new Float32Array(1)]');
    gemm({ m: 1, n: 1, k: 1, a: a!, b: b!, c: c! });
    assert.equal(c![0], 6);
    const output = new Float32Array(1);
    gatherRows({ width: 1, table: a!, ids: foreign<Int32Array>('new Int32Array(1)'), output });
    assert.equal(output[0], 2);
    assert.throws(() => gatherRows({ width: 1, table: a!, ids: new Int32Array(1), output: new Int32Array(1) as never }), {
      name: 'DTypeError',
      message: 'gatherRows: expected Float32Array for output, as table, got Int32Array.',
    });
  });

  it('are files in memory', async () => {
    assert.deepEqual((await readIdx(foreign<Uint8Array>('new Uint8Array([0, 0, 8, 1, 0, 0, 0, 2, 5, 6])'))).data, Uint8Array.of(5, 6));
  });

  it('are options and statistics', () => {
    assert.deepEqual(
      new CrossEntropyLoss({ weight: foreign<Float32Array>('new Float32Array([1, 2])') }).weighting.weight,
      Float32Array.of(1, 2),
    );
    const values = foreign<{ mean: Float64Array; deviation: Float64Array }>('({ mean: new Float64Array([1]), deviation: new Float64Array([2]) })'); // prettier-ignore
    assert.deepEqual(Standardizer.from(values).mean, Float64Array.of(1));
  });

  it('are first values', () => {
    class Constant extends Layer {
      forward(x: Tensor, scope: Scope): Tensor {
        void scope.parameter('a', [2], () => foreign<Float32Array>('new Float32Array([1, 2])'));
        return x;
      }
    }
    assert.deepEqual(new Constant().build([1]).weights().get('a')!.data, Float32Array.of(1, 2));
  });

  it('are written from a Map of theirs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    try {
      const tensors = foreign<(x: unknown) => ReadonlyMap<string, never>>('(x) => new Map([["x", x]])')(array([1]));
      await writeSafetensors(join(folder, 'x'), tensors);
      assert.equal((await readSafetensors(join(folder, 'x'))).tensors.size, 1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('an array whose buffer is gone', () => {
  for (const [what, call] of [
    ['array', array],
    ['constant', constant],
    ['readWav', readWav],
  ] as const) {
    it(`is refused by ${what} where it is a Buffer or of another context`, async () => {
      for (const bytes of [Buffer.from(new Uint8Array(2).buffer), foreign<Uint8Array<ArrayBuffer>>('new Uint8Array(2)')]) {
        structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
        await assert.rejects(async () => call(bytes), {
          name: 'StateError',
          message: `${what}: expected the elements of a Uint8Array, got none: its buffer was detached or resized. Make a new one.`,
        });
      }
    });
  }
  const gone = array(new Float32Array(2), [2]);
  structuredClone(gone.data.buffer, { transfer: [gone.data.buffer] });
  const message = (what: string): string =>
    `${what}: expected 2 elements for an array of shape [2], got 0: its buffer was detached or resized. Make a new array.`;

  it('has no rows', () => assert.throws(() => gone.rows(0, 1), { name: 'StateError', message: message('rows') }));
  it('has no numbers', () => assert.throws(() => gone.toNested(), { name: 'StateError', message: message('toNested') }));
});
