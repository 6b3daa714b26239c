import assert from 'node:assert/strict';
import { Philox } from '../lib/index.js';

describe('Philox', () => {
  const random = new Philox(1);
  for (const method of ['uniform', 'uniform53', 'normal', 'permutation'] as const) {
    it(`${method} gives as many as asked for, and refuses what is no number of them`, () => {
      assert.equal(random[method](3).length, 3);
      assert.equal(random[method](0).length, 0);
      for (const count of [-1, 2.5, NaN, undefined as never])
        assert.throws(() => random[method](count), {
          name: 'OptionError',
          message: `Philox.${method}: expected a whole number ≥ 0 for count, got ${count}.`,
        });
    });
  }
  it('shuffle settles all positions, or those asked for', () => {
    const order = (): Int32Array => new Int32Array(10).map((_, i) => i);
    const [whole, parts, begun] = [order(), order(), order()];
    new Philox(2).shuffle(whole);
    assert.deepEqual(whole, new Philox(2).permutation(10));
    const another = new Philox(2);
    another.shuffle(parts, 6);
    another.shuffle(parts, 0, 6);
    assert.deepEqual([...parts].sort(), [...order()]);
    new Philox(2).shuffle(begun, 3, 3);
    assert.deepEqual(begun, order());
  });
  it('shuffle gives every order alike, however it is divided', () => {
    const philox = new Philox(5);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = Int32Array.of(0, 1, 2);
      for (const at of [2, 1, 0]) philox.shuffle(order, at, at + 1);
      counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
    }
    // Five standard errors.
    assert.ok(counts.size === 6 && [...counts.values()].every((count) => Math.abs(count - 1000) < 145), `${[...counts.values()].join()}`);
  });
  it('normal makes two numbers of the words that uniform53 makes one of, as Box and Muller do', () => {
    const normal = new Philox(42).normal(199, 3, 2);
    for (const [i, u] of new Philox(42).uniform53(100).entries()) {
      const radius = 2 * Math.sqrt(-2 * Math.log((Math.floor(u * 2 ** 27) + 0.5) / 2 ** 27));
      const angle = (2 * Math.PI * (((u * 2 ** 53) % 2 ** 26) + 0.5)) / 2 ** 26;
      assert.ok(Math.abs(normal[2 * i]! - (3 + radius * Math.cos(angle))) < 1e-5);
      if (i < 99) assert.ok(Math.abs(normal[2 * i + 1]! - (3 + radius * Math.sin(angle))) < 1e-5);
    }
  });
  for (const [args, message] of [
    [[null], 'an Int32Array for order, got null'],
    [[[1, 2]], 'an Int32Array for order, got [ 1, 2 ]'],
    [[Int32Array.of(1, 2, 3), 0, 10], 'a whole number 0 … 3 for end, got 10'],
    [[Int32Array.of(1, 2, 3), 0.5], 'a whole number 0 … 3 for begin, got 0.5'],
    [[Int32Array.of(1, 2, 3), 2, 1], 'a whole number 0 … 1 for begin, got 2'],
  ] as const)
    it(`shuffle expects ${message}`, () => {
      assert.throws(() => (random.shuffle as (...args: unknown[]) => void).apply(random, [...args]), {
        name: 'OptionError',
        message: `Philox.shuffle: expected ${message}.`,
      });
    });
});
