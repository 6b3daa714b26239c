/** What a random graph may be continued with. */
import { gradients } from '../../lib/graph/gradients.js';
import { apply } from '../../lib/graph/operation.js';
import { constant, scalar } from '../../lib/graph/source.js';
import type { Shape } from '../../lib/graph/shape.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { ScatterAddRows } from '../../lib/ops/gather.js';
import * as ops from '../../lib/ops/index.js';

/** Chance, and what there is to choose from. */
export interface Choice {
  readonly random: () => number;
  /** 0 … n − 1 */
  readonly integer: (n: number) => number;
  readonly one: <T>(list: readonly T[]) => T;
  readonly tensors: readonly Tensor[];
  readonly others: readonly Tensor[];
  /** A number or a tensor that broadcasts to x. */
  readonly like: (x: Tensor, from?: readonly Tensor[]) => Tensor | number;
  /** Values of which sums of products are exact. */
  readonly exact: (shape: Shape) => Tensor;
  /** int32 in 0 … 3 */
  readonly ids: (shape: Shape) => Tensor;
  /** Those of `tensors` that y may be differentiated by. */
  readonly ancestors: (y: Tensor) => readonly Tensor[];
}

/** Continues from x; nothing if that does not fit. */
export type Maker = (x: Tensor, choice: Choice) => readonly Tensor[];

const unary = [ops.neg, ops.abs, ops.square, ops.relu, ops.floor, ops.tanh, ops.sigmoid, ops.sign, ops.exp, ops.round, ops.sin, ops.erf, ops.softplus, ops.isFinite, ops.stopGradient]; // prettier-ignore
const binary = [ops.add, ops.sub, ops.mul, ops.maximum, ops.minimum, ops.less, ops.lessEqual, ops.equal, ops.notEqual];
const reductions = [ops.sum, ops.mean, ops.max, ops.min, ops.sumSquares, ops.variance];
const dtypes = ['int32', 'uint8', 'float32'] as const;

/** Not 0, whose sign a program may lose, nor negative. */
const positive = (x: Tensor): Tensor => ops.add(ops.abs(x), 0.5);

const elementwise: readonly Maker[] = [
  (x, { one, like }) => [one(binary)(x, like(x))],
  (x, { one, like }) => [one(binary)(like(x), x)],
  (x, { one }) => [one(unary)(x)],
  (x, { one }) => [one(unary)(x)],
  (x, { one, like }) => [ops.div(like(x), positive(x)), ops.div(x, one([2, -4, 3]))],
  (x, { one }) => [one([ops.log, ops.sqrt, ops.reciprocal, ops.log1p])(positive(x)), ops.pow(positive(x), one([0, 0.5, -1]))],
  (x, { like }) => [ops.where(ops.less(x, 0), like(x), x)],
  (x, { like, others }) => [ops.where(like(x, others), like(x), x)],
  (x, { like }) => [ops.where(x, like(x), like(x))].filter((t) => t.size > 1 || x.size === 1),
  (x, { one }) => [ops.cast(ops.cast(x, one(dtypes)), 'float32')],
  (x, { one }) => [ops.cast(ops.clip(x, -1000, 1000), one(dtypes))],
  (_, { one, others }) => [ops.cast(one(others), one(dtypes)), ops.cast(ops.cast(one(others), 'float32'), one(dtypes))],
  (x, { one, others, like }) =>
    one([[ops.add(one(others), 1), ops.mul(x, like(x, others))], [ops.neg(one(others))], [ops.square(one(others))]]),
  (x) => [ops.neg(ops.neg(x)), ops.sub(x, ops.neg(x)), ops.add(ops.neg(x), x)],
];

/** The same numbers, and the same bytes, as several types. */
const constants: readonly Maker[] = [
  (_, { one, random }) => {
    const list = one([[0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5], [-0, 1, -0, 1, -0, 1], [random() < 0.1 ? NaN : 2, 1, 0, 0.5, 3, -2]]); // prettier-ignore
    const floats = Float32Array.from(list);
    const shape = one([[6], [1, 6], [6, 1]]);
    const arrays = one([[floats, Int32Array.from(list)], [Uint8Array.from(list), Int32Array.from(list)], [floats, new Int32Array(floats.buffer)]]); // prettier-ignore
    const [a, b] = arrays.map((values) => constant(values, shape)) as [Tensor, Tensor];
    return [a, b, ops.sub(a, ops.mul(b, 0.5))];
  },
  (_, { one }) => [ops.full(one([[6], [4, 6], []]), one([0, -0, 1, -2])), ops.add(scalar(one([0.1, 3])), scalar(one([0.2, -0])))],
  (_, { one, ids, tensors }) => [ops.mul(ops.oneHot(ids([4]), 6), one(tensors.filter((t) => t.size === 6 && t.rank === 1)))],
  // The sign of a zero that is chosen, told by what is divided by it.
  (x, { one }) => {
    const zero = one([0, -0]);
    return [ops.sign(ops.div(positive(x), ops.where(ops.less(x, 0), zero, -zero)))];
  },
];

