import assert from 'node:assert/strict';
import { type Program, build } from '../../lib/compile/program.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { type Fn, checkForward, sample } from '../support/check-op.js';
import { memoryOf } from '../support/evaluate.js';
import { checkProgram, outputs } from '../support/programs.js';
import { generator, randomValues } from '../support/random-graph.js';

const state = new MemorySlot('state', 4096 * 4);
const at = (offset: number, ...shape: number[]): Tensor => source(state, 4 * offset, shape);
const [x, w, b, a] = [at(0, 2, 5, 5, 2), at(100, 3, 3, 2, 3), at(200, 3), at(300, 3)] as const;
const memories = new Map([[state, memoryOf(randomValues(4096, generator(3)))]]);
const kinds = (program: Program): string => program.instructions.map(({ kind }) => kind).join(' ');

describe('epilogues of convolutions', () => {
  const check = (...results: readonly Tensor[]): Program => checkProgram(outputs(results), memories);
  for (const [name, act] of Object.entries({ relu: ops.relu, sigmoid: ops.sigmoid, tanh: ops.tanh })) {
    it(`take in bias and ${name}`, () => {
      const program = check(act(ops.add(b, ops.conv2d(x, w))));
      assert.equal(kinds(program), 'convForward');
      const [conv] = program.instructions;
      assert.ok(conv?.kind === 'convForward' && conv.activation === name && conv.bias !== undefined);
    });
  }
  it('reach through the reshapes of conv1d', () =>
    assert.equal(kinds(check(ops.relu(ops.conv1d(at(0, 2, 9, 2), at(100, 3, 2, 3), { bias: b })))), 'convForward'));
  it('leave a value alone that is wanted in between', () => {
    const y = ops.conv2d(x, w);
    assert.equal(kinds(check(ops.relu(ops.add(y, b)), y)), 'convForward map');
    assert.equal(kinds(check(ops.relu(ops.add(y, b)), ops.neg(ops.add(y, b)))), 'convForward map');
  });
  it('leave what is added to pixels rather than channels', () =>
    assert.equal(kinds(check(ops.add(ops.conv2d(x, w), at(400, 3, 3, 1)))), 'convForward map'));
  it('leave the bias of a flattened image', () =>
    assert.equal(kinds(check(ops.add(ops.reshape(ops.conv2d(x, w), [2, 27]), at(400, 27)))), 'convForward map'));
  it('leave transposed convolutions to a map', () =>
    assert.equal(kinds(check(ops.relu(ops.convTranspose2d(at(0, 2, 3, 3, 3), w, { bias: at(500, 2) })))), 'convBackwardData map'));
});

/** Each output is 18 products and a few operations. */
const operations = 24;
/** Images of 7 × 7 have more results than the kernel has weights. */
const larger = at(1000, 2, 7, 7, 2);
const values = [sample([2, 7, 7, 2], 1), sample([3, 3, 2, 3], 2), sample([3], 3), sample([3], 4), sample([3], 5)];

describe('scales and shifts after a convolution', () => {
  const folds = (name: string, fn: Fn, expected: string): void => {
    it(name, () => {
      checkForward(fn, values.slice(0, fn.length), operations);
      assert.equal(kinds(build(outputs([fn(larger, w, b, a, at(400, 3))]))), expected);
    });
  };
  folds('become weights', (x, w, _b, a) => ops.mul(ops.conv2d(x, w), a), 'map convForward');
  folds('become weights and bias', (x, w, b, a) => ops.add(ops.mul(a, ops.conv2d(x, w)), b), 'map convForward');
  folds('join a bias that is there, and the activation', (x, w, b, a, c) => ops.relu(ops.add(ops.mul(ops.conv2d(x, w, { bias: b }), a), c)), 'map map convForward'); // prettier-ignore
  folds('as batch normalisation writes them', (x, w, b, a, c) => ops.add(ops.mul(ops.sub(ops.conv2d(x, w), c), a), b), 'map map convForward'); // prettier-ignore
  folds('of two normalisations', (x, w, b, a, c) => ops.add(ops.mul(ops.add(ops.mul(ops.conv2d(x, w), a), b), c), a), 'map map map convForward'); // prettier-ignore
  folds('b − y is none', (x, w, b) => ops.sub(b, ops.conv2d(x, w)), 'convForward map');
  folds('after an activation stay', (x, w, b, a) => ops.mul(ops.relu(ops.conv2d(x, w, { bias: b })), a), 'convForward map');
  it('stay where the convolution has another reader', () => {
    const y = ops.conv2d(larger, w);
    assert.equal(kinds(checkProgram(outputs([ops.mul(y, a), y]), memories)), 'convForward map');
  });
  it('stay where they are trained', () => {
    const y = ops.mul(ops.conv2d(larger, w), a);
    checkProgram(outputs([y, ...gradients(ops.sum(y), [a])]), memories);
  });
  for (const n of [1, 5])
    it(`stay where there are more weights than results of one image, whatever the batch: ${n}`, () =>
      assert.equal(kinds(checkProgram(outputs([ops.mul(ops.conv2d(at(1000, n, 5, 5, 2), w), a)]), memories)), 'convForward map'));
  for (const n of [1, 2])
    it(`stay where they are an image's own, in a batch of ${n}`, () =>
      assert.equal(
        kinds(checkProgram(outputs([ops.mul(ops.conv2d(at(1000, n, 7, 7, 2), w), at(300, n, 1, 1, 3))]), memories)),
        'convForward map',
      ));
  it('leave the convolution its layer', () => {
    const f = compile((x: Tensor, w: Tensor, a: Tensor) => {
      const y = ops.conv2d(x, w);
      y.node.label = 'Conv2d "0"';
      const z = ops.mul(y, a);
      z.node.label = 'BatchNorm "1"';
      return z;
    });
    const table = f.describe([2, 7, 7, 2], [3, 3, 2, 3], [3]);
    assert.match(table, /map +mul +BatchNorm "1"/);
    assert.match(table, /convForward +conv +Conv2d "0"/);
  });
});
