import assert from 'node:assert/strict';
import {
  type Augmentation,
  type NdArray,
  add,
  array,
  cutout,
  mixup,
  mul,
  normalize,
  randomCrop,
  randomFlip,
  randomRotation,
  randomShift,
  slice,
} from '../../lib/index.js';
import { geometric, isGeometric } from '../../lib/data/augment/geometric.js';
import { augment, bilinear, draw, each, images, pixel } from '../support/images.js';

const x = images([6, 5, 7, 2]);
const ids = array(Int32Array.of(0, 1, 2, 0, 1, 2));
const only = (augmentations: readonly Augmentation[], data: NdArray = x): NdArray => augment(augmentations, data, ids)[0]!.x;
const equal = (actual: NdArray, expected: Float64Array): void => assert.deepEqual(actual.data, Float32Array.from(expected));
const sorted = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);
/** The same, with 0 outside. */
const plain = (augmentation: Augmentation): Augmentation =>
  isGeometric(augmentation)
    ? geometric(augmentation.name, (shape, scope) => ({ ...augmentation.place(shape, scope), outside: undefined }))
    : augmentation;
/** Image n of a batch. */
const image = ({ data, shape: [n] }: NdArray, at: number): number[] => [
  ...data.subarray((data.length / n!) * at, (data.length / n!) * (at + 1)),
];

