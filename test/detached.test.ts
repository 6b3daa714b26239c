/** What is given without its memory, which another thread has taken. */
import assert from 'node:assert/strict';
import { Vocabulary, array, readCsv, readIdx, readImage, readWav, takeColumns, takeRows } from '../lib/index.js';
import { elementwise, gatherRows, random } from '../lib/kernels.js';

/** What was sent away. */
function detached<T extends Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(x: T): T {
  structuredClone(x.buffer, { transfer: [x.buffer] });
  return x;
}

const x = array([[1, 2], [3, 4]]); // prettier-ignore
const ids = detached(new Int32Array(2));
const held = array(new Int32Array(2));
detached(held.data);
const bytes = detached(new Uint8Array(8));

describe('an array whose buffer was detached is refused by', () => {
  const cases: readonly (readonly [what: string, kind: string, call: () => unknown])[] = [
    ['array', 'Float32Array', () => array(detached(new Float32Array(2)))],
    ['array', 'Float32Array', () => array(detached(new Float32Array(2)), [2])],
    ['array', 'Float32Array', () => array([detached(new Float32Array(2))])],
    ['takeRows', 'Int32Array', () => takeRows(x, ids)],
    ['takeColumns', 'Int32Array', () => takeColumns(x, ids)],
    ['Vocabulary.decode', 'Int32Array', () => Vocabulary.from('ab').decode(ids)],
    ['readIdx', 'Uint8Array', () => readIdx(bytes)],
    ['readCsv', 'Uint8Array', () => readCsv(bytes)],
    ['readWav', 'Uint8Array', () => readWav(bytes)],
    ['readImage', 'Uint8Array', () => readImage(bytes, { size: 8 })],
  ];
  for (const [what, kind, call] of cases) {
    it(`${what} as ${kind}`, () =>
      assert.rejects(async () => call(), {
        name: 'StateError',
        message: `${what}: expected the elements of a ${kind}, got none: its buffer was detached or resized. Make a new one.`,
      }));
  }
  for (const [what, call] of [
    ['takeRows', () => takeRows(x, held)],
    ['takeColumns', () => takeColumns(x, held)],
    ['Vocabulary.decode', () => Vocabulary.from('ab').decode(held)],
  ] as const)
    it(`${what} as an array of ids`, () =>
      assert.throws(call, {
        name: 'StateError',
        message: `${what}: expected 2 elements for ids of shape [2], got 0: its buffer was detached or resized. Make a new array.`,
      }));

  /** What its buffer has shrunk away from. */
  const shrunk = <T>(view: (buffer: ArrayBuffer) => T): T => {
    const buffer = Reflect.construct(ArrayBuffer, [32, { maxByteLength: 64 }]) as ArrayBuffer & { resize(bytes: number): void };
    const x = view(buffer);
    buffer.resize(16);
    return x;
  };
  const floats = (): Float32Array => shrunk((buffer) => new Float32Array(buffer, 16, 4));
  for (const [what, kind, call] of [
    ['array', 'Float32Array', () => array(floats())],
    ['elementwise', 'Float32Array', () => elementwise({ op: 'neg', a: new Float32Array(4), output: floats() })],
    ['random', 'Float32Array', () => random({ seed: 1, output: floats() })],
    ['gatherRows', 'Int32Array', () => gatherRows({ width: 1, table: new Float32Array(4), ids: shrunk((buffer) => new Int32Array(buffer, 8, 6)), output: new Float32Array(6) })], // prettier-ignore
  ] as const)
    it(`${what} as ${kind} whose buffer has shrunk`, () =>
      assert.throws(call, {
        name: 'StateError',
        message: `${what}: expected the elements of a ${kind}, got none: its buffer was detached or resized. Make a new one.`,
      }));

  it('nobody where it is only empty', () => {
    assert.deepEqual(array(new Float32Array(0)).shape, [0]);
    assert.deepEqual(takeRows(x, new Int32Array(0)).shape, [0, 2]);
  });
});
