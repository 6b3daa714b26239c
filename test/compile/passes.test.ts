import assert from 'node:assert/strict';
import { type Program, build } from '../../lib/compile/program.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, constant, scalar, source } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { memoryOf } from '../support/evaluate.js';
import { checkProgram, outputs } from '../support/programs.js';
import { generator, randomValues } from '../support/random-graph.js';

const state = new MemorySlot('state', 4096 * 4);
const x = source(state, 0, [4, 6]);
const y = source(state, 400, [4, 6]);
const row = source(state, 800, [6]);
const column = source(state, 1200, [4, 1]);
const memories = new Map([[state, memoryOf(randomValues(4096, generator(9)))]]);

const check = (...results: readonly Tensor[]): Program => checkProgram(outputs(results), memories);
const kinds = (program: Program): string => program.instructions.map(({ kind }) => kind).join(' ');
const steps = (program: Program): readonly string[] =>
  program.instructions.flatMap((i) => (i.kind === 'map' ? i.steps.map(({ op }) => op) : []));

describe('simplification', () => {
  const becomes = (name: string, t: Tensor, expected: readonly string[]): void => {
    it(name, () => assert.deepEqual(steps(check(ops.exp(t))), [...expected, 'exp']));
  };
  becomes('x + 0 is x', ops.add(x, 0), []);
  becomes('0 + x is x', ops.add(0, x), []);
  becomes('x · 1 is x', ops.mul(x, ops.full([4, 6], 1)), []);
  becomes('x / 1 is x', ops.div(x, 1), []);
  becomes('x − 0 is x', ops.sub(x, 0), []);
  becomes('−−x is x', ops.neg(ops.neg(x)), []);
  becomes('x¹ is x', ops.pow(x, 1), []);
  becomes('x² is a square', ops.pow(x, 2), ['square']);
  becomes('x + −y is a difference', ops.add(x, ops.neg(y)), ['sub']);
  becomes('x − −y is a sum', ops.sub(x, ops.neg(y)), ['add']);
  becomes('a known condition chooses', ops.where(ops.less(scalar(1), 2), x, y), []);
  becomes('numbers are folded in float32', ops.mul(x, ops.div(ops.add(scalar(1), 2), 7)), ['mul']);
  it('a row of numbers broadcast stays a number', () => assert.equal(kinds(check(ops.add(row, ops.full([4, 6], 2)))), 'map'));
  it('a number below those of a run is 0', () => {
    const tiny = ops.full([4, 6], 1e-40);
    assert.deepEqual(steps(check(ops.where(tiny, x, y), ops.equal(tiny, 0), ops.lessEqual(ops.neg(tiny), -1e-40))), []);
  });
  it('0 · x is left, for NaN', () => assert.deepEqual(steps(check(ops.mul(x, 0))), ['mul']));
  it('a sum over one element is no reduction', () => assert.equal(kinds(check(ops.neg(ops.sum(column, { axes: 1 })))), 'map'));
  it('what is the same everywhere is computed once', () => {
    const once = source(state, 16, []);
    const program = check(ops.broadcastTo(ops.exp(once), [4, 6]), ops.exp(ops.broadcastTo(once, [4, 6])));
    assert.deepEqual(steps(program), ['exp']);
  });
});

describe('views', () => {
  it('of what no strides express are read from where that is written', () => {
    const turned = ops.reshape(ops.transpose(x), [3, 8]);
    const block = ops.slice(turned, [0, 1], [3, 4]);
    check(ops.softmax(block), ops.slice(ops.reshape(ops.transpose(block), [6, 2]), [0, 1], [6, 1]));
  });
});

describe('index spaces', () => {
  /** Maps of ((x − a) · b) · c, where a and c are of the channels of each image and b is of each image. */
  const maps = (channels: number): number => {
    const images = source(state, 0, [4, 8, channels]);
    const perChannel = source(state, 4096, [4, 1, channels]);
    const perImage = source(state, 8192, [4, 1, 1]);
    return check(ops.mul(ops.mul(ops.sub(images, perChannel), perImage), perChannel)).instructions.length;
  };
  it('of a neighbour that divides further are taken, so that both are one map', () => assert.equal(maps(16), 1));
  it('are kept where rows of the neighbour would be short', () => assert.equal(maps(15), 3));
});

