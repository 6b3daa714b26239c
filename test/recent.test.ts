import assert from 'node:assert/strict';
import { Recent } from '../lib/recent.js';

describe('the values made last', () => {
  const made = (recent: Recent<number>, ...keys: readonly number[]): number => {
    let count = 0;
    for (const key of keys) recent.get(String(key), () => (count++, key));
    return count;
  };

  it('are as many as the limit, those asked for last', () => {
    const recent = new Recent<number>(3);
    assert.equal(made(recent, 1, 2, 3, 1, 2, 3), 3);
    assert.equal(made(recent, 4), 1); // 1 goes
    assert.equal(made(recent, 2, 3, 4), 0);
    assert.equal(made(recent, 1), 1); // 2 goes
    assert.equal(made(recent, 3, 4), 0);
    assert.equal(made(recent, 2), 1);
  });

  it('are more where there is room, and the limit however large they are', () => {
    const recent = new Recent<number>(2, { bytes: 10, bytesOf: (value) => value });
    assert.equal(made(recent, 1, 2, 3, 4, 1, 2, 3, 4), 4);
    assert.equal(made(recent, 5), 1); // 15 bytes, as there was still room
    assert.equal(made(recent, 1, 2, 3, 4, 5), 0);
    assert.equal(made(recent, 6), 1); // 1 and 2 go, then 12 bytes are still too many: 3 goes
    assert.equal(made(recent, 4, 5, 6), 0);
    const large = new Recent<number>(2, { bytes: 10, bytesOf: () => 100 });
    assert.equal(made(large, 1, 2, 1, 2), 2);
    assert.equal(made(large, 3, 2, 3), 1);
  });
});
