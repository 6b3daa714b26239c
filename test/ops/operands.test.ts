/** Every exported operation names itself where it is given something else than tensors and lists of sizes. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { LanewiseError, Tensor, array } from '../../lib/index.js';
import * as ops from '../../lib/ops/index.js';

const { cast, full } = ops;
const vector = full([3], 1);
const t = full([2, 3], 1);
const image = full([1, 4, 4, 2], 1);
const ids = cast(full([2], 1), 'int32');
const lengths = cast(full([1], 1), 'int32');
const sequence = (gates: number): readonly Tensor[] => [full([2, 1, gates * 2], 1), full([2, gates * 2], 1), full([1, 2], 1)];

/** A list of sizes, axes or the like. */
class List {
  constructor(readonly numbers: readonly number[]) {}
}
const list = (...numbers: number[]): List => new List(numbers);

type Name = keyof typeof ops;

/** Arguments that each operation takes. */
const calls: Readonly<Record<Name, readonly unknown[]>> = {
  abs: [t],
  add: [t, t],
  affineSample: [image, full([1, 6], 0)],
  argmax: [t],
  argmin: [t],
  avgPool2d: [image, 2],
  batchNorm: [t, vector, vector, 1e-5],
  groupNorm: [t, 1, vector, vector, 1e-5],
  layerNorm: [t, list(3), vector, vector, 1e-5],
  broadcastTo: [vector, list(2, 3)],
  cast: [t, 'int32'],
  clip: [t, 0, 1],
  columnMoments: [full([1, 2, 3], 1)],
  concat: [[t, t]],
  conv1d: [full([1, 4, 2], 1), full([2, 2, 3], 1), { bias: vector }],
  conv2d: [image, full([2, 2, 2, 3], 1), { bias: vector }],
  convTranspose1d: [full([1, 4, 2], 1), full([2, 3, 2], 1), { bias: vector }],
  convTranspose2d: [image, full([2, 2, 3, 2], 1), { bias: vector }],
  cos: [t],
  crossEntropy: [t, ids],
  ctc: [full([1, 4, 3], -1), full([1, 2], 1), { lengths }],
  customGradient: [t, [t], (dy: Tensor) => [dy]],
  div: [t, t],
  elman: [...sequence(1), { lengths }],
  elu: [t],
  equal: [t, t],
  erf: [t],
  exp: [t],
  expm1: [t],
  floor: [t],
  full: [list(2, 3), 1],
  gather: [t, cast(full([2, 1], 1), 'int32')],
  gatherRows: [t, ids],
  gelu: [t],
  greater: [t, t],
  greaterEqual: [t, t],
  gru: [...sequence(3), { lengths, recurrentBias: full([2], 1) }],
  isFinite: [t],
  leakyRelu: [t],
  less: [t, t],
  lessEqual: [t, t],
  log: [t],
  log1p: [t],
  logSoftmax: [t],
  logSumExp: [t],
  lstm: [...sequence(4), full([1, 2], 1), { lengths }],
  matmul: [t, full([3, 2], 1)],
  max: [t],
  maximum: [t, t],
  maxPool2d: [image, 2],
  mean: [t],
  min: [t],
  minimum: [t, t],
  mul: [t, t],
  neg: [t],
  norm: [t],
  notEqual: [t, t],
  oneHot: [ids, 3],
  pack: [[t, t], list(0, 6), 12],
  pad: [vector, [[1, 1]]],
  pick: [t, ids],
  pow: [t, t],
  randomNormal: [list(2, 3), 1, 0],
  randomUniform: [list(2, 3), 1n, 0],
  reciprocal: [t],
  relu: [t],
  reshape: [t, list(3, -1)],
  round: [t],
  scaledDotProductAttention: [t, t, t, { mask: full([2, 2], 1) }],
  scatterAddRows: [t, ids, 3],
  sigmoid: [t],
  sign: [t],
  silu: [t],
  sin: [t],
  slice: [t, list(0, 0), list(1, 1)],
  softmax: [t],
  softplus: [t],
  split: [t, list(1, 2), 1],
  sqrt: [t],
  square: [t],
  stack: [[t, t]],
  stopGradient: [t],
  sub: [t, t],
  sum: [t],
  sumSquares: [t],
  sumTo: [t, list(3)],
  tanh: [t],
  transpose: [t, list(1, 0)],
  unstack: [t],
  variance: [t],
  where: [t, t, t],
};

/** Operations for which a number stands for a tensor. */
const takesNumbers = new Set<string>(
  ['add sub mul div maximum minimum pow less lessEqual greater greaterEqual equal notEqual neg abs sign sqrt square reciprocal floor round',
    'exp expm1 log log1p tanh sigmoid erf sin cos relu isFinite where clip softplus elu gelu leakyRelu silu'].flatMap((names) => names.split(' ')), // prettier-ignore
);