describe('common subexpressions', () => {
  it('are computed once, whoever wrote them', () => {
    const one = (): Tensor => ops.matmul(ops.exp(source(state, 0, [4, 6])), ops.transpose(source(state, 400, [4, 6])));
    assert.equal(kinds(check(one(), ops.neg(one()))), 'map gemm map');
  });
  it('a + b is b + a, and a − b is not b − a', () => {
    assert.deepEqual(steps(check(ops.add(x, y), ops.add(y, x), ops.sub(x, y), ops.sub(y, x))).toSorted(), ['add', 'sub', 'sub']);
  });
  it('equal numbers and equal bytes of another type are another value', () => {
    const [floats, ones] = [Float32Array.of(1, 1), Int32Array.of(1, 1)];
    for (const others of [ones, new Int32Array(floats.buffer)]) {
      check(constant(floats), constant(others), ops.concat([constant(others), ops.cast(row, 'int32')]));
      check(constant(new Float32Array(2)), constant(new Int32Array(2)), constant(new Uint8Array(2)));
    }
  });
  it('a padding of −0 is not one of 0', () => {
    const padded = (value: number): Tensor => ops.reciprocal(ops.pad(x, [[0, 1], [0, 0]], value)); // prettier-ignore
    check(padded(0), padded(-0));
  });
  it('the same place in another memory is another value', () => {
    const other = new MemorySlot('other', 96);
    const z = source(other, 0, [4, 6]);
    assert.deepEqual(
      steps(checkProgram(outputs([ops.exp(x), ops.exp(z)]), new Map([...memories, [other, memoryOf(randomValues(24, generator(2)))]]))),
      ['exp', 'exp'],
    );
  });
});

describe('fusion', () => {
  it('joins a chain with rows, columns and numbers', () => {
    const program = check(ops.relu(ops.add(ops.mul(ops.sub(x, column), row), 3)));
    assert.equal(kinds(program), 'map');
  });
  it('joins through a reshape', () => {
    assert.equal(kinds(check(ops.exp(ops.reshape(ops.add(ops.reshape(ops.neg(x), [24]), 1), [2, 12])))), 'map');
  });
  it('reads a slice and a repeated row through strides', () => {
    assert.equal(kinds(check(ops.add(ops.slice(x, [1, 2], [2, 3]), ops.slice(row, [3], [3])))), 'map');
  });
  it('makes one map of siblings that read the same', () => {
    assert.equal(kinds(check(ops.exp(x), ops.neg(x), ops.add(x, y))), 'map');
  });
  it('keeps unrelated work apart', () => {
    assert.equal(kinds(check(ops.exp(x), ops.neg(y))), 'map map');
  });
  it('writes a value with several readers once', () => {
    const shared = ops.exp(x);
    const program = check(ops.add(shared, 1), ops.matmul(shared, ops.transpose(shared)));
    assert.equal(steps(program).filter((op) => op === 'exp').length, 1);
  });
  it('does not join across a product that lies between', () => {
    const e = ops.reshape(ops.exp(source(state, 0, [4, 4])), [4, 4]);
    assert.equal(kinds(check(ops.add(e, ops.matmul(e, e)))), 'map gemm map');
  });
  it('rounds to integers in between', () => {
    const program = check(ops.add(ops.cast(ops.cast(ops.mul(x, 3), 'int32'), 'float32'), 0.5));
    assert.equal(kinds(program), 'map map');
  });
  it('moves what only the backward pass needs into it', () => {
    const product = ops.matmul(x, ops.transpose(y));
    const h = ops.square(product);
    const mask = ops.less(0.5, product);
    const later = ops.matmul(h, h);
    assert.equal(kinds(check(ops.mul(later, mask))), 'gemm map gemm map');
  });
  it('computes a difference again where it is needed later, instead of keeping it', () => {
    const centred = ops.sub(x, row);
    const product = ops.matmul(ops.exp(centred), ops.transpose(y));
    const sum = ops.sum(product);
    const program = check(ops.mul(centred, sum));
    assert.equal(kinds(program), 'map gemm reduce map');
    assert.deepEqual(steps(program), ['sub', 'exp', 'sub', 'mul']);
    assert.deepEqual(
      program.instructions.map((i) => (i.kind === 'map' ? i.outputs.length : 1)),
      [1, 1, 1, 1],
    );
  });
  it('keeps what is dear, delivered, read by a product, or made of more than it has', () => {
    const later = (value: Tensor, made: Tensor): Tensor => ops.mul(value, ops.sum(ops.matmul(ops.sin(made), ops.transpose(y))));
    const computed = (name: string, ...results: readonly Tensor[]): number => steps(check(...results)).filter((op) => op === name).length;
    const dear = ops.exp(x);
    assert.equal(computed('exp', later(dear, dear)), 1);
    const centred = ops.sub(x, row);
    assert.equal(computed('sub', later(centred, centred), centred), 1);
    const product = ops.matmul(ops.sin(centred), ops.transpose(centred));
    assert.equal(computed('sub', ops.mul(centred, ops.sum(product))), 1);
    const [a, b] = [ops.matmul(x, ops.matmul(ops.transpose(x), y)), ops.matmul(y, ops.matmul(ops.transpose(y), x))];
    const both = ops.sub(a, b);
    assert.equal(computed('sub', later(both, both)), 1);
    assert.equal(computed('sub', later(both, both), ops.matmul(a, ops.transpose(b)), later(a, both), later(b, both)), 2);
  });
  for (const [what, count] of [
    ['steps', 150],
    ['readers', 40],
  ] as const) {
    it(`splits what exceeds a map's ${what}`, () => {
      if (what === 'steps') {
        let h: Tensor = x;
        for (let i = 0; i < count; i++) h = ops.sin(ops.add(h, i / 7));
        assert.ok(build(outputs([h])).instructions.every((i) => i.kind === 'map' && i.steps.length <= 64 && i.constants.length <= 24));
        check(h);
      } else {
        const all = Array.from({ length: count }, (_, i) => ops.mul(x, source(state, 1600 + 96 * i, [4, 6])));
        check(
          all.reduce((a, b) => ops.add(a, b)),
          ...all,
        );
      }
    });
  }
  it('puts bias and activation into the product, unless the value in between is wanted', () => {
    const product = ops.matmul(x, ops.transpose(y));
    const bias = source(state, 2000, [4]);
    assert.equal(kinds(check(ops.relu(ops.add(product, bias)))), 'gemm');
    assert.equal(kinds(check(ops.add(product, constant(Int32Array.of(1, 2, 3, 4))))), 'gemm map');
    assert.equal(kinds(check(ops.add(ops.reshape(product, [-1, 1]), bias))), 'gemm map');
    assert.equal(kinds(check(ops.add(ops.add(product, bias), bias))), 'gemm map');
    assert.equal(kinds(check(ops.relu(ops.add(product, bias)), product)), 'gemm map');
    assert.equal(kinds(check(ops.relu(ops.add(product, bias)), ops.neg(ops.add(product, bias)))), 'gemm map');
    assert.equal(kinds(check(ops.tanh(ops.add(product, column)))), 'gemm map');
  });
});

