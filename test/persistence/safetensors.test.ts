import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NdArray, array } from '../../lib/array.js';
import { FileError } from '../../lib/errors.js';
import { Linear } from '../../lib/layers/index.js';
import { type Safetensors, readSafetensors, writeSafetensors } from '../../lib/persistence/index.js';
import { Philox } from '../../lib/random.js';
import { checkTurns } from '../support/turns.js';

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'lanewise-'))));
after(() => rm(folder, { recursive: true }));

/** A file of this header and data, read. */
async function readRaw(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(),
  length = Buffer.byteLength(header),
): Promise<unknown> {
  const path = join(folder, 'raw.safetensors');
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length));
  await writeFile(path, Buffer.concat([prefix, Buffer.from(header), data]));
  return readSafetensors(path);
}

const entry = (offsets: string, more = '"dtype":"F32","shape":[1]'): string => `{${more},"data_offsets":${offsets}}`;
const four = new Uint8Array(4);

/** One tensor "a" of this type, read from these elements. */
async function readAs(dtype: string, elements: Exclude<ArrayBufferView, DataView> & { readonly length: number }): Promise<NdArray['data']> {
  const header = `{"a":${entry(`[0,${elements.byteLength}]`, `"dtype":"${dtype}","shape":[${elements.length}]`)}}`;
  const { tensors } = (await readRaw(header, new Uint8Array(elements.buffer))) as Safetensors;
  return tensors.get('a')!.data;
}

const sample = new Map<string, NdArray>([
  ['w', array([[1.5, -2, NaN], [Infinity, 0, -0]])], // prettier-ignore
  ['ids', array(Int32Array.of(-1, 7))],
  ['bytes', array(Uint8Array.of(1, 2, 3))],
  ['after odd bytes', array([42])],
  ['scalar', array(3)],
  ['empty', array(new Float32Array(), [0, 4])],
  ['__proto__', array([1])],
  ['constructor', array([2])],
  ['', array([3])],
  ['ü "quoted" \n', array([4])],
]);

