/** The JSON header of a safetensors file: written here, and read without trusting a word of it. */
import { type NdArray, checkIntact, maxRank } from '../array.js';
import { FileError } from '../errors.js';
import { type Shape, isShape, sizeOf } from '../graph/shape.js';
import type { DType } from '../graph/tensor.js';
import { duplicateKey } from './json.js';
import { reasonOf } from '../reason.js';
import { type StoredType, storedTypes } from './safetensors-types.js';

/** The format's own limit. */
const maxHeaderBytes = 100_000_000;

/** What is written; `storedTypes` are read. */
const dtypeNames: Readonly<Record<DType, string>> = { float32: 'F32', int32: 'I32', uint8: 'U8' };

/** A file that is read. */
export interface FileRead {
  /** The call, as errors name it. */
  readonly what: string;
  readonly path: string;
}

export interface TensorEntry {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: Shape;
  /** First byte, from the start of the data. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** In the order of their data. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The header of these tensors, padded so that the data begin on a multiple of 8 bytes. */
export function formatHeader(path: string, tensors: ReadonlyMap<string, NdArray>, metadata: Readonly<Record<string, string>>): string {
  // Built as text, entry by entry: an object would lose a tensor named __proto__.
  const parts = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  let end = 0;
  for (const [name, x] of tensors) {
    if (name === '__metadata__')
      throw new FileError(
        `writeSafetensors: expected other tensor names than __metadata__ for ${path}, which the format keeps for itself.`,
      );
    checkIntact('writeSafetensors', quote(name), x);
    const { dtype, shape, data } = x;
    const begin = end;
    end += data.byteLength;
    parts.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype: dtypeNames[dtype], shape, data_offsets: [begin, end] })}`);
  }
  const text = `{${parts.join(',')}}`;
  return text + ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8);
}

/** How many bytes the header has, by the first 8 bytes of a file of `size` bytes. @throws FileError if it does not fit in */
export function headerLength(file: FileRead, prefix: Buffer, size: number): number {
  const length = prefix.readBigUInt64LE();
  if (length > BigInt(Math.min(size - 8, maxHeaderBytes))) {
    throw new FileError(
      `${file.what}: expected a header within the ${size} bytes of ${file.path}, got one of ${length} bytes. It is no safetensors file or was cut off.`,
    );
  }
  return Number(length);
}

/** @throws FileError unless the header describes tensors that fill `dataBytes` bytes without gaps or overlaps */
export function parseHeader(file: FileRead, bytes: Uint8Array, dataBytes: number): Header {
  const object = parseObject(file, bytes);
  const metadata = parseMetadata(file, object.get('__metadata__'));
  object.delete('__metadata__');
  const entries = [...object].map(([name, value]) => parseEntry(file, name, value)).sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) {
      throw refuse(
        file,
        `${quote(entry.name)} to begin at byte ${end} of the data`,
        `${entry.begin}: tensors must neither overlap nor leave gaps`,
      );
    }
    end = entry.end;
  }
  if (end !== dataBytes) throw refuse(file, `${end} bytes of data`, `${dataBytes}. It was cut off or has bytes too many`);
  return { entries, metadata };
}

function parseObject(file: FileRead, bytes: Uint8Array): Map<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new FileError(
      `${file.what}: expected a JSON header in ${file.path}, got ${reasonOf(cause)}. It is no safetensors file or is damaged.`,
      { cause },
    );
  }
  if (!isObject(value)) throw refuse(file, 'an object for header', describe(value));
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) throw refuse(file, 'each name once in the header', `${quote(duplicate)} twice`);
  return new Map(Object.entries(value));
}

function parseMetadata(file: FileRead, value: unknown): Readonly<Record<string, string>> {
  const metadata = Object.create(null) as Record<string, string>;
  if (value === undefined) return metadata;
  if (!isObject(value)) throw refuse(file, 'an object for __metadata__', describe(value));
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw refuse(file, `texts in __metadata__`, `${describe(text)} for ${quote(name)}`);
    metadata[name] = text;
  }
  return metadata;
}

function parseEntry(file: FileRead, name: string, value: unknown): TensorEntry {
  if (!isObject(value)) throw refuse(file, `an object for ${quote(name)}`, describe(value));
  const type = storedTypes.get(own(value, 'dtype'));
  if (type === undefined)
    throw refuse(file, `a dtype among ${[...storedTypes.keys()].join(', ')} for ${quote(name)}`, describe(own(value, 'dtype')));
  const shape = own(value, 'shape');
  if (!isShape(shape) || shape.length > maxRank) throw refuse(file, `whole numbers ≥ 0 for the shape of ${quote(name)}`, describe(shape));
  const offsets = own(value, 'data_offsets');
  if (!isShape(offsets) || offsets.length !== 2)
    throw refuse(file, `two whole numbers ≥ 0 for data_offsets of ${quote(name)}`, describe(offsets));
  const [begin, end] = offsets as [number, number];
  const bytes = sizeOf(shape) * type.bytes;
  if (end - begin !== bytes)
    throw refuse(
      file,
      `${bytes} bytes for ${quote(name)}, ${String(own(value, 'dtype'))} ${describe(shape)}`,
      `data_offsets ${describe(offsets)}`,
    );
  return { name, type, shape: Object.freeze([...shape]), begin, end };
}

/** A property of the object itself: its prototype has nothing to say. */
function own(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value as unknown;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** That this is not what the file has. */
export function refuse(file: FileRead, expected: string, got: string): FileError {
  return new FileError(`${file.what}: expected ${expected} in ${file.path}, got ${got}.`);
}

export function quote(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
