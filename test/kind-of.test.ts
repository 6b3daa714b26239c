import assert from 'node:assert/strict';
import { isRecord, kindOf } from '../lib/options.js';

describe('what kind of thing a value is', () => {
  const anonymous = new (class {})();
  for (const [value, kind] of [
    [(function* () {})(), '[object Generator]'],
    [(async function* () {})(), '[object AsyncGenerator]'],
    [anonymous, '[object Object]'],
    [Object.create(null), 'an object'],
    [{}, 'Object'],
    [new Float32Array(1), 'Float32Array'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Math.sin, 'a function'],
  ] as const)
    it(`has a name: ${kind}`, () => assert.equal(kindOf(value), kind));
  it('is no record where it is of a class without a name', () => assert.ok(!isRecord(anonymous)));
});