describe('safetensors', () => {
  it('reads what it wrote: types, shapes, bits, order and odd names', async () => {
    const path = join(folder, 'sample.safetensors');
    const metadata = { format: 'pt', note: '"ü"' };
    await writeSafetensors(path, sample, metadata);
    const { tensors, metadata: read } = await readSafetensors(path);
    assert.deepEqual([...tensors.keys()], [...sample.keys()]);
    for (const [name, { data, shape }] of sample) {
      const actual = tensors.get(name)!;
      assert.equal(actual.data.constructor, data.constructor, name);
      assert.deepEqual([...actual.shape], [...shape], name);
      assert.ok(Buffer.from(actual.data.buffer).equals(Buffer.from(data.buffer, data.byteOffset, data.byteLength)), name);
    }
    assert.deepEqual({ ...read }, metadata);
    assert.equal(Object.getPrototypeOf(read), null);
  });
  it('writes exactly the format: length, padded header, data', async () => {
    const path = join(folder, 'exact.safetensors');
    await writeSafetensors(path, new Map([['a', array([1, 2])]]));
    const bytes = await readFile(path);
    const header = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  ';
    assert.equal(bytes.readBigUInt64LE(), BigInt(header.length));
    assert.equal(header.length % 8, 0);
    assert.equal(bytes.toString('utf8', 8, 8 + header.length), header);
    assert.deepEqual([bytes.readFloatLE(8 + header.length), bytes.readFloatLE(12 + header.length)], [1, 2]);
  });
  it('reads entries in any order and without a prototype for metadata', async () => {
    const text = `{"b":${entry('[4,8]')},"__metadata__":{"__proto__":"x"},"a":${entry('[0,4]')}}`;
    const { tensors, metadata } = (await readRaw(text, new Uint8Array(8))) as Safetensors;
    assert.deepEqual([...tensors.keys()], ['a', 'b']);
    assert.equal(metadata['__proto__'], 'x');
  });
  it('reads an empty file of tensors', async () => {
    const { tensors, metadata } = (await readRaw('{}')) as Safetensors;
    assert.equal(tensors.size + Object.keys(metadata).length, 0);
  });

  const stored: readonly (readonly [string, Parameters<typeof readAs>[1], NdArray['data']])[] = [
    // Least and largest of each kind: zeros, subnormal, normal, infinite. Bits as IEEE 754 has them.
    [
      'F16',
      Uint16Array.of(0, 0x8000, 1, 0x83ff, 0x400, 0x3c00, 0x3c01, 0xc100, 0x7bff, 0x7c00, 0xfc00, 0x7c01, 0xfe00),
      Float32Array.of(0, -0, 2 ** -24, -1023 * 2 ** -24, 2 ** -14, 1, 1 + 2 ** -10, -2.5, 65504, Infinity, -Infinity, NaN, NaN),
    ],
    [
      'BF16',
      Uint16Array.of(0, 0x8000, 1, 0x3f80, 0x3f81, 0xc020, 0x7f7f, 0x7f80, 0xff80, 0x7fc0),
      Float32Array.of(0, -0, 2 ** -133, 1, 1 + 2 ** -7, -2.5, (2 - 2 ** -7) * 2 ** 127, Infinity, -Infinity, NaN),
    ],
    [
      'F64',
      // Halfway between two floats the even one is taken.
      Float64Array.of(0.1, 1 + 2 ** -24, 1 + 3 * 2 ** -24, -1e300, 1e-300, NaN),
      Float32Array.of(0.1, 1, 1 + 2 ** -22, -Infinity, 0, NaN),
    ],
    ['I64', BigInt64Array.of(1234n, -(2n ** 31n), 2n ** 31n - 1n), Int32Array.of(1234, -(2 ** 31), 2 ** 31 - 1)],
    ['U64', BigUint64Array.of(7n), Int32Array.of(7)],
    ['U32', Uint32Array.of(0, 2 ** 31 - 1), Int32Array.of(0, 2 ** 31 - 1)],
    ['I16', Int16Array.of(-32768, 32767), Int32Array.of(-32768, 32767)],
    ['U16', Uint16Array.of(65535), Int32Array.of(65535)],
    ['I8', Int8Array.of(-128, 127, 3), Int32Array.of(-128, 127, 3)],
    ['BOOL', Uint8Array.of(1, 0, 1), Uint8Array.of(1, 0, 1)],
  ];
  for (const [dtype, elements, expected] of stored) {
    it(`reads ${dtype} as ${array(expected).dtype}`, async () => {
      const values = await readAs(dtype, elements);
      assert.equal(values.constructor, expected.constructor);
      assert.deepEqual([...values], [...expected]);
    });
  }
  it('reads a scalar of one type beside tensors of others', async () => {
    const text = `{"n":${entry('[0,8]', '"dtype":"I64","shape":[]')},"w":${entry('[8,12]', '"dtype":"F16","shape":[1,2]')}}`;
    const { tensors } = (await readRaw(text, Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 0, 0x3c, 0, 0x40))) as Safetensors;
    assert.deepEqual([tensors.get('n')!.toNested(), tensors.get('w')!.toNested()], [5, [[1, 2]]]);
  });

  it('leaves the event loop its turns while it reads what has to be converted, and misses none of it', async () => {
    await readAs('I64', new BigInt64Array(3_000_000).fill(7n, 1, 2_999_999));
    await checkTurns(async () => {
      const { data } = (await readSafetensors(join(folder, 'raw.safetensors'))).tensors.get('a')!;
      assert.deepEqual([data.length, data.indexOf(7), data.lastIndexOf(7), data.indexOf(0, 1)], [3_000_000, 1, 2_999_998, 2_999_999]);
    });
  });

  const bad: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    [
      'a file cut off in the length',
      () => writeFile(join(folder, 'cut'), 'abc').then(() => readSafetensors(join(folder, 'cut'))),
      /expected at least 8 bytes in .*cut, got 3\./,
    ],
    [
      'a header longer than the file',
      () => readRaw('{}', four, 1000),
      /expected a header within the 14 bytes of .*, got one of 1000 bytes/,
    ],
    [
      'a header of 2⁶³ bytes',
      () => writeFile(join(folder, 'huge'), Buffer.alloc(8, 0xff)).then(() => readSafetensors(join(folder, 'huge'))),
      /got one of 18446744073709551615 bytes/,
    ],
    ['no JSON', () => readRaw('{"a":'), /expected a JSON header/],
    ['no UTF-8', () => readRaw(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /expected a JSON header/],
    ['an array for header', () => readRaw('[]'), /expected an object for header in .*, got \[\]\./],
    [
      'a name twice',
      () => readRaw(`{"a":${entry('[0,4]')},"a":${entry('[0,4]')}}`, four),
      /expected each name once in the header .*, got "a" twice/,
    ],
    ['a name twice, once escaped', () => readRaw(`{"a":${entry('[0,4]')},"\\u0061":${entry('[0,4]')}}`, four), /got "a" twice/],
    ['a property twice', () => readRaw(`{"a":${entry('[0,4]', '"dtype":"F32","dtype":"I32","shape":[1]')}}`, four), /got "dtype" twice/],
    ['a number for a tensor', () => readRaw('{"a":1}'), /expected an object for "a" in .*, got 1\./],
    [
      'another dtype',
      () => readRaw(`{"a":${entry('[0,4]', '"dtype":"F8_E4M3","shape":[4]')}}`, four),
      /expected a dtype among F64, F32, .*, BOOL for "a" .*, got "F8_E4M3"\./,
    ],
    [
      'half as many bytes as F64 has',
      () => readRaw(`{"a":${entry('[0,4]', '"dtype":"F64","shape":[1]')}}`, four),
      /expected 8 bytes for "a", F64 \[1\] in .*, got data_offsets \[0,4\]/,
    ],
    [
      'I64 that int32 does not hold',
      () => readAs('I64', BigInt64Array.of(1n, 2n ** 31n)),
      /expected whole numbers of int32 for "a" in .*, got 2147483648 at 1\./,
    ],
    [
      'I64 that int32 does not hold, far behind',
      () => readAs('I64', new BigInt64Array(200_001).fill(2n ** 40n, 200_000)),
      /got 1099511627776 at 200000\./,
    ],
    ['I64 far below', () => readAs('I64', BigInt64Array.of(-(2n ** 63n))), /got -9223372036854775808 at 0\./],
    [
      'U64 that int32 does not hold',
      () => readAs('U64', BigUint64Array.of(2n ** 64n - 1n)),
      /for "a" in .*, got 18446744073709551615 at 0\./,
    ],
    ['U32 that int32 does not hold', () => readAs('U32', Uint32Array.of(2 ** 32 - 1)), /for "a" in .*, got 4294967295 at 0\./],
    ['BOOL that is neither', () => readAs('BOOL', Uint8Array.of(0, 1, 2)), /expected 0 or 1 for "a" in .*, got 2 at 2\./],
    [
      'a dtype from a prototype',
      () => readRaw(`{"a":{"__proto__":{"dtype":"F32"},"shape":[1],"data_offsets":[0,4]}}`, four),
      /expected a dtype .* got nothing/,
    ],
    [
      'a negative size',
      () => readRaw(`{"a":${entry('[0,4]', '"dtype":"F32","shape":[-1]')}}`, four),
      /whole numbers ≥ 0 for the shape of "a"/,
    ],
    [
      'a size that is no whole number',
      () => readRaw(`{"a":${entry('[0,4]', '"dtype":"F32","shape":[0.5,2]')}}`, four),
      /whole numbers ≥ 0 for the shape of "a"/,
    ],
    ['too many dimensions', () => readRaw(`{"a":${entry('[0,4]', `"dtype":"F32","shape":[${'1,'.repeat(99)}1]`)}}`, four), /shape of "a"/],
    [
      'sizes whose product is too large',
      () => readRaw(`{"a":${entry('[0,4]', '"dtype":"F32","shape":[4294967296,4294967296]')}}`, four),
      /expected 73786976294838210000 bytes for "a"/,
    ],
    [
      'no offsets',
      () => readRaw('{"a":{"dtype":"F32","shape":[1]}}', four),
      /two whole numbers ≥ 0 for data_offsets of "a" .*, got nothing/,
    ],
    ['one offset', () => readRaw(`{"a":${entry('[0]')}}`, four), /two whole numbers ≥ 0 for data_offsets/],
    [
      'offsets of another length',
      () => readRaw(`{"a":${entry('[0,8]')}}`, new Uint8Array(8)),
      /expected 4 bytes for "a", F32 \[1\] in .*, got data_offsets \[0,8\]/,
    ],
    ['reversed offsets', () => readRaw(`{"a":${entry('[4,0]')}}`, four), /got data_offsets \[4,0\]/],
    [
      'an overlap',
      () => readRaw(`{"a":${entry('[0,4]')},"b":${entry('[0,4]')}}`, four),
      /expected "b" to begin at byte 4 of the data in .*, got 0/,
    ],
    ['a gap', () => readRaw(`{"a":${entry('[0,4]')},"b":${entry('[8,12]')}}`, new Uint8Array(12)), /expected "b" to begin at byte 4/],
    ['data cut off', () => readRaw(`{"a":${entry('[0,4]')}}`, new Uint8Array(3)), /expected 4 bytes of data in .*, got 3/],
    ['bytes too many', () => readRaw(`{"a":${entry('[0,4]')}}`, new Uint8Array(5)), /expected 4 bytes of data in .*, got 5/],
    ['metadata that are no object', () => readRaw('{"__metadata__":[]}'), /expected an object for __metadata__/],
    ['metadata that are no text', () => readRaw('{"__metadata__":{"a":1}}'), /expected texts in __metadata__ in .*, got 1 for "a"/],
    ['a missing file of a model', () => new Linear(1).load(join(folder, 'missing')), /^load: expected to open .*missing, got ENOENT/],
    ['a missing file', () => readSafetensors(join(folder, 'missing')), /expected to open .*missing, got ENOENT/],
    // On Windows a folder is a file of no bytes.
    ['a folder', () => readSafetensors(folder), /expected to read .*, got EISDIR|at least 8 bytes .*, got 0/],
  ];
  for (const [name, read, message] of bad) it(`refuses ${name}`, () => assert.rejects(read(), { name: 'FileError', message }));

  it('survives any damage: a FileError or a file read, never anything else', async () => {
    const path = join(folder, 'fuzz.safetensors');
    await writeSafetensors(path, sample, { a: 'b' });
    const valid = await readFile(path);
    const random = new Philox(1);
    let refused = 0;
    for (let round = 0; round < 500; round++) {
      const bytes = Buffer.from(valid);
      const draws = random.uniform53(8);
      const damages = 1 + Math.floor(draws[0]! * 3);
      // Mostly in the header, which is where damage can mislead.
      for (let i = 1; i <= damages; i++) bytes[Math.floor(draws[i]! * (i === 3 ? valid.length : 500))] = Math.floor(draws[i + 3]! * 256);
      const end = round % 5 === 0 ? Math.floor(draws[7]! * valid.length) : valid.length;
      await writeFile(path, bytes.subarray(0, end));
      await readSafetensors(path).catch((error: unknown) => {
        assert.ok(error instanceof FileError, String(error));
        refused++;
      });
    }
    assert.ok(refused > 200, `${refused} refused`);
  });
});

