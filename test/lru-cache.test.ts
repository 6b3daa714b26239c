import assert from 'node:assert/strict';
import { LruCache } from '../lib/lru-cache.js';

describe('the values made last', () => {
  const made = (cache: LruCache<number>, ...keys: readonly number[]): number => {
    let count = 0;
    for (const key of keys) cache.get(String(key), () => (count++, key));
    return count;
  };

  it('are as many as the limit, those asked for last', () => {
    const cache = new LruCache<number>(3);
    assert.equal(made(cache, 1, 2, 3, 1, 2, 3), 3);
    assert.equal(made(cache, 4), 1); // 1 goes
    assert.equal(made(cache, 2, 3, 4), 0);
    assert.equal(made(cache, 1), 1); // 2 goes
    assert.equal(made(cache, 3, 4), 0);
    assert.equal(made(cache, 2), 1);
  });

  it('are more where there is room, and the limit however large they are', () => {
    const cache = new LruCache<number>(2, { bytes: 10, bytesOf: (value) => value });
    assert.equal(made(cache, 1, 2, 3, 4, 1, 2, 3, 4), 4);
    assert.equal(made(cache, 5), 1); // 15 bytes, as there was still room
    assert.equal(made(cache, 1, 2, 3, 4, 5), 0);
    assert.equal(made(cache, 6), 1); // 1 and 2 go, then 12 bytes are still too many: 3 goes
    assert.equal(made(cache, 4, 5, 6), 0);
    const large = new LruCache<number>(2, { bytes: 10, bytesOf: () => 100 });
    assert.equal(made(large, 1, 2, 1, 2), 2);
    assert.equal(made(large, 3, 2, 3), 1);
  });
});