const views: readonly Maker[] = [
  (x, { one }) => [
    ops.reshape(x, one([[x.size], [1, x.size], x.size % 4 === 0 ? [4, -1] : [-1], x.size === 24 ? [2, 3, 4] : [-1], [x.size, 1]])),
  ],
  (x) => (x.rank >= 2 ? [ops.transpose(x)] : []),
  (x, { one }) => (x.rank === 3 ? [ops.transpose(x, one([[1, 0, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]]))] : []), // prettier-ignore
  (x, { one }) => {
    const orders = [[1, 0, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] as const; // prettier-ignore
    return x.rank === 3 ? [ops.transpose(ops.transpose(x, one(orders)), one(orders))] : [];
  },
  (x, choice) => [block(x, choice)],
  (x, choice) => [ops.transpose(ops.reshape(block(x, choice), [1, -1]))],
  (_, choice) => [block(choice.one(choice.others), choice), ops.reshape(choice.one(choice.others), [-1])],
  (_, { one, others }) => one([[], [ops.transpose(one(others.filter((t) => t.rank >= 2)))]]),
  (x, { one, tensors, others, integer }) => {
    const first = one([x, x, one(others)]);
    if (first.rank === 0 || first.size > 60) return [];
    const axis = integer(first.rank);
    const fitting = [...tensors, ...others].filter((t) => t.dtype === first.dtype && t.rank === first.rank && t.size < 60 && t.shape.every((n, i) => i === axis || n === first.shape[i])); // prettier-ignore
    return [ops.concat([first, ...Array.from({ length: 1 + integer(2) }, () => one(fitting))], axis)];
  },
  (x, { integer, one }) => (x.size <= 60 && x.rank >= 1 ? [ops.pad(x, x.shape.map(() => [integer(2), integer(2)] as const), one([0, 1, -0]))] : []), // prettier-ignore
  (x, { integer, one, tensors }) => {
    const y = one(tensors);
    return x.size + y.size > 100 ? [] : [ops.pack([x, y], [integer(3), x.size + 2 + integer(2)], x.size + y.size + 6)];
  },
  (x) => (x.rank <= 2 ? [ops.broadcastTo(x, [2, ...x.shape])] : []),
  (x) => [ops.broadcastTo(ops.reshape(x, [1, x.size, 1]), [2, x.size, 3])],
  (_, { one, others }) => [ops.broadcastTo(one(others.filter((t) => t.rank <= 2)), [3, ...one(others.filter((t) => t.rank <= 2)).shape])],
  (x, { integer }) => (x.rank >= 1 && x.rank <= 3 ? ops.unstack(x, integer(x.rank)).slice(0, 2) : []),
  (x, { integer }) => {
    const axis = integer(x.rank);
    const [n, at] = [x.shape[axis] ?? 0, integer(3)];
    return n < 3 ? [] : ops.split(x, [at, 1, n - at - 1], axis).toSpliced(integer(3), integer(2));
  },
  (x, { integer, one, tensors }) => [ops.stack([x, one(tensors.filter((t) => t.shape.join() === x.shape.join()))], integer(x.rank + 1))],
];

function block(x: Tensor, { integer }: Choice): Tensor {
  const start = x.shape.map((n) => integer(Math.min(n, 2)));
  return ops.slice(x, start, x.shape.map((n, i) => 1 + integer(n - start[i]!))); // prettier-ignore
}

const reducing: readonly Maker[] = [
  (x, { one, random }) => [one(reductions)(x, { axes: x.shape.flatMap((_, i) => (random() < 0.5 ? [i] : [])), keepDims: random() < 0.5 })],
  (x, { one, integer, random }) => (x.rank >= 1 ? [one(reductions)(x, { axes: integer(x.rank), keepDims: random() < 0.5 })] : []),
  (_, { one, others }) => [one(reductions)(one(others))],
  (x, { one, random, like }) => (random() < 0.1 && x.size > 4 ? [one(reductions)(ops.add(ops.broadcastTo(x, [Math.ceil(33000 / x.size), ...x.shape]), like(x)))] : []), // prettier-ignore
  (x, { one }) => (x.rank >= 1 ? [one([ops.argmax, ops.argmin])(x)] : []),
  (x, { one }) => (x.rank >= 1 ? [one([ops.softmax, ops.logSoftmax, ops.logSumExp])(x)] : []),
  // Read twice where it ends, once through a view.
  (x, { one, integer }) => {
    if (x.rank < 2) return [];
    const y = ops.softmax(x);
    return [ops.sub(one([y, ops.mul(y, 3)]), ops.slice(y, x.shape.map((n, i) => (i === 0 ? integer(n) : 0)), [1, ...x.shape.slice(1)]))]; // prettier-ignore
  },
  (x, { ids, one }) =>
    x.rank >= 1 && x.shape.at(-1)! >= 4 && x.size <= 120 ? lossesOf(x, ids(x.shape.slice(0, -1)), one([[1], [-100, 1], [2, 1]])) : [],
  (x, { ids }) => (x.rank >= 1 && x.shape.at(-1)! >= 4 && x.size <= 120 ? [ops.pick(x, ids(x.shape.slice(0, -1)))] : []),
];

function lossesOf(logits: Tensor, ids: Tensor, ignored: readonly number[]): readonly Tensor[] {
  return ignored.flatMap((index) => {
    const loss = ops.crossEntropy(logits, ids, index);
    return [loss, ...gradients(ops.sum(ops.square(loss)), [logits])];
  });
}

// Fewer than twice as many rows as the table has: of more, the compiler would add up gradients in another order.
const rows: readonly Maker[] = [
  (x, { ids, one }) => (x.rank >= 1 && x.shape[0]! >= 4 ? [ops.gatherRows(x, ids(one([[3], [7], [2, 3]])))] : []),
  (_, { ids, one, others }) => one([[], [ops.gatherRows(one(others.filter((t) => t.rank >= 1 && t.shape[0]! >= 4)), ids([5]))]]),
  (x, { ids }) => (x.rank === 2 && x.shape[0]! < 8 ? [apply(new ScatterAddRows(4), x, ids([x.shape[0]!]))] : []),
  (x) => (x.rank === 2 && x.shape[0]! < 2 * x.shape[1]! ? [ops.gatherRows(ops.transpose(x), ops.argmax(x))] : []),
  // There it does: these are exact.
  (_, { ids, exact, one }) => {
    const [w, bias] = [exact([4, 3]), exact([3])];
    const table = one([exact([4, 4]), ops.pad(exact([4, 4]), [[0, 1], [0, 0]], NaN)]); // prettier-ignore
    const found = ops.gatherRows(table, ids(one([[9], [4, 3], [4, 4]])));
    const turned = found.rank === 3 ? one([found, ops.transpose(found, [1, 0, 2]), ops.transpose(found, found.shape[1] === 4 ? [0, 2, 1] : [0, 1, 2])]) : found; // prettier-ignore
    const made = ops.matmul(one([turned, ops.reshape(turned, [-1, 4])]), w);
    const y = one([made, ops.add(made, bias)]);
    return [y, ...gradients(ops.sum(ops.mul(y, exact(y.shape))), [table, w, bias])];
  },
  (_, { ids, exact }) => [ops.sum(ops.scatterAddRows(exact([9, 3, 0]), ids([9]), 4), { axes: -1 })],
];

const products: readonly Maker[] = [
  (x, { exact, one }) => {
    const [a, b] = [exact([4, 4]), one([exact([4, 4]), x])];
    return [ops.matmul(a, b), ops.matmul(a, b, { transposeB: true }), ops.matmul(a, b, { transposeA: true })];
  },
  (x, { one }) => (x.rank === 2 ? [ops.matmul(x, one([x, ops.transpose(x)]), { transposeB: x.shape[0] !== x.shape[1] })] : []),
  (x, choice) => (x.rank === 2 ? [epilogue(ops.matmul(ops.transpose(x), x), choice)] : []),
  (x, { one, tensors }) => [ops.matmul(x, one(tensors.filter((t) => t.rank >= 2 && t.shape.at(-2) === x.shape.at(-1))))],
  (x, { one, tensors }) => [
    ops.matmul(x, one(tensors.filter((t) => t.rank >= 2 && t.shape.at(-1) === x.shape.at(-1))), { transposeB: true }),
  ],
  (x, { one, tensors }) => [
    ops.matmul(x, one(tensors.filter((t) => t.rank >= 2 && t.shape.at(-2) === x.shape.at(-2))), { transposeA: true }),
  ],
  // Heads as attention has them: cut out of one tensor, side by side in another, moved and joined again.
  (x, { exact, one }) => {
    if (x.size % 12 !== 0 || x.size > 96) return [];
    const parts = ops.split(ops.reshape(x, [2, -1, 6]), one([[2, 2, 2], [2, 4]]), 2); // prettier-ignore
    const [q, k, v] = [one(parts), one(parts), one(parts)].map((part) => ops.transpose(ops.reshape(part, [2, -1, 2, part.shape[2]! / 2]), [0, 2, 1, 3])) as [Tensor, Tensor, Tensor]; // prettier-ignore
    const scores = ops.matmul(q, one([exact(q.shape), ...(k.shape[3] === q.shape[3] ? [k] : [])]), { transposeB: true });
    const heads = ops.matmul(one([scores, ops.round(scores)]), v);
    const moved = ops.transpose(one([heads, ops.sub(heads, 1)]), one([[0, 2, 1, 3], [1, 2, 0, 3], [1, 0, 2, 3], [2, 1, 3, 0]])); // prettier-ignore
    const joined = ops.reshape(moved, [moved.shape[0]!, moved.shape[1]!, -1]);
    return one([[joined], [ops.concat([joined, ops.neg(joined)], one([0, 1, 2]))], [ops.pad(joined, [[1, 0], [0, 0], [0, 1]])], [joined, heads]]); // prettier-ignore
  },
  (x, choice) => {
    if (x.rank < 1 || x.shape.at(-1)! > 40) return [];
    const product = ops.matmul(x, choice.exact([x.shape.at(-1)!, choice.one([1, 3, 6])]));
    return [epilogue(product, choice), ...choice.one([[], [product], [epilogue(product, choice)]])];
  },
];

/** What may follow a product, in whatever order and form. */
function epilogue(product: Tensor, { one, exact, tensors }: Choice): Tensor {
  const width = product.shape.at(-1)!;
  const bias = one([exact([width]), ...tensors.filter((t) => t.rank === 1 && t.size === width), exact([product.shape.at(-2) ?? 1, 1])]);
  const shaped = one([product, product, ops.reshape(product, [-1, width]), ops.reshape(product, [-1, 1])]);
  const shifted = one([ops.add(shaped, bias), ops.add(bias, shaped), ops.sub(shaped, bias), ops.add(ops.add(shaped, bias), bias), shaped]);
  return one([ops.relu, ops.tanh, ops.sigmoid, ops.neg])(shifted);
}

const images: readonly Maker[] = [
  (x, { exact, one }) => {
    if (x.size !== 24) return [];
    const image = ops.reshape(x, one([[1, 2, 3, 4], [2, 3, 2, 2], [1, 4, 6, 1]])); // prettier-ignore
    const channels = image.shape[3]!;
    const groups = channels === 4 ? one([1, 2]) : 1;
    const y = ops.conv2d(image, exact([2, 2, channels / groups, 2]), { stride: one([1, 2]), padding: one([0, 1, 'same']), groups });
    return [one([y, ops.relu(ops.add(y, exact([2]))), ops.tanh(y)])];
  },
  // Folded scales round elsewhere: only exact numbers give the same bits.
  (_, { exact, one }) => {
    const y = ops.conv2d(exact([2, 5, 5, 2]), exact([2, 2, 2, 3]), { padding: one([0, 1]) });
    const [scale, shift] = [exact([3]), exact([3])];
    const scaled = one([ops.mul(y, scale), ops.add(ops.mul(scale, y), shift), ops.mul(ops.sub(y, shift), scale), ops.mul(y, exact([y.shape[2]!, 1]))]); // prettier-ignore
    return [one([scaled, ops.relu(scaled)]), ...one([[], [y], [scaled]])];
  },
  (_, { exact, random, one }) => {
    if (random() > 0.2) return [];
    const [image, w] = [exact([1, 4, 4, 16]), exact([3, 3, 16, 16])];
    const y = ops.conv2d(image, w, { padding: 1 });
    return [
      one([ops.relu(ops.add(y, exact([16]))), y]),
      ...one([[], [y]]),
      ops.sum(gradients(ops.sum(ops.mul(y, y)), [image])[0]!, { axes: [0, 1] }),
    ];
  },
  (_, { one, tensors }) => {
    const image = ops.reshape(one(tensors.filter((t) => t.size === 24)), one([[1, 4, 3, 2], [1, 2, 6, 2], [1, 4, 6, 1]])); // prettier-ignore
    const input = one([image, ops.relu(image)]);
    const options = { stride: one([1, 2]), padding: one([0, 1]), ceilMode: one([true, false]) };
    const pools = [
      ops.maxPool2d(input, 2, options),
      ...[true, false].map((countPadding) => ops.avgPool2d(input, 2, { ...options, countPadding })),
    ];
    const y = one(pools);
    const [dx] = gradients(ops.sum(ops.square(y)), [one([image, input])]);
    return [dx!, ...one([[y], pools, [ops.sub(pools[1]!, pools[2]!)]])];
  },
  // Gradients of pooling where something is positive.
  (_, { one, tensors }) => {
    const image = ops.relu(ops.reshape(one(tensors.filter((t) => t.size === 24)), [1, 4, 3, 2]));
    const [dx] = gradients(ops.sum(ops.square(ops.maxPool2d(image, 2))), [image]) as [Tensor];
    const mask = ops.less(0, one([image, image, ops.sub(1, image), ops.reshape(one(tensors.filter((t) => t.size === 24)), [1, 4, 3, 2])]));
    return [ops.mul(dx, mask), ...one([[], [ops.mul(ops.reshape(dx, [24, 1]), ops.reshape(mask, [24]))]])];
  },
];

const sequences: readonly Maker[] = [
  (x, { exact, one, random }) => {
    if (x.size !== 24) return [];
    const g = ops.tanh(ops.reshape(x, one([[2, 3, 4], [3, 1, 8], [1, 6, 4]]))); // prettier-ignore
    const [, n, width] = g.shape as [number, number, number];
    const reverse = random() < 0.5;
    const [h, quarter] = [exact([n, width]), exact([n, width / 4])];
    const { y, h: last } = one([
      () => ops.elman(g, exact([width, width]), h, { reverse, nonlinearity: one(['tanh', 'relu']) }),
      () => ops.lstm(g, exact([width / 4, width]), quarter, quarter, { reverse }),
    ])();
    return one([[y], [last], [y, last], gradients(ops.sum(ops.mul(y, y)), [g])]);
  },
  (x, { ids, one }) => {
    if (x.size !== 24) return [];
    const logp = ops.logSoftmax(ops.reshape(x, one([[2, 2, 6], [1, 4, 6], [1, 3, 8]]))); // prettier-ignore
    // Ids are 0 … 3; rows of two equal labels need a frame between them, so some losses are infinite.
    const loss = ops.ctc(logp, ids([logp.shape[0]!, one([1, 2])]), { blank: logp.shape[2]! - 1 });
    return one([[loss], [ops.where(ops.isFinite(loss), loss, 0)], gradients(ops.sum(loss), [logp])]);
  },
];

const others: readonly Maker[] = [
  (x, { one, like }) => {
    if (x.rank < 2) return [];
    const channels = x.shape.at(-1)!;
    const [weight, bias] = [scalar(one([0.5, 1])), scalar(2)].map((t) => ops.broadcastTo(ops.add(t, like(t)), [channels]));
    const { y, mean, variance } = ops.batchNorm(x, one([undefined, weight]), one([undefined, bias]), 1e-3);
    return [y, mean, ops.relu(y), ...one([[], [variance]])];
  },
  (x) => (x.rank === 3 ? Object.values<Tensor>(ops.columnMoments(x)) : []),
  (x, { integer }) => [
    ops.mul(ops.randomUniform(x.shape, 7n, integer(2)), x),
    ops.less(ops.randomUniform(x.shape, BigInt(integer(2)), 0), 0.5),
  ],
  (x, { one, ancestors, random }) => {
    const behind = ancestors(x);
    if (behind.length === 0) return [];
    const inputs = [one(behind), one(behind)].slice(0, 1 + Math.round(random()));
    return [ops.customGradient(x, inputs, () => inputs.map((input) => ops.mul(input, 2)))];
  },
  derivative,
  derivative,
  (x, choice) => {
    const [first] = derivative(x, choice);
    return first === undefined ? [] : derivative(ops.mul(first, first), choice);
  },
];

function derivative(y: Tensor, { one, ancestors }: Choice): readonly Tensor[] {
  const behind = ancestors(y);
  if (behind.length === 0 || y.size > 200) return [];
  return gradients(ops.sum(one([y, ops.mul(y, y)])), [one(behind), one(behind)]);
}

export const makers: readonly Maker[] = [
  elementwise,
  elementwise,
  constants,
  views,
  views,
  reducing,
  rows,
  products,
  images,
  images,
  sequences,
  others,
].flat();