describe('copy elision', () => {
  it('computes the parts of a concat where they go', () => {
    assert.equal(kinds(check(ops.softmax(ops.concat([ops.exp(x), ops.neg(y)])))), 'map map softmax');
  });
  it('computes gradients inside their flat vector, with zeros in the gaps', () => {
    assert.equal(
      kinds(check(ops.square(ops.pack([ops.matmul(x, ops.transpose(y)), ops.sum(x, { axes: 0 })], [0, 20], 32)))),
      'gemm reduce fill fill map',
    );
  });
  it('copies what goes to two places, and what lies in a memory', () => {
    const e = ops.exp(x);
    assert.equal(kinds(check(ops.neg(ops.concat([e, e, y])))), 'map copy copy map');
  });
  it('copies what lies below a fill', () => {
    assert.equal(kinds(check(ops.neg(ops.pad(ops.exp(x), [[1, 1], [0, 0]])))), 'map fill copy map'); // prettier-ignore
  });
  it('writes a product where its transpose, a wider tensor or both would take it', () => {
    const [a, b] = [source(state, 2000, [3, 2, 5, 4]), source(state, 3000, [3, 2, 4, 6])];
    const product = ops.matmul(a, b);
    const heads = ops.transpose(product, [0, 2, 1, 3]);
    const joined = ops.reshape(heads, [3, 5, 12]);
    assert.equal(kinds(check(ops.softmax(joined))), 'gemm softmax');
    assert.equal(kinds(check(ops.softmax(ops.pad(joined, [[1, 0], [0, 1], [2, 1]])))), 'fill gemm softmax'); // prettier-ignore
    const other = ops.transpose(ops.matmul(a, ops.exp(b)), [0, 2, 1, 3]);
    assert.equal(kinds(check(ops.softmax(ops.concat([joined, ops.reshape(other, [3, 5, 12])], 2)))), 'map gemm gemm softmax');
  });
  it('copies the transpose of a product that is read elsewhere, is wanted itself, or whose rows come apart', () => {
    const product = ops.matmul(source(state, 2000, [3, 2, 5, 4]), source(state, 3000, [3, 2, 4, 6]));
    const moved = (axes: readonly number[]): Tensor => ops.softmax(ops.reshape(ops.transpose(product, axes), [3, -1]));
    assert.equal(kinds(check(moved([0, 2, 1, 3]), ops.logSoftmax(product))), 'gemm copy softmax softmax');
    assert.equal(kinds(check(moved([0, 2, 1, 3]), product)), 'gemm copy softmax');
    assert.equal(kinds(check(moved([0, 1, 3, 2]))), 'gemm copy softmax');
    assert.equal(kinds(check(ops.softmax(ops.concat([product, product])))), 'gemm copy softmax');
  });
  it('copies a row that is repeated in the place of others', () => {
    const turned = ops.reshape(ops.transpose(source(state, 2000, [4, 2, 2]), [0, 2, 1]), [4, 4]);
    const repeated = ops.broadcastTo(ops.slice(turned, [0, 0], [1, 4]), [4, 4]);
    assert.equal(kinds(check(ops.softmax(ops.concat([repeated, y], 1)))), 'copy copy copy softmax');
  });
  it('writes a copy where a copy of it would go', () => {
    const turned = ops.transpose(ops.reshape(x, [4, 2, 3]), [0, 2, 1]);
    const twice = ops.concat([ops.reshape(turned, [4, 6]), ops.exp(y)], 1);
    assert.equal(kinds(check(ops.softmax(twice))), 'map copy copy softmax');
  });
});

