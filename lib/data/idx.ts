/** The IDX format of MNIST: two zero bytes, a type, a rank, big-endian sizes, then the elements. */
import { readFile } from 'node:fs/promises';
import { NdArray } from '../array.js';
import { FileError, formatShape } from '../errors.js';
import { sizeOf } from '../graph/shape.js';
import type { NumericArray } from '../native.js';
import { type FileOrBytes, fileOf, viewOf } from './file.js';
import { reasonOf } from '../reason.js';

interface ElementType {
  readonly bytes: number;
  readonly read: (view: DataView, count: number, file: string) => NumericArray;
}

const elementTypes: ReadonlyMap<number, ElementType> = new Map([
  [0x08, { bytes: 1, read: (v: DataView, n: number) => new Uint8Array(v.buffer, v.byteOffset, n).slice() }],
  [0x09, { bytes: 1, read: (v: DataView, n: number) => filled(new Int32Array(n), (i) => v.getInt8(i)) }],
  [0x0b, { bytes: 2, read: (v: DataView, n: number) => filled(new Int32Array(n), (i) => v.getInt16(2 * i)) }],
  [0x0c, { bytes: 4, read: (v: DataView, n: number) => filled(new Int32Array(n), (i) => v.getInt32(4 * i)) }],
  [0x0d, { bytes: 4, read: (v: DataView, n: number) => filled(new Float32Array(n), (i) => v.getFloat32(4 * i)) }],
  [0x0e, { bytes: 8, read: doubles }],
]);

/**
 * Reads an IDX file, from a path (up to 2 GiB, as Node reads files) or its bytes, gzipped or not. Unsigned bytes stay uint8, signed bytes, int16
 * and int32 become int32, float32 and float64 float32.
 * @throws OptionError for neither of them; FileError if it cannot be read, is no complete IDX file or has a number beyond the range of float32
 * @see http://yann.lecun.com/exdb/mnist/
 */
export async function readIdx(file: FileOrBytes): Promise<NdArray> {
  const { content, name } = fileOf('readIdx', file);
  const fail = (cause: unknown): never => {
    if (cause instanceof FileError) throw cause;
    throw new FileError(`readIdx: expected to read ${name}, got ${reasonOf(cause)}.`, { cause });
  };
  const raw = typeof content === 'string' ? await readFile(content).catch(fail) : content;
  const bytes = raw[0] === 0x1f && raw[1] === 0x8b ? await unzip(name, raw).catch(fail) : raw;
  return parseIdx(name, viewOf(bytes));
}

/** The module is loaded with the first file that needs it: an import at the top costs every program 2 ms. */
async function unzip(name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const { createGunzip } = await import('node:zlib');
  const gunzip = createGunzip();
  gunzip.end(bytes);
  const parts: Uint8Array[] = [];
  let size = 0;
  let most = Infinity;
  for await (const part of gunzip as AsyncIterable<Uint8Array>) {
    parts.push(part);
    size += part.length;
    // The first part holds the header, which says how much there is to come: a small file may unzip to more than there is memory.
    if (parts.length === 1) most = headerOf(name, viewOf(part)).bytes;
    if (size > most) break;
  }
  return Buffer.concat(parts);
}

interface Header {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** First byte of the elements. */
  readonly start: number;
  /** Of the whole file. */
  readonly bytes: number;
}

function headerOf(name: string, view: DataView): Header {
  const type = view.byteLength >= 4 && view.getUint16(0) === 0 ? elementTypes.get(view.getUint8(2)) : undefined;
  if (type === undefined)
    throw new FileError(`readIdx: expected an IDX header (0, 0, type, rank) in ${name}, got other bytes. Is it an IDX file?`);
  const rank = view.getUint8(3);
  const start = 4 + 4 * rank;
  const shape = start <= view.byteLength ? Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i)) : [];
  return { type, shape, start, bytes: start + sizeOf(shape) * type.bytes };
}

/** @throws FileError if the bytes are no complete IDX file */
export function parseIdx(name: string, view: DataView): NdArray {
  const { type, shape, start, bytes } = headerOf(name, view);
  if (view.byteLength !== bytes) {
    throw new FileError(
      `readIdx: expected ${bytes} bytes for shape ${formatShape(shape)} in ${name}, got ${view.byteLength}. It was cut off or is damaged.`,
    );
  }
  return new NdArray(type.read(new DataView(view.buffer, view.byteOffset + start), sizeOf(shape), name), Object.freeze(shape));
}

/** A loop: TypedArray.from takes 15 times as long. */
function filled<T extends NumericArray>(data: T, element: (i: number) => number): T {
  for (let i = 0; i < data.length; i++) data[i] = element(i);
  return data;
}

/** @throws FileError naming the first that would become infinite */
function doubles(view: DataView, count: number, file: string): Float32Array {
  return filled(new Float32Array(count), (i) => {
    const value = view.getFloat64(8 * i);
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
      throw new FileError(`readIdx: expected numbers that a float32 holds in ${file}, got ${value} at ${i}.`);
    return value;
  });
}