const noTensors: readonly unknown[] = [undefined, null, 3, 'x', [], [1, 2], [[1, 2], [3]], {}, new Float32Array(6), array([[1]]), () => t];
const noLists: readonly unknown[] = [
  undefined,
  null,
  3,
  'x',
  {},
  t,
  [1.5, 2],
  [-3],
  [NaN],
  [2n, 3],
  ['2', 3],
  [t],
  Int32Array.of(2, 3),
  [[2, 3]],
];
const oddTensors: readonly Tensor[] = [full([], 1), full([0], 1), full([2, 1, 1, 1, 1, 1, 1], 1), cast(t, 'int32'), cast(t, 'uint8')];

interface Attempt {
  readonly what: string;
  readonly args: readonly unknown[];
}

const numbersOf = (arg: unknown): unknown => (arg instanceof List ? arg.numbers : arg);
const isTensors = (arg: unknown): arg is readonly Tensor[] => Array.isArray(arg) && arg.length > 0 && arg.every((x) => x instanceof Tensor);
const isOptions = (arg: unknown): arg is Readonly<Record<string, unknown>> =>
  typeof arg === 'object' && !(arg instanceof Tensor) && !(arg instanceof List) && !Array.isArray(arg);

/** The call with every tensor replaced by each of these, one at a time. */
function withTensors(args: readonly unknown[], values: readonly unknown[]): readonly Attempt[] {
  return args.flatMap((arg, i): readonly Attempt[] => {
    const put = (name: string, value: unknown, whole = value): Attempt => ({ what: `${name} = ${inspect(value, { breakLength: Infinity })}`, args: args.map(numbersOf).with(i, whole) }); // prettier-ignore
    if (arg instanceof Tensor) return values.map((value) => put(`argument ${i}`, value));
    if (isTensors(arg)) return values.flatMap((value) => arg.map((_, j) => put(`item ${j}`, value, arg.with(j, value as Tensor))));
    if (!isOptions(arg)) return [];
    return Object.keys(arg).flatMap((name) =>
      values.filter((value) => value !== undefined).map((value) => put(name, value, { ...arg, [name]: value })),
    );
  });
}

/** The call with every list replaced by something else. */
function withLists(args: readonly unknown[]): readonly Attempt[] {
  return args.flatMap((arg, i): readonly Attempt[] => {
    const put = (value: unknown): Attempt => ({
      what: `argument ${i} = ${inspect(value, { breakLength: Infinity })}`,
      args: args.map(numbersOf).with(i, value),
    });
    if (arg instanceof List) return noLists.map(put);
    return isTensors(arg) ? noTensors.filter((value) => !Array.isArray(value) || value.length > 0).map(put) : [];
  });
}

function run(name: Name, args: readonly unknown[]): void {
  (ops[name] as (...args: readonly unknown[]) => unknown)(...args);
}

describe('every exported operation', () => {
  it('is in this table', () => {
    assert.deepEqual(Object.keys(ops).toSorted(), Object.keys(calls).toSorted());
  });

  for (const [name, args] of Object.entries(calls) as [Name, readonly unknown[]][]) {
    it(`names itself: ${name}`, () => {
      run(name, args.map(numbersOf)); // The table is right.
      const tensors = withTensors(args, takesNumbers.has(name) ? noTensors.filter((x) => x !== 3) : noTensors);
      const optional = (attempt: Attempt): boolean =>
        ['transpose', 'batchNorm', 'groupNorm', 'layerNorm'].includes(name) &&
        attempt.what.endsWith('undefined') &&
        attempt.what !== 'argument 0 = undefined';
      for (const attempt of [...tensors, ...withLists(args)].filter((attempt) => !optional(attempt))) {
        assert.throws(
          () => run(name, attempt.args),
          (error: unknown) => {
            assert.ok(error instanceof LanewiseError, `${attempt.what}: ${String(error)}`);
            assert.ok(error.message.startsWith(`${name}: expected `), `${attempt.what}: ${error.message}`);
            assert.match(error.message, /, got .*\./s);
            return true;
          },
          `${name}, ${attempt.what}`,
        );
      }
    });

    it(`takes other tensors or refuses them: ${name}`, () => {
      for (const attempt of withTensors(args, oddTensors)) {
        try {
          run(name, attempt.args);
        } catch (error) {
          assert.ok(error instanceof LanewiseError, `${attempt.what}: ${String(error)}`);
        }
      }
    });
  }
});
