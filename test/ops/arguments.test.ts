/** What operations are given that they cannot take. */
import assert from 'node:assert/strict';
import { Layer, Linear, Sequential, type Scope, type Tensor, array, compile, formatShape, gradients, zeros } from '../../lib/index.js';
import { constant, scalar } from '../../lib/graph/source.js';
import {
  add,
  argmax,
  cast,
  clip,
  columnMoments,
  concat,
  conv2d,
  customGradient,
  exp,
  full,
  greater,
  matmul,
  mul,
  oneHot,
  type Operand,
  pack,
  pad,
  pick,
  pow,
  randomNormal,
  randomUniform,
  reshape,
  softplus,
  slice,
  split,
  stack,
  sum,
  sumTo,
  transpose,
  unstack,
  variance,
  where,
} from '../../lib/ops/index.js';

const t = full([2, 3], 1);
const vector = full([3], 1);
const image = full([2, 2, 2, 2], 1);

/** Arguments as they come from JavaScript. */
type Loose = (...args: readonly unknown[]) => unknown;

describe('arguments of operations', () => {
  const wrong: readonly (readonly [() => unknown, string, RegExp])[] = [
    [
      () => add(t, array([1, 2, 3]) as never),
      'DTypeError',
      /^add: expected a tensor or a number for b, got NdArray\. Data come in as arguments/,
    ],
    [() => add(t, new Float32Array(3) as never), 'DTypeError', /^add: expected a tensor or a number for b, got Float32Array/],
    [() => mul(t, [1, 2, 3] as never), 'DTypeError', /^mul: expected a tensor or a number for b, got Array/],
    [() => add(t, undefined as never), 'DTypeError', /^add: expected a tensor or a number for b, got undefined/],
    [
      () => reshape(full([4], 1), [-2, -1]),
      'ShapeError',
      /^reshape: expected a shape of 4 elements, got \[-2, -1\] for x of shape \[4\]\./,
    ],
    [() => greater(null as never, t), 'DTypeError', /^greater: expected a tensor or a number for a, got null/],
    [() => where(t, t, '1' as never), 'DTypeError', /^where: expected a tensor or a number for no, got string/],
    [() => clip(t, undefined as never, 1), 'DTypeError', /^clip: expected a tensor or a number for low, got undefined/],
    [() => exp(null as never), 'DTypeError', /^exp: expected a tensor or a number for x, got null/],
    [() => concat([t, array([[1]]) as never]), 'DTypeError', /^concat: expected a tensor, got NdArray/],
    [
      () => concat([array([[1]])] as never),
      'DTypeError',
      /^concat: expected a list of tensors, got one of arrays\. Put arrays together by concatRows\.$/,
    ],
    [
      () => stack([array([[1]])] as never),
      'DTypeError',
      /^stack: expected a list of tensors, got one of arrays\. Put arrays together by stackRows\.$/,
    ],
    [() => concat([vector, cast(vector, 'int32')]), 'DTypeError', /^concat: expected one element type, got float32 and int32/],
    [() => sum(t, { axis: 1 } as never), 'OptionError', /^sum: expected options among axes, keepDims, got axis/],
    [() => sum(t, { axes: [0.5] }), 'OptionError', /^sum: expected .* for axes, got \[ 0\.5 \]/],
    [() => matmul(t, t, { transB: true } as never), 'OptionError', /^matmul: .* got transB/],
    [() => matmul(vector, t, { transposeA: true }), 'ShapeError', /^matmul: expected a of rank ≥ 2 to transpose, got \[3\]/],
    [() => full([1.5], 3), 'ShapeError', /whole numbers ≥ 0, got \[1\.5\]/],
    [() => slice(vector, [0], [1.5]), 'ShapeError', /whole numbers ≥ 0, got \[1\.5\]/],
    [() => argmax(scalar(1)), 'ShapeError', /^argmax: expected x of rank ≥ 1, got \[\]/],
    [() => constant([1, 2] as never), 'DTypeError', /^constant: expected a Float32Array, .* got Array\. Convert it/],
    [() => compile(undefined as never), 'OptionError', /^compile: expected a function for fn, got undefined\./],
    [() => concat([scalar(1), scalar(2)]), 'ShapeError', /^concat: expected x of rank ≥ 1, got \[\]/],
    [() => cast(t, 'float64' as never), 'DTypeError', /^cast: expected 'float32', 'int32' or 'uint8' for dtype, got 'float64'\.$/],
    [() => cast(t, { dtype: 'int32' } as never), 'DTypeError', /^cast: .* got \{ dtype: 'int32' \}\.$/],
    [() => cast(t, Object.create(null) as never), 'DTypeError', /^cast: .* got \[Object: null prototype\] \{\}\.$/],
    [
      () => concat([t, t], { axis: 1 } as never),
      'ShapeError',
      /^concat: expected axis in -2 … 1, got \{ axis: 1 \}\. Give the number as an argument of its own, not in an object\.$/,
    ],
    [() => stack([t, t], { axis: 1 } as never), 'ShapeError', /^stack: .* got \{ axis: 1 \}\. Give the number/],
    [() => unstack(t, { axis: 1 } as never), 'ShapeError', /^unstack: .* got \{ axis: 1 \}\. Give the number/],
    [() => split(t, [1, 1], { axis: 1 } as never), 'ShapeError', /^split: .* got \{ axis: 1 \}\. Give the number/],
    [() => split(t, { sizes: [1, 1] } as never), 'ShapeError', /^split: .* got \{ sizes: \[ 1, 1 \] \}\. For single parts/],
    [() => pack([vector], [0], {} as never), 'OptionError', /^pack: expected a whole number ≥ 0 for size, got \{\}\.$/],
    [() => full([{}] as never, 1), 'ShapeError', /^full: expected sizes that are whole numbers ≥ 0, got \[ \{\} \]\.$/],
    [() => formatShape(undefined as never), 'OptionError', /^formatShape: expected a list of sizes, got undefined\.$/],
    [
      () => add(t, zeros() as never),
      'DTypeError',
      /^add: expected a tensor or a number for b, got a function\. An initializer such as zeros\(\) .* full\(shape, value\)\.$/,
    ],
    [() => variance(t, { axis: 1 } as never), 'OptionError', /^variance: .* got axis/],
    [() => oneHot(vector, 2.5), 'OptionError', /^oneHot: expected a whole number ≥ 0 for classes, got 2\.5/],
    [() => pick(t, full([1], 0)), 'ShapeError', /^pick: expected one id for each row .* got x \[2, 3\] and ids \[1\]/],
    [() => columnMoments(t), 'ShapeError', /^columnMoments: expected x of rank 3 .* got \[2, 3\]/],
    [() => sumTo(t, [2]), 'ShapeError', /^sumTo: expected a shape that broadcasts to \[2, 3\], got \[2\]/],
    [() => gradients(sum(t), t as never), 'DTypeError', /^gradients: expected a list of tensors for xs, got Tensor/],
    [() => gradients(sum(t), [3 as never]), 'DTypeError', /^gradients: expected tensors, got number/],
    [() => gradients(sum(customGradient(t, [t], (dy) => [sum(dy)])), [t]), 'ShapeError', /^customGradient: .* \[2, 3\], got \[\]/],
    [
      () => gradients(sum(customGradient(t, [t], ((dy: Tensor) => dy) as never)), [t]),
      'DTypeError',
      /^customGradient: expected a list of tensors from backward, undefined for none, got Tensor\. Return \[dx\]\./,
    ],
    [() => gradients(sum(customGradient(t, [t], (() => undefined) as never)), [t]), 'DTypeError', /^customGradient: .* got undefined\./],
    [() => gradients(sum(customGradient(t, [t], (() => [1]) as never)), [t]), 'DTypeError', /^customGradient: .* got number\./],
    [() => gradients(sum(customGradient(t, [t], () => [])), [t]), 'ShapeError', /^customGradient: .* \[2, 3\], got none/],
    [() => gradients(t, [t], 1 as never), 'DTypeError', /^gradients: expected tensors, got number/],
    [() => reshape(t, 6 as never), 'ShapeError', /^reshape: expected a list of numbers for shape, got 6\. Put all of them in one list\.$/],
    [() => (reshape as Loose)(t, 3, 2), 'ShapeError', /^reshape: expected a list of numbers for shape, got 3\./],
    [() => (transpose as Loose)(t, 1, 0), 'ShapeError', /^transpose: expected a list of numbers for axes, got 1\./],
    [() => (concat as Loose)(t, t), 'DTypeError', /^concat: expected a list of tensors, got Tensor\. Put all of them in one list\.$/],
    [() => full(3 as never, 1), 'ShapeError', /^full: expected a list of sizes, got 3\. Put all of them in one list\.$/],
    [() => full([3], t as never), 'OptionError', /^full: expected a number for value, got broadcastTo float32\[2, 3\]\.$/],
    [
      () => pad(vector, [1, 1] as never),
      'OptionError',
      /^pad: expected 1 pairs of whole numbers ≥ 0, one a dimension of x, got \[ 1, 1 \]\.$/,
    ],
    [() => softplus(t, 0), 'OptionError', /^softplus: expected a number > 0, 1\.2e-38 at least for beta, got 0\.$/],
    [
      () => (randomNormal as Loose)([2]),
      'OptionError',
      /^randomNormal: expected a whole number ≥ 0 \(a bigint below 2⁶⁴\) for seed, got undefined\.$/,
    ],
    [() => (randomUniform as Loose)([2], 1), 'OptionError', /^randomUniform: expected 0 … 2²⁹ − 1 for stream, got undefined\.$/],
    [() => randomNormal([2], 1, 2 ** 29), 'OptionError', /^randomNormal: expected 0 … 2²⁹ − 1 for stream, got 536870912\.$/],
    [
      () => conv2d(image, image, vector as never),
      'OptionError',
      /^conv2d: expected an object of options { stride, padding, dilation, groups, bias }, got Tensor\.$/,
    ],
    [
      () => conv2d(image, image, [1, 1] as never),
      'OptionError',
      /^conv2d: expected an object of options { .* }, got Array\. Name it: \{ stride: \[ 1, 1 \] \}\.$/,
    ],
    [() => conv2d(image, image, { stride: vector as never }), 'OptionError', /^conv2d: .* for stride, got broadcastTo float32\[3\]\.$/],
    [() => matmul(t, undefined as never), 'DTypeError', /^matmul: expected a tensor for b, got undefined\. Data come in/],
    [() => (t as never) > 0, 'DTypeError', /^Tensor: expected an operation .* got an operator of JavaScript/],
    [() => compile((x: Tensor) => x, { foo: 1 } as never), 'OptionError', /^compile: .* got foo/],
  ];
  for (const [act, name, message] of wrong) it(String(message), () => assert.throws(act, { name, message }));

  it('tensors where data is expected, with what takes them', () =>
    assert.rejects(new Linear(1).predict(t as never), {
      name: 'DataError',
      message:
        "Linear.predict: expected data made by array(), got Tensor. Tensors go through a layer by scope.call('name', layer, x), and through a model by model.outputOf(x).",
    }));

  it('a parameter without first values', () => {
    class Bare extends Layer {
      forward(x: Tensor, scope: Scope): Tensor {
        return add(x, scope.parameter('w', [1], undefined as never));
      }
    }
    assert.throws(() => new Sequential({ bare: new Bare() }).build([1]), {
      name: 'OptionError',
      message: /^Bare "bare": "w": expected an initializer for its first values, got undefined/,
    });
  });
});