describe('augmentations', () => {
  for (const dtype of ['float32', 'uint8'] as const) {
    const source = images([6, 5, 7, 2], dtype);

    it(`randomShift moves ${dtype} images by whole pixels`, () => {
      const u = draw([2, 6, 1]);
      const by = (at: number): number => Math.floor(u[at]! * 5) - 2;
      equal(only([randomShift(2)], source), each(x.shape, (n, i, j, k) => pixel(source, n, i + by(n), j + by(6 + n), k))); // prettier-ignore
    });
    it(`randomFlip mirrors some of the ${dtype} images`, () => {
      const u = draw([1, 6, 1]);
      const from = (n: number, j: number): number => (u[n]! < 0.5 ? 6 - j : j);
      equal(only([randomFlip()], source), each(x.shape, (n, i, j, k) => pixel(source, n, i, from(n, j), k))); // prettier-ignore
    });
    it(`randomFlip mirrors some of the ${dtype} images top to bottom`, () => {
      const u = draw([1, 6, 1]);
      const from = (n: number, i: number): number => (u[n]! < 0.5 ? 4 - i : i);
      equal(only([randomFlip({ direction: 'vertical' })], source), each(x.shape, (n, i, j, k) => pixel(source, n, from(n, i), j, k))); // prettier-ignore
    });
    it(`randomCrop cuts a piece out of padded ${dtype} images`, () => {
      const u = draw([2, 6, 1]);
      const top = (n: number): number => Math.floor(u[n]! * (5 + 2 - 4 + 1)) - 1;
      const left = (n: number): number => Math.floor(u[6 + n]! * (7 + 2 - 3 + 1)) - 1;
      const y = only([randomCrop({ padding: 1, height: 4, width: 3 })], source);
      assert.deepEqual([...y.shape], [6, 4, 3, 2]);
      equal(y, each(y.shape, (n, i, j, k) => pixel(source, n, i + top(n), j + left(n), k))); // prettier-ignore
    });
    it(`cutout blanks a square of ${dtype} images`, () => {
      const u = draw([2, 6, 1]);
      const inside = (place: number, middle: number): boolean => place >= middle - 1 && place < middle - 1 + 3;
      const blank = (n: number, i: number, j: number): boolean => inside(i, Math.floor(u[n]! * 5)) && inside(j, Math.floor(u[6 + n]! * 7));
      equal(only([cutout(3)], source), each(x.shape, (n, i, j, k) => (blank(n, i, j) ? 0 : pixel(source, n, i, j, k)))); // prettier-ignore
    });
    it(`randomRotation turns ${dtype} images about their middle`, () => {
      const u = draw([1, 6, 1]);
      const y = only([randomRotation(40)], source);
      const expected = each(x.shape, (n, i, j, k) => {
        const angle = ((2 * u[n]! - 1) * 40 * Math.PI) / 180;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        return bilinear(source, n, 2 + c * (i - 2) + s * (j - 3), 3 - s * (i - 2) + c * (j - 3), k);
      });
      // Coordinates are sums of three products below 8 of factors with at most 8 roundings; a value changes by at most 1 for each pixel.
      const tolerance = (dtype === 'uint8' ? 255 : 1) * (2 * 3 * 8 * 8 * 2 ** -24 + 6 * 2 ** -23);
      expected.forEach((e, at) => assert.ok(Math.abs(y.data[at]! - e) <= tolerance, `${y.data[at]} instead of ${e} at ${at}`));
    });
  }

  it('randomShift keeps the pixels that stay inside and fills with zeros', () => {
    const middle = array(Float32Array.from(each([6, 5, 7, 1], (_n, i, j) => (i > 0 && i < 4 && j > 0 && j < 6 ? 1 + i + 10 * j : 0))), [6, 5, 7, 1]); // prettier-ignore
    const moved = only([randomShift(1)], middle);
    for (let n = 0; n < 6; n++) assert.deepEqual(sorted(image(moved, n)), sorted(image(middle, n)));
    assert.notDeepEqual(moved.data, middle.data);
  });
  it('a flip of every image, twice, is none', () => {
    const flip = randomFlip({ probability: 1 });
    equal(
      only([flip]),
      each(x.shape, (n, i, j, k) => pixel(x, n, i, 6 - j, k)),
    );
    assert.deepEqual(only([flip, flip]).data, x.data);
    assert.deepEqual(only([randomFlip({ probability: 0 })]).data, x.data);
  });
  it('a turn by 0 degrees and a shift by 0 pixels leave images as they are', () =>
    assert.deepEqual(only([randomRotation(0), randomShift(0), randomCrop({})]).data, x.data));

  it('geometric ones in a row sample once: what leaves the image can come back', () => {
    const square = images([1, 3, 3, 1]);
    const leftmost: Augmentation[] = [randomCrop({ width: 1 }), randomCrop({ padding: 2, width: 5 })];
    // The second crop looks 2 or 3 columns around the first, where the image goes on.
    const u = draw([2, 1, 1], 0);
    const v = draw([2, 1, 1], 1);
    const left = Math.floor(u[1]! * 3) - 2 + Math.floor(v[1]! * 1);
    const top = Math.floor(v[0]! * 5) - 2;
    const y = augment(leftmost, square, array(Int32Array.of(0)))[0]!.x;
    assert.deepEqual([...y.shape], [1, 3, 5, 1]);
    equal(y, each(y.shape, (n, i, j, k) => pixel(square, n, i + top, j + left, k))); // prettier-ignore
  });
  it('flips before and after a shift follow the order', () => {
    const u = draw([2, 6, 1], 1);
    const by = (at: number): number => Math.floor(u[at]! * 3) - 1;
    const y = only([randomFlip({ probability: 1 }), randomShift(1)]);
    equal(y, each(x.shape, (n, i, j, k) => pixel(x, n, i + by(n), 6 - (j + by(6 + n)), k))); // prettier-ignore
  });

  it('take normal numbers, new at every step', () => {
    const noise: Augmentation = { name: 'noise', forward: ({ x, y }, scope) => ({ x: add(mul(x, 0), scope.normal(x.shape)), y }) };
    const [first, second] = augment([noise], images([6, 50, 50, 2]), ids, 2);
    for (const { x: drawn } of [first!, second!]) {
      const numbers = [...drawn.data];
      const moment = (power: number): number => numbers.reduce((sum, value) => sum + value ** power, 0) / numbers.length;
      // Five deviations of the means of n numbers and of their squares.
      assert.ok(Math.abs(moment(1)) < 5 / Math.sqrt(numbers.length), `${moment(1)}`);
      assert.ok(Math.abs(moment(2) - 1) < 5 * Math.sqrt(2 / numbers.length), `${moment(2)}`);
    }
    assert.notDeepEqual(second!.x.data, first!.x.data);
    assert.deepEqual(augment([noise], images([6, 50, 50, 2]), ids)[0]!.x.data, first!.x.data);
  });
  it('normalize brings channels to mean 0 and deviation 1', () => {
    const bytes = images([40, 5, 7, 2], 'uint8');
    const of = (data: ArrayLike<number>, k: number): number[] => Array.from(data).filter((_, i) => i % 2 === k);
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
    const deviation = (values: readonly number[]): number => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
    const statistics = { mean: [0, 1].map((k) => mean(of(bytes.data, k))), std: [0, 1].map((k) => deviation(of(bytes.data, k))) };
    const y = augment([normalize(statistics)], bytes, array(new Int32Array(40)))[0]!.x;
    for (const k of [0, 1]) {
      // Each value is rounded twice at a size below 4: 1400 errors in the mean, none above 2⁻²².
      assert.ok(Math.abs(mean(of(y.data, k))) < 2 ** -21);
      assert.ok(Math.abs(deviation(of(y.data, k)) - 1) < 2 ** -20);
    }
  });

  it('mixup adds another row and its target by shares that sum to 1', () => {
    const { x: mixed, y } = augment([mixup({ classes: 3 })], x, ids)[0]!;
    const lambda = (n: number): number => y.data[3 * n + ids.data[n]!]!;
    const r = Math.floor(draw([1], 1)[0]! * 5) + 1;
    assert.ok(r % 3 !== 0, 'the partners are of another class, or the targets say nothing');
    for (let n = 0; n < 6; n++) {
      const partner = (n + r) % 6;
      const shares = [0, 0, 0].map(
        (_, c) => (c === ids.data[n] ? lambda(n) : 0) + (c === ids.data[partner] ? Math.fround(1 - lambda(n)) : 0),
      );
      assert.deepEqual([...y.data.subarray(3 * n, 3 * n + 3)], shares);
      const expected = image(x, n).map((value, i) => lambda(n) * value + (1 - lambda(n)) * image(x, partner)[i]!);
      // Two products and a sum of numbers below 1.
      image(mixed, n).forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) <= 3 * 2 ** -24));
    }
    const rows = array([[0.5, 0.5, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]); // prettier-ignore
    const soft = augment([mixup()], x, rows)[0]!.y.data as Float32Array;
    for (let n = 0; n < 6; n++) assert.ok(Math.abs(soft.subarray(3 * n, 3 * n + 3).reduce((a, b) => a + b) - 1) <= 2 ** -23);
  });
  it('mixup mixes the numbers of a regression', () => {
    const numbers = array(Float32Array.of(0.5, 10.25, -3, 7.75, 2, 8));
    const { y } = augment([mixup()], x, numbers)[0]!;
    const r = Math.floor(draw([1], 1)[0]! * 5) + 1;
    const shares = augment([mixup({ classes: 6 })], x, array(Int32Array.of(0, 1, 2, 3, 4, 5)))[0]!.y.data;
    assert.deepEqual(y.shape, [6]);
    for (let n = 0; n < 6; n++) {
      const lambda = shares[7 * n]!;
      const expected = lambda * numbers.data[n]! + (1 - lambda) * numbers.data[(n + r) % 6]!;
      // Two products and a sum of numbers below 16.
      assert.ok(Math.abs(y.data[n]! - expected) <= 16 * 3 * 2 ** -24);
    }
  });
  it('mixup takes class ids that are floats', () =>
    assert.deepEqual(augment([mixup({ classes: 3 })], x, array(Float32Array.from(ids.data))), augment([mixup({ classes: 3 })], x, ids)));
  it('mixup leaves a batch of one row as it is', () => {
    const one = images([1, 2, 2, 1]);
    const { x: mixed, y } = augment([mixup({ classes: 2 })], one, array(Int32Array.of(1)))[0]!;
    one.data.forEach((value, i) => assert.ok(Math.abs(mixed.data[i]! - value) <= 2 ** -23));
    assert.ok(Math.abs(y.data[1]! - 1) <= 2 ** -24 && y.data[0] === 0);
  });
  for (const alpha of [0.01, 0.2, 1, 4, 1000]) {
    it(`mixup draws shares from Beta(${alpha}, ${alpha})`, () => {
      const rows = 42000;
      const classes = array(Int32Array.from({ length: rows }, (_, n) => n % 7));
      const { y } = augment([mixup({ alpha, classes: 7 })], images([rows, 1]), classes)[0]!;
      const r = Math.floor(draw([1], 1)[0]! * (rows - 1)) + 1;
      assert.ok(r % 7 !== 0, 'the partners are of another class, or the targets say nothing');
      const shares = Float64Array.from({ length: rows }, (_, n) => y.data[7 * n + (n % 7)]!);
      const moment = (p: number): number => shares.reduce((a, s) => a + (s - 0.5) ** p, 0) / rows;
      // Central moments of Beta(α, α): variance 1 / (4 (2α + 1)), fourth 3 / (16 (2α + 1) (2α + 3)); 5 standard errors of each mean.
      const variance = 1 / (4 * (2 * alpha + 1));
      const fourth = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3));
      assert.ok(Math.abs(moment(1)) < 5 * Math.sqrt(variance / rows));
      assert.ok(Math.abs(moment(2) - variance) < 5 * Math.sqrt((fourth - variance ** 2) / rows) + 2 ** -24);
      assert.ok(shares.every((s) => s >= 0 && s <= 1));
    });
  }

  it('draws anew in each step, and for each image', () => {
    const same = array(Float32Array.from(each([6, 5, 7, 1], (_n, i, j) => i + 10 * j)), [6, 5, 7, 1]);
    const [first, second] = augment([randomShift(2)], same, ids, 2);
    assert.notDeepEqual(first!.x.data, second!.x.data);
    assert.ok([1, 2, 3, 4, 5].some((n) => image(first!.x, n).join() !== image(first!.x, 0).join()));
  });

  const labels = Int32Array.from({ length: 210 }, (_, i) => (i * 7) % 11);
  const moves: readonly Augmentation[] = [randomShift(2), randomFlip(), randomCrop({ padding: 1, height: 4, width: 3 })];
  for (const [what, mask] of [
    ['ids', array(labels, [6, 5, 7])],
    ['ids with a channel', array(labels, [6, 5, 7, 1])],
    ['bytes', array(Uint8Array.from(labels), [6, 5, 7])],
    ['numbers', array(Float32Array.from(labels), [6, 5, 7])],
    ['numbers with channels', array(Float32Array.from(labels).subarray(0, 210), [6, 5, 7, 1])],
  ] as const) {
    it(`targets for each pixel move along: ${what}`, () => {
      const source = array(Float32Array.from(labels), [6, 5, 7, 1]);
      for (const augmentations of [...moves.map((move) => [move]), moves]) {
        const { x: moved, y } = augment(augmentations, source, mask)[0]!;
        assert.equal(y.dtype, mask.dtype);
        assert.deepEqual([...y.shape], [...moved.shape].slice(0, mask.rank));
        assert.deepEqual([...y.data], [...moved.data]);
      }
    });
  }
  it('targets of one cell an image, and floats that are none of pixels, stay as they are', () => {
    const cells = array(Float32Array.from(labels).subarray(0, 6), [6, 1, 1, 1]);
    assert.deepEqual(augment([randomFlip()], x, cells)[0]!.y, cells);
    const cellIds = array(labels.subarray(0, 6), [6, 1, 1]);
    assert.deepEqual(augment([randomFlip()], x, cellIds)[0]!.y, cellIds);
    const boxes = array(Float32Array.from(labels).subarray(0, 48), [6, 2, 4]);
    assert.deepEqual(augment([randomFlip()], x, boxes)[0]!.y, boxes);
  });
  it('ids of pixels come from the nearest in a turn, and are 0 outside', () => {
    const u = draw([1, 6, 1]);
    const mask = array(labels, [6, 5, 7, 1]);
    const { y } = augment([randomRotation(40)], x, array(labels, [6, 5, 7]))[0]!;
    let compared = 0;
    each([6, 5, 7, 1], (n, i, j) => {
      const angle = ((2 * u[n]! - 1) * 40 * Math.PI) / 180;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const [row, column] = [2 + c * (i - 2) + s * (j - 3), 3 - s * (i - 2) + c * (j - 3)];
      // Halfway between two pixels rounding decides.
      if ([row, column].some((at) => Math.abs(at - Math.floor(at) - 0.5) < 1e-3)) return 0;
      compared++;
      assert.equal(y.data[(n * 5 + i) * 7 + j], pixel(mask, n, Math.round(row), Math.round(column), 0), `image ${n}, pixel ${i}, ${j}`);
      return 0;
    });
    assert.ok(compared > 200, `${compared} pixels`);
  });

  const classes = Int32Array.from(labels, (id) => id + 1);
  for (const [what, augmentations, outside] of [
    ['a shift', [randomShift(2, { outside: -1 })], -1],
    ['a turn', [randomRotation(45, { outside: 255 })], 255],
    ['a crop', [randomCrop({ padding: 2, outside: -100 })], -100],
    ['all in a row, by one of them', [randomFlip(), randomShift(2, { outside: -1 }), randomRotation(45)], -1],
    ['all in a row, by the last of them', [randomShift(2, { outside: -1 }), randomRotation(45, { outside: 12 }), randomFlip()], 12],
  ] as const) {
    for (const mask of outside < 0 ? [classes] : [classes, Uint8Array.from(classes)]) {
      it(`${mask.constructor.name} of pixels from outside are those asked for: ${what}`, () => {
        const zeros = augment(augmentations.map(plain), x, array(mask, [6, 5, 7]))[0]!.y;
        const { y } = augment(augmentations, x, array(mask, [6, 5, 7]))[0]!;
        assert.ok(zeros.data.includes(0) && zeros.dtype === y.dtype);
        assert.deepEqual(
          [...y.data],
          Array.from(zeros.data, (id) => (id === 0 ? outside : id)),
        );
      });
    }
  }
  it('the id of outside is for targets of pixels alone', () =>
    assert.deepEqual(augment([randomShift(2, { outside: -1 })], x, ids), augment([randomShift(2)], x, ids)));

  const flat = images([6, 70]);
  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [() => randomShift(-1), 'OptionError', 'randomShift: expected a whole number ≥ 0 for pixels, got -1.'],
    [() => randomCrop({ padding: 1.5 }), 'OptionError', 'randomCrop: expected a whole number ≥ 0 for padding, got 1.5.'],
    [() => randomFlip({ direction: 'up' as never }), 'OptionError', "randomFlip: expected 'horizontal' or 'vertical' for direction, got 'up'."],
    [() => randomFlip({ probability: 2 }), 'OptionError', 'randomFlip: expected a number in [0, 1] for probability, got 2.'],
    [() => randomRotation(-10), 'OptionError', 'randomRotation: expected a number ≥ 0 for degrees, got -10.'],
    [() => randomRotation(10, { outside: 0.5 }), 'OptionError', 'randomRotation: expected a whole number, −2²⁴ … 2²⁴, for outside, got 0.5.'],
    [() => randomCrop({ outside: 2 ** 24 + 2 }), 'OptionError', 'randomCrop: expected a whole number, −2²⁴ … 2²⁴, for outside, got 16777218.'],
    [() => randomShift(1, -1 as never), 'OptionError', 'randomShift: expected an object of options { outside }, got -1. Name it: { outside: -1 }.'],
    ...[array(new Uint8Array(210), [6, 5, 7]), array(new Float32Array(210), [6, 5, 7])].map((mask) =>
      [() => augment([randomShift(1, { outside: -1 })], x, mask), 'OptionError', `randomShift: expected targets of ids, int32, or bytes [N, H, W] where outside is 0 … 255, got ${mask.dtype} [N, 5, 7] and outside -1. Convert them, or give another outside or none.`] as const),
    [() => cutout(0), 'OptionError', 'cutout: expected a whole number ≥ 1 for size, got 0.'],
    [() => mixup({ alpha: 0 }), 'OptionError', 'mixup: expected a number > 0 for alpha, got 0.'],
    [() => normalize({ mean: [1], std: [-1] }), 'OptionError', 'normalize: expected a list of numbers ≥ 0, one a channel for std, got [ -1 ].'],
    [() => normalize({ mean: [1, 2], std: [1] }), 'OptionError', 'normalize: expected as many values for std as for mean, got 1 and 2.'],
    [() => only([normalize({ mean: [1], std: [1] })]), 'ShapeError', 'normalize: expected x of shape [..., 1], one channel for each mean, got [6, 5, 7, 2].'],
    [() => only([randomShift(1)], flat), 'ShapeError', 'randomShift: expected images x [N, H, W, C], got [N, 70]. Give the data this shape and flatten it in the model.'],
    [() => augment([randomFlip()], x, array(new Float32Array(24), [6, 2, 2, 1])), 'ShapeError', 'randomFlip: expected targets for each pixel of images [N, 5, 7, 2], or one for each image, got [N, 2, 2, 1], which would stay where they are. Give them the size of the images and make them smaller in the loss.'],
    ...[new Int32Array(24), new Uint8Array(24)].map((ids) =>
      [() => augment([randomFlip()], x, array(ids, [6, 2, 2])), 'ShapeError', 'randomFlip: expected targets for each pixel of images [N, 5, 7, 2], or one for each image, got [N, 2, 2], which would stay where they are. Give them the size of the images and make them smaller in the loss, or make them float32 if they are none of pixels.'] as const),
    [() => only([cutout(1)], flat), 'ShapeError', 'cutout: expected images x [N, H, W, C], got [N, 70]. Give the data this shape and flatten it in the model.'],
    [() => only([cutout(1)], array(new Int32Array(12), [6, 2, 1, 1])), 'DTypeError', 'cutout: expected float32 or uint8 images x, got int32. Convert the data.'],
    [() => only([randomCrop({ height: 8, padding: 1 })]), 'ShapeError', 'randomCrop: expected height and width within 7 × 9, the images with their padding, got 8 × 7.'],
    [() => only([mixup()]), 'OptionError', 'mixup: expected the number of classes for targets that are class ids, got none. Give it: mixup({ classes }).'],
    [() => augment([mixup({ classes: 4 })], x, array(new Float32Array(18), [6, 3])), 'ShapeError', 'mixup: expected class ids [N], numbers [N] or probabilities [N, 4] for the targets, got [N, 3].'],
    [() => augment([mixup({ classes: 3 })], x, array(Float32Array.of(0, 1, 1.5, 0, 1, 2))), 'DataError', 'mixup: ids: expected an index in 0 … 2, got one that is not whole at position 2 in step 0.'],
    [() => augment([mixup({ classes: 3 })], x, array(Int32Array.of(0, 1, 2, 0, -1, 2))), 'DataError', 'mixup: ids: expected an index in 0 … 2, got -1 at position 4 in step 0.'],
    [() => augment([mixup({ classes: 3 })], x, array(Uint8Array.of(0, 1, 3, 0, 1, 2))), 'DataError', 'mixup: ids: expected an index in 0 … 2, got 3 at position 2 in step 0.'],
    [() => only([{ name: 'lost', forward: () => undefined as never }]), 'DataError', 'lost: expected forward to return { x, y } of tensors, got undefined for x. Return both.'],
    [() => only([{ name: 'half', forward: ({ x: a }) => ({ x: a }) as never }]), 'DataError', 'half: expected forward to return { x, y } of tensors, got undefined for y. Return both.'],
    [() => only([{ name: 'array', forward: ({ y }) => ({ x, y }) as never }]), 'DataError', 'array: expected forward to return { x, y } of tensors, got NdArray for x. Return both.'],
    [() => only([{ name: 'halve', forward: ({ x: a, y }) => ({ x: slice(a, [0, 0, 0, 0], [3, -1, -1, -1]), y }) }]), 'ShapeError', 'halve: expected 6 rows as they came, got x [3, 5, 7, 2] and y [6].'],
  ]; // prettier-ignore
  for (const [run, name, message] of wrong) it(message, () => assert.throws(run, { name, message }));
});