describe('products in place', () => {
  it('read the heads of attention where they lie', () => {
    const heads = source(state, 2000, [3, 5, 18]);
    const [q, k, v] = ops.split(heads, [6, 6, 6], 2).map((part) => ops.transpose(ops.reshape(part, [3, 5, 2, 3]), [0, 2, 1, 3])) as [Tensor, Tensor, Tensor]; // prettier-ignore
    assert.equal(kinds(check(ops.matmul(ops.softmax(ops.matmul(q, k, { transposeB: true })), v))), 'gemm softmax gemm');
    assert.equal(kinds(check(ops.matmul(q, ops.transpose(k)))), 'gemm');
  });
  it('copy heads of more than two leading dimensions', () => {
    const [a, b] = [source(state, 2000, [2, 3, 5, 2, 4]), source(state, 3000, [2, 2, 3, 4, 6])];
    assert.equal(kinds(check(ops.matmul(ops.transpose(a, [0, 3, 1, 2, 4]), b))), 'copy gemm');
  });
});

describe('a result in the place of what it is made of', () => {
  it('is of the same element type: bytes would be overwritten before they are read', () => {
    const bytes = ops.cast(ops.reshape(ops.mul(source(state, 4000, [4, 24]), 16), [96]), 'uint8');
    check(ops.softmax(ops.mul(ops.slice(bytes, [0], [24]), 0.25)));
  });
  it('is not of what a later row reads, too', () => {
    const logits = ops.exp(x);
    const weights = ops.reshape(ops.slice(ops.reshape(logits, [24]), [0], [4]), [4]);
    check(ops.neg(gradients(ops.crossEntropy(logits, constant(Int32Array.of(3, 1, 0, 5))), [logits], weights)[0]!));
  });
});

describe('gradients of parts', () => {
  const gradientOf = (f: (x: Tensor) => Tensor): Tensor => gradients(f(x), [x])[0]!;
  it('lie one after another at once', () => {
    const all = gradientOf((t) => ops.sum(ops.stack(ops.unstack(t, 1).map((part, i) => ops.mul(ops.square(part), i)))));
    assert.ok(!kinds(check(all)).includes('fill'));
    check(gradientOf((t) => ops.sum(ops.concat(ops.split(ops.exp(t), [1, 0, 3], 0).toReversed()))));
  });
  it('are zeros where a part counts nothing', () => {
    const parts = (indices: readonly number[]): Tensor =>
      gradientOf((t) =>
        ops.sum(
          ops.concat(
            indices.map((i) => ops.square(ops.split(t, [1, 2, 2, 1], 1)[i]!)),
            1,
          ),
        ),
      );
    for (const indices of [[0], [1], [3], [0, 2], [1, 3], [1, 2], [0, 3]]) check(parts(indices));
  });
});
