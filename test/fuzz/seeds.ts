/** Small valid files that fuzzing starts from, by target, and words that are rarely found by chance. */
import { formatHeader } from '../../lib/persistence/safetensors-header.js';
import { NdArray } from '../../lib/index.js';

const u32 = (littleEndian: boolean, ...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => (littleEndian ? bytes.writeUInt32LE(value, 4 * i) : bytes.writeUInt32BE(value, 4 * i)));
  return bytes;
};

function idx(type: number, bytesPerElement: number, ...shape: number[]): Buffer {
  const count = shape.reduce((a, b) => a * b, 1);
  return Buffer.concat([Buffer.from([0, 0, type, shape.length]), u32(false, ...shape), Buffer.alloc(count * bytesPerElement, 0x40)]);
}

function chunk(id: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(id, 'latin1'), u32(true, body.length), body, Buffer.alloc(body.length % 2)]);
}

function wav(encoding: number, bits: number, channels: number, ...between: Buffer[]): Buffer {
  const frame = (channels * bits) / 8;
  const u16 = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [value & 255, value >> 8]));
  const tail = encoding === 0xfffe ? Buffer.from('16001000030000000100000000001000800000aa00389b71', 'hex') : Buffer.alloc(0);
  const format = [u16(encoding, channels), u32(true, 8000, 8000 * frame), u16(frame, bits), tail];
  const body = [Buffer.from('WAVE'), chunk('fmt ', ...format), ...between, chunk('data', Buffer.alloc(3 * frame, 1))];
  return chunk('RIFF', ...body);
}

function safetensors(tensors: Readonly<Record<string, NdArray>>, metadata: Readonly<Record<string, string>>): Buffer {
  const header = Buffer.from(formatHeader('it', new Map(Object.entries(tensors)), metadata));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const bytes = Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
  return Buffer.concat([length, header, Buffer.alloc(bytes)]);
}

/** Of types that are read and not written. */
function stored(types: Readonly<Record<string, number>>): Buffer {
  let end = 0;
  const entries = Object.entries(types).map(
    ([dtype, bytes]) => `"${dtype}":{"dtype":"${dtype}","shape":[1],"data_offsets":[${end},${(end += bytes)}]}`,
  );
  const header = Buffer.from(`{${entries.join(',')}}`);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(end)]);
}

const floats = (...shape: number[]): NdArray => new NdArray(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);

export const seeds: Readonly<Record<'idx' | 'wav' | 'csv' | 'safetensors', readonly Buffer[]>> = {
  idx: [idx(8, 1, 2, 3), idx(9, 1, 4), idx(11, 2, 2, 1, 2), idx(12, 4, 2), idx(13, 4, 1, 3), idx(14, 8, 2), idx(8, 1, 0, 7), idx(8, 1)],
  wav: [
    wav(1, 8, 1),
    wav(1, 16, 2),
    wav(1, 24, 1),
    wav(1, 32, 1),
    wav(3, 32, 2),
    wav(0xfffe, 16, 1),
    wav(1, 16, 1, chunk('LIST', Buffer.from('abc'))),
    wav(3, 64, 1),
    wav(6, 8, 1),
    wav(7, 8, 2),
    wav(1, 16, 1, chunk('ds64', u32(true, 84, 0, 6, 0, 3, 0, 0))),
  ],
  csv: [
    'a,b\n1,2\n3,-4e-5\n',
    'a\r\n0x10\r\n\r\n 7 \r\n',
    '\ufeff"x ""y""",z\n"1",2\n',
    'a,b\n1\n',
    'a;b\n1;2',
    'a,b\n"1\n",2\n',
    'a,b\nNaN,x\n, y\n',
  ].map((text) => Buffer.from(text)),
  safetensors: [
    safetensors({}, {}),
    safetensors({ w: floats(2, 3) }, {}),
    safetensors(
      { 'a.weight': floats(1), b: new NdArray(new Int32Array(2), [2]), c: new NdArray(new Uint8Array(3), [3, 1]) },
      { step: '7' },
    ),
    safetensors({ nothing: floats(0, 5), scalar: floats() }, {}),
    stored({ F64: 8, I64: 8, U64: 8, U32: 4 }),
    stored({ F16: 2, BF16: 2, I16: 2, U16: 2, I8: 1, BOOL: 1 }),
  ],
};

export const dictionaries: Readonly<Record<keyof typeof seeds, readonly string[]>> = {
  idx: [],
  wav: ['RIFF', 'RF64', 'BW64', 'WAVE', 'fmt ', 'data', 'ds64', 'LIST', '\\xff\\xff\\xff\\xff'],
  csv: ['Infinity', 'NaN', '1e999', '0b1', '\\x22\\x22', '\\x0d\\x0a'],
  safetensors: [
    'dtype',
    'shape',
    'data_offsets',
    '__metadata__',
    '__proto__',
    'F32',
    'I32',
    'U8',
    'BF16',
    'F16',
    'F64',
    'I64',
    'U64',
    'I16',
    'U16',
    'I8',
    'BOOL',
    '[0,4]',
    '\\x22:{\\x22',
    '1e400',
    '9007199254740993',
  ],
};
