import assert from 'node:assert/strict';
import { BucketedBatches, RandomTokenWindows, array } from '../../lib/index.js';

const gone = (data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>): void =>
  void structuredClone(data.buffer, { transfer: [data.buffer] });
const floats = (): Float32Array<ArrayBuffer> => Float32Array.of(1, 2, 3);

describe('batches of an epoch', () => {
  const batches = [
    ['BucketedBatches', () => new BucketedBatches({ x: [array(floats(), [3, 1])], y: array([1]) }, { batchSize: 1 })],
    ['RandomTokenWindows', () => new RandomTokenWindows(Int32Array.of(1, 2, 3), { steps: 1, batchSize: 1, batches: 1 })],
  ] as const;
  for (const [name, make] of batches) {
    for (const epoch of [NaN, -1, 0.5, '1' as never]) {
      it(`${name} refuses the epoch ${typeof epoch} ${epoch}`, () => {
        const source = make();
        source.epoch = epoch;
        assert.throws(() => [...source], {
          name: 'OptionError',
          message: `${name}: expected a whole number ≥ 0 for epoch, got ${typeof epoch === 'string' ? `'${epoch as string}'` : String(epoch)}.`,
        });
      });
    }
  }

  const detached: readonly (readonly [string, () => Iterable<unknown>])[] = [
    [
      'RandomTokenWindows: expected 3 elements for tokens of shape [3], got 0',
      () => {
        const tokens = Int32Array.of(1, 2, 3);
        const source = new RandomTokenWindows(tokens, { steps: 1, batchSize: 1, batches: 1 });
        gone(tokens);
        return source;
      },
    ],
    ...(['x', 'y', 'y one'] as const).map((part): readonly [string, () => Iterable<unknown>] => [
      `BucketedBatches${part === 'y one' ? ': expected 3 elements for y' : ` ${part}: expected 3 elements for sequence 0`} of shape [3], got 0`,
      () => {
        const [x, y] = [floats(), floats()];
        const rows = part === 'y one' ? [1, 2, 3].map((id) => Int32Array.of(id)) : [array(x)];
        const source = new BucketedBatches({ x: rows, y: part === 'y one' ? array(y) : [array(y)] }, { batchSize: 1 });
        gone(part === 'x' ? x : y);
        return source;
      },
    ]),
  ];
  for (const [message, make] of detached)
    it(message, () =>
      assert.throws(
        () => [...make()],
        ({ name, message: got }: Error) => name === 'StateError' && got.startsWith(message),
      ),
    );
});