describe('writing safetensors', () => {
  it('replaces an old file', async () => {
    const path = join(folder, 'again.safetensors');
    await writeSafetensors(path, new Map([['a', array([1])]]));
    await writeSafetensors(path, new Map([['b', array([2])]]));
    assert.deepEqual([...(await readSafetensors(path)).tensors.keys()], ['b']);
  });
  it('that fails leaves what was there and no other file', async () => {
    const inside = join(folder, 'inside');
    const path = join(inside, 'model.safetensors');
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'old'), 'old');
    await assert.rejects(writeSafetensors(path, sample), {
      name: 'FileError',
      message: `save: expected a file or nothing at ${path}, got something else, such as a folder or a pipe. Choose another name.`,
    });
    assert.deepEqual(await readdir(inside), ['model.safetensors']);
    assert.equal(await readFile(join(path, 'old'), 'utf8'), 'old');
  });
  it('into a missing folder fails', () =>
    assert.rejects(writeSafetensors(join(folder, 'no', 'such'), sample), { name: 'FileError', message: /ENOENT/ }));
  it('refuses the name the format keeps for itself, and writes nothing', async () => {
    const path = join(folder, 'reserved');
    await assert.rejects(writeSafetensors(path, new Map([['__metadata__', array([1])]])), {
      name: 'FileError',
      message: /expected other tensor names than __metadata__/,
    });
    assert.ok(!(await readdir(folder)).includes('reserved'));
  });
  it('writes arrays as they are when it is called, whatever becomes of them', async () => {
    const path = join(folder, 'moved');
    const x = array(new Float32Array(1e6).fill(1));
    const saving = writeSafetensors(path, new Map([['x', x]]));
    x.data.fill(2);
    structuredClone(x.data.buffer, { transfer: [x.data.buffer] });
    await saving;
    const read = (await readSafetensors(path)).tensors.get('x')!;
    assert.equal(read.size, 1e6);
    assert.ok(read.data.every((value) => value === 1));
  });
  it('reads texts of any length, and tells names within them from names', async () => {
    const path = join(folder, 'long');
    const metadata = { note: 'x'.repeat(1e7), escapes: '\n"{'.repeat(2e6), list: '"a":1,"a":1' };
    await writeSafetensors(path, sample, metadata);
    assert.deepEqual({ ...(await readSafetensors(path)).metadata }, metadata);
  });
  it('refuses what is no text, and no array', async () => {
    const write = (tensors: unknown, metadata?: unknown): Promise<void> =>
      writeSafetensors(join(folder, 'wrong'), tensors as typeof sample, metadata as Record<string, string>);
    await assert.rejects(write(sample, { steps: 3 }), {
      name: 'OptionError',
      message: 'writeSafetensors: expected an object of texts for metadata, got { steps: 3 }.',
    });
    await assert.rejects(write(new Map([[7, array([1])]])), { name: 'OptionError', message: /a Map of arrays made by array\(\), by name/ });
    await assert.rejects(write({ a: array([1]) }), { name: 'OptionError' });
  });
  it('refuses detached buffers', async () => {
    const x = array([1, 2]);
    structuredClone(x.data.buffer, { transfer: [x.data.buffer as ArrayBuffer] });
    await assert.rejects(writeSafetensors(join(folder, 'detached'), new Map([['x', x]])), {
      name: 'StateError',
      message: 'writeSafetensors: expected 2 elements for "x" of shape [2], got 0: its buffer was detached or resized. Make a new array.',
    });
  });
});