describe('powers of 0', () => {
  it('have the gradient 0 where the exponent is 0', () => {
    const f = compile((x: Tensor, b: Tensor) => {
      const first = gradients(sum(pow(x, b)), [x])[0]!;
      const square = gradients(sum(pow(x, 2)), [x])[0]!;
      const third = gradients(sum(gradients(sum(square), [x])[0]!), [x])[0]!;
      return [first, reshape(square, [3]), third] as const;
    });
    const [first, square, third] = f.sync(array([0, 0, 2]), array([0, 1, 2]));
    assert.deepEqual([first.data, square.data, third.data], [[0, 1, 4], [0, 0, 4], [0, 0, 0]].map((x) => Float32Array.from(x))); // prettier-ignore
  });
  for (const n of [0, 1, 2, 3]) {
    it(`have derivatives of any order: x^${n}`, () => {
      const derivatives = (exponent: Operand, x: Tensor): readonly Tensor[] => {
        const all = [pow(x, exponent)];
        for (let order = 1; order <= 4; order++) all.push(gradients(sum(all.at(-1)!), [x])[0]!);
        return all;
      };
      const at = [0, -2, 2];
      const falling = (order: number): number => Array.from({ length: order }, (_, i) => n - i).reduce((a, b) => a * b, 1);
      const expected = [0, 1, 2, 3, 4].map((order) => at.map((x) => (order > n ? 0 : falling(order) * x ** (n - order))));
      const given = compile((x: Tensor, b: Tensor) => derivatives(b, x)).sync(array(at), array([n, n, n]));
      const known = compile((x: Tensor) => derivatives(n, x)).sync(array(at));
      for (const got of [given, known]) {
        const values = got.map(({ data }) => Array.from(data, (value) => value + 0)); // −0 is 0
        assert.deepEqual(values, expected);
      }
    });
  }
});
