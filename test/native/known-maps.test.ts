import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { knownMaps, knownMapsFile } from '../../scripts/known-maps.js';

describe('known maps', () => {
  it('are those that the compiler makes of common steps today (npm run known-maps)', () => {
    assert.equal(readFileSync(knownMapsFile, 'utf8'), knownMaps());
  });
});
