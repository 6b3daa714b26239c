import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { type Compiled, compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import { constant, scalar } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { add, cast, div, gatherRows, matmul, mul, neg, randomUniform, reshape, softmax, square, sub, sum } from '../../lib/ops/index.js';

const a = array([[1, 2], [3, 4]]); // prettier-ignore
const b = array([[1, 0], [0, -1]]); // prettier-ignore

describe('compile', () => {
  it('gives an array for a tensor, on another thread and on this one', async () => {
    const f = compile((x: Tensor, y: Tensor) => matmul(x, y));
    assert.deepEqual((await f(a, b)).toNested(), [[1, -2], [3, -4]]); // prettier-ignore
    assert.deepEqual(f.sync(b, a).toNested(), [[1, 2], [-3, -4]]); // prettier-ignore
  });
  it('gives arrays for several, of any type', async () => {
    const f = compile(
      (x: Tensor) => [sum(x), cast(x, 'int32'), cast(x, 'uint8'), x, constant(Int32Array.of(5, -6)), reshape(x, [4]), scalar(2)] as const,
    );
    const [total, ints, bytes, same, fixed, flat, two] = await f(a);
    assert.equal(total.data[0], 10);
    assert.deepEqual([ints.data, bytes.data, fixed.data], [Int32Array.of(1, 2, 3, 4), Uint8Array.of(1, 2, 3, 4), Int32Array.of(5, -6)]);
    assert.deepEqual([same.shape, flat.shape, two.shape, two.data[0]], [[2, 2], [4], [], 2]); // prettier-ignore
  });
  it('tells constants of equal numbers but other types or signs of zero apart', async () => {
    const f = compile(
      (t: Tensor) =>
        [
          gatherRows(t, constant(Int32Array.of(1, 0))),
          softmax(constant(Float32Array.of(1, 0))),
          softmax(constant(Float32Array.of(1, 0), [2, 1])),
          div(1, constant(Float32Array.of(0, 0))),
          div(1, constant(Float32Array.of(-0, 0))),
        ] as const,
    );
    const [rows, two, one, plus, minus] = await f(a);
    assert.deepEqual(rows.toNested(), [[3, 4], [1, 2]]); // prettier-ignore
    assert.ok(Math.abs(two.data[0]! - 1 / (1 + Math.exp(-1))) < 1e-6);
    assert.deepEqual([one.data, plus.data, minus.data], [[1, 1], [Infinity, Infinity], [-Infinity, Infinity]].map((x) => Float32Array.from(x))); // prettier-ignore
  });
  it('does not write long constants out to compare them', () => {
    const f = compile((x: Tensor) => add(x, constant(new Float32Array(30_000_000))));
    assert.match(f.describe([30_000_000]), /map/);
  });
  it('gives gradients', async () => {
    const f = compile((x: Tensor) => gradients(sum(square(x)), [x]));
    assert.deepEqual((await f(a))[0]!.toNested(), [[2, 4], [6, 8]]); // prettier-ignore
  });
  it('traces once for each combination of shapes and types', () => {
    let traced = 0;
    const f = compile((x: Tensor) => {
      traced++;
      return neg(x);
    });
    for (const x of [a, b, array([1, 2]), array([3, 4]), array(Int32Array.of(1, 2)), a]) f.sync(x);
    assert.equal(traced, 3);
  });
  it('answers calls made at once, in order, from the arrays as they were', async () => {
    const f = compile((x: Tensor) => mul(x, 2));
    const x = array(Float32Array.of(0));
    const calls: Promise<NdArray>[] = [];
    for (let i = 0; i < 20; i++) {
      x.data[0] = i;
      calls.push(f(x));
    }
    x.data[0] = -1;
    const results = await Promise.all(calls);
    assert.deepEqual(results.map(({ data }) => data[0]), Array.from({ length: 20 }, (_, i) => 2 * i)); // prettier-ignore
  });
  it('refuses to compute on this thread while a call is under way', async () => {
    const f = compile((x: Tensor) => neg(x));
    const call = f(a);
    assert.throws(() => f.sync(a), { name: 'StateError', message: /expected no call with these shapes under way/ });
    await call;
    f.sync(a);
  });
  it('fails one call of several made at once', async () => {
    const f = compile((table: Tensor, ids: Tensor) => gatherRows(table, ids));
    const calls = [1, 5, 0].map((row) => f(a, array(Int32Array.of(row))));
    const [first, second, third] = await Promise.allSettled(calls);
    assert.deepEqual([first, third].map((call) => call?.status === 'fulfilled' && call.value.toNested()), [[[3, 4]], [[1, 2]]]); // prettier-ignore
    assert.match(String(second?.status === 'rejected' && second.reason), /DataError: gatherRows: expected an index in 0 … 1, got 5/);
    assert.deepEqual(f.sync(a, array(Int32Array.of(1))).toNested(), [[3, 4]]);
  });
  it('goes on after a call that failed', async () => {
    const f = compile((x: Tensor) => neg(x));
    await assert.rejects(f(array(new Float32Array(2)).data as never), {
      name: 'DataError',
      message: 'compile: expected argument 0 made by array(), got Float32Array. Wrap it: array(data, shape).',
    });
    assert.equal((await f(array([1]))).data[0], -1);
  });
  it('draws other random numbers in every call', async () => {
    const f = compile(() => randomUniform([4], 1n, 0));
    const [first, second] = [await f(), f.sync()];
    assert.notDeepEqual(first.data, second.data);
    assert.deepEqual(compile(() => randomUniform([4], 1n, 0)).sync().data, first.data);
  });
  it('draws other random numbers whatever the shapes of the calls', () => {
    const f = compile((x: Tensor) => mul(randomUniform([4], 1n, 0), sum(x)));
    assert.notDeepEqual(f.sync(array([1])).data, f.sync(array([1, 0])).data);
  });
  it('has empty results for empty arrays', async () => {
    const f = compile((x: Tensor) => [neg(x), sum(x)] as const);
    const [none, total] = await f(array(new Float32Array(0), [0, 3]));
    assert.deepEqual([none.shape, none.size, total.data[0]], [[0, 3], 0, 0]);
  });
  it('describes what it runs for arrays, shapes and types', () => {
    const f = compile((x: Tensor, y: Tensor) => add(matmul(x, y), 1));
    assert.match(f.describe([2, 3], [3, 4]), /gemm +matmul/);
    assert.equal(f.describe(a, b), f.describe([2, 2], { shape: [2, 2], dtype: 'float32' }));
  });

  const refuses = (name: string, call: () => unknown, expected: object): void => {
    it(`refuses ${name}`, () => assert.throws(call, expected));
  };
  const f = compile((x: Tensor, y: Tensor) => sub(x, y));
  refuses('a missing array', () => (f.sync as (x: NdArray) => NdArray)(a), {
    name: 'OptionError',
    message: 'compile: expected 2 arrays, one for each tensor of the function, got 1.',
  });
  refuses('an array that nothing takes', () => f.sync(...([a, a, a] as never as [NdArray, NdArray])), {
    name: 'OptionError',
    message: 'compile: expected at most 2 arrays, one for each tensor of the function, got 3. Leave out what it does not take.',
  });
  refuses('shapes that do not fit', () => f.sync(a, array([1, 2, 3])), {
    name: 'ShapeError',
    message: /sub: expected shapes that broadcast/,
  });
  for (const [result, got] of [
    [3, 'number. Return several as a list: [a, b].'],
    [undefined, 'undefined. Return several as a list: [a, b].'],
    [{ a }, 'Object. Return several as a list: [a, b].'],
    [Promise.resolve(a), 'Promise. Write it without async.'],
    [[array([1])], 'NdArray at 0. Return several as a list: [a, b].'],
  ] as const) {
    refuses(`the result ${got}`, () => compile((() => result) as never).sync(), {
      name: 'OptionError',
      message: `compile: expected a function that returns a tensor or a list of tensors, got ${got}`,
    });
  }
  it('knows how many results a list has', async () => {
    const [y, m] = await compile((x: Tensor) => [sub(x, 1), sum(x)])(a);
    assert.deepEqual([y.shape, m.shape], [[2, 2], []]);
    const more = compile((x: Tensor) => [x, ...[sum(x)]]);
    assert.equal(more.sync(a)[0].size, 4);
    const any = compile((x: Tensor): Tensor[] => [x]);
    // @ts-expect-error nobody knows how many
    assert.equal(any.sync(a)[0].size, 4);
    // @ts-expect-error there are two
    assert.equal((await compile((x: Tensor) => [x, sum(x)])(a))[2], undefined);
    const one = compile((x: Tensor) => sum(x)) satisfies Compiled<[Tensor], Tensor>;
    assert.equal(one.sync(a).size, 1);
    compile((x: Tensor) => [x, x]) satisfies Compiled<[Tensor], readonly Tensor[]>;
  });
  for (const [given, got] of [
    [5, '5'],
    [{}, '{}'],
    [{ shape: [2], dtype: 'float16' }, "{ shape: [ 2 ], dtype: 'float16' }"],
  ] as const) {
    refuses(`to describe what it runs for ${got}`, () => f.describe(given as never, [2]), {
      name: 'OptionError',
      message: `compile.describe: expected an array, a shape or a type { shape, dtype } for argument 0, got ${got}. Give a shape as a list: [32, 784].`,
    });
  }
  refuses('to describe what it runs for sizes that are none', () => f.describe([2.5], [2]), {
    name: 'ShapeError',
    message: 'compile.describe: expected sizes that are whole numbers ≥ 0, got [2.5].',
  });
  it('refuses a transferred buffer', () => {
    const x = array(new Float32Array(4), [2, 2]);
    structuredClone(x.data.buffer, { transfer: [x.data.buffer] });
    assert.throws(() => f.sync(x, a), {
      name: 'StateError',
      message: 'compile: expected 4 elements for argument 0 of shape [2, 2], got 0: its buffer was detached or resized. Make a new array.',
    });
  });
  it('keeps memory flat over many calls', async () => {
    const g = compile((x: Tensor) => div(x, 3));
    const x = array(new Float32Array(250000));
    for (let i = 0; i < 20; i++) await g(x);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 200; i++) await g(x);
    assert.ok(process.memoryUsage().rss - before < 100e6);
  });
});
