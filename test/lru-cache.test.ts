import assert from 'node:assert/strict';
import { type Kept, LruCache } from '../lib/lru-cache.js';

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

  /** What takes as many bytes as its number says, and as many for memories once it is used. */
  class Item implements Kept {
    readonly bytes: number;
    memoryBytes = 0;

    constructor(bytes: number) {
      this.bytes = bytes;
    }

    release(): void {
      this.memoryBytes = 0;
    }
  }

  const items = (limit: number): LruCache<Item> => new LruCache<Item>(limit, { bytes: 10, memoryBytes: 10, of: (item) => item });

  /** Uses the items of these sizes. @returns those that were made */
  function used(cache: LruCache<Item>, ...sizes: readonly number[]): Item[] {
    const made: Item[] = [];
    for (const size of sizes) {
      cache.get(String(size), () => (made.push(new Item(size)), made.at(-1)!)).memoryBytes = size;
    }
    return made;
  }

  const withMemories = (values: readonly Item[]): number[] => values.filter(({ memoryBytes }) => memoryBytes > 0).map(({ bytes }) => bytes);

  it('are more where there is room, and the limit however large they are', () => {
    const cache = items(2);
    assert.equal(used(cache, 1, 2, 3, 4, 1, 2, 3, 4).length, 4);
    assert.equal(used(cache, 5).length, 1); // 15 bytes, as there was still room
    assert.equal(used(cache, 1, 2, 3, 4, 5).length, 0);
    assert.equal(used(cache, 6).length, 1); // 1 and 2 go, then 12 bytes are still too many: 3 goes
    assert.equal(used(cache, 4, 5, 6).length, 0);
    const large = items(2);
    assert.equal(used(large, 100, 200, 100, 200).length, 2);
    assert.equal(used(large, 300, 200, 300).length, 1);
  });

  it('have memories as long as there is room for those of all', () => {
    assert.deepEqual(withMemories(used(items(16), 1, 2, 3, 2, 1)), [1, 2, 3]);
  });

  it('give memories back beyond four times the largest and those of the two used last', () => {
    const cache = items(16);
    const made = used(cache, 97, 96, 95, 94, 93, 92, 91);
    assert.deepEqual(withMemories(made), [96, 95, 94, 93, 92, 91]);
    used(cache, 97, 96); // 95 goes before 97 comes back; 96 has its own still
    assert.deepEqual(withMemories(made), [97, 96, 94, 93, 92, 91]);
  });

  it('give memories back that were all made at once', () => {
    const cache = items(16);
    const sizes = [97, 96, 95, 94, 93, 92, 91];
    const got = sizes.map((size) => cache.get(String(size), () => new Item(size)));
    for (const item of got) item.memoryBytes = item.bytes;
    used(cache, 91);
    assert.deepEqual(withMemories(got), [96, 95, 94, 93, 92, 91]);
  });
});
