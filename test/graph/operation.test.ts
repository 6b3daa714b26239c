import assert from 'node:assert/strict';
import { StateError } from '../../lib/errors.js';
import { gradients } from '../../lib/graph/gradients.js';
import { Operation } from '../../lib/graph/operation.js';
import { topologicalOrder } from '../../lib/graph/order.js';
import { MemorySlot, constant, source } from '../../lib/graph/source.js';
import type { Tensor, TensorType } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { within } from '../../lib/ops/within.js';

/** Holds what is to be told apart. */
class Holder extends Operation {
  readonly name = 'holder';

  constructor(readonly field: unknown) {
    super();
  }

  infer(): readonly TensorType[] {
    return [{ shape: [], dtype: 'float32' }];
  }

  lower(): readonly never[] {
    return [];
  }
}

const keyOf = (field: unknown): string => new Holder(field).key();

/** Values that differ from a field in one place; none for functions and what else a key need not hold. */
function others(field: unknown): readonly unknown[] {
  if (typeof field === 'boolean') return [!field];
  if (typeof field === 'number') return [field + 1];
  if (typeof field === 'bigint') return [field + 1n];
  if (typeof field === 'string') return [`${field}1`];
  if (Array.isArray(field)) return [[...(field as unknown[]), 1], ...(field as unknown[]).flatMap((one, i) => others(one).map((other) => (field as unknown[]).with(i, other)))]; // prettier-ignore
  if (field?.constructor !== Object) return [];
  return Object.entries(field).flatMap(([name, one]) => others(one).map((other) => ({ ...field, [name]: other })));
}

/** The operation with one field changed, for each that its key is to tell. */
const variants = (op: Operation): readonly (readonly [string, Operation])[] =>
  Object.entries(op).flatMap(([name, field]) => {
    if (name === 'name' || name === 'passesGradient') return [];
    const copy = (): Operation => Object.create(Object.getPrototypeOf(op) as Operation) as Operation;
    return others(field).map((other) => [name, Object.assign(copy(), op, { [name]: other })] as const);
  });

describe('the key of an operation', () => {
  it('tells apart whatever numbers, texts, lists and records its fields hold', () => {
    const fields = [
      0, -0, '0', 0n, '0n', NaN, 'NaN', undefined, 'undefined', true, 'true', [], [[]], [0], ['0'], [-0], [[0]], [0, 1], ['0,1'], ['0', '1'], [0, [1]],
      [[0], 1], '[0]', {}, { a: 0 }, { b: 0 }, { a: [0] }, [['a', 0]], { a: 0, b: 1 }, '"', '","', ['"', '"'],
    ]; // prettier-ignore
    assert.equal(new Set(fields.map(keyOf)).size, fields.length);
    for (const field of fields) assert.equal(keyOf(structuredClone(field)), keyOf(field));
  });
  for (const [what, field] of [
    ['a function', keyOf],
    ['Map', new Map()],
    ['Float32Array', new Float32Array(1)],
  ] as const)
    // prettier-ignore
    it(`is its own affair if one holds a ${what.replace('a ', '')}`, () =>
      assert.throws(
        () => keyOf([field]),
        new StateError(
          `Operation: expected numbers, texts, lists and records as fields, got ${what}. Write a key() beside it.`,
        ),
      ));

  it('differs in whatever field two of a class do', () => {
    const slot = new MemorySlot('state', 4096);
    const images = source(slot, 0, [2, 4, 4, 3]);
    const rows = source(slot, 512, [2, 6]);
    const ids = constant(Int32Array.of(0, 1));
    const loss = (...xs: readonly Tensor[]): Tensor => xs.map((x) => ops.sum(x)).reduce((a, b) => ops.add(a, b));
    const y = loss(
      ops.conv2d(ops.maxPool2d(images, 2), source(slot, 1024, [2, 2, 3, 1])),
      ops.avgPool2d(images, 2),
      ops.matmul(ops.pad(rows, [[1, 0], [0, 1]], -0), ops.transpose(ops.pad(rows, [[0, 0], [1, 0]]))), // prettier-ignore
      ops.crossEntropy(rows, within('ids', ids, 0, 6, String)),
      ops.max(ops.softmax(ops.gatherRows(ops.broadcastTo(ops.slice(rows, [0, 1], [2, 1]), [2, 3]), ids)), { axes: 1 }),
      ops.pack(ops.split(ops.concat([rows, rows], 1), [5, 7], 1), [0, 16], 32),
      ops.randomUniform([2], 1, 0),
    );
    const nodes = topologicalOrder([...gradients(y, [images, rows]), ops.affineSample(images, source(slot, 2048, [2, 6]))]);
    const classes = new Set(nodes.map(({ op }) => op.constructor));
    assert.ok(classes.size > 20, `${classes.size} classes`);
    for (const { op } of nodes)
      for (const [name, other] of variants(op)) assert.notEqual(other.key(), op.key(), `${op.name} with another ${name}`);
  });
});
