/**
 * The safetensors format: 8 bytes header length (little-endian), a JSON header, then the data of all tensors without gaps.
 * @see https://github.com/huggingface/safetensors#format
 */
import { type FileHandle, open } from 'node:fs/promises';
import { NdArray } from '../array.js';
import { FileError } from '../errors.js';
import { sizeOf } from '../graph/shape.js';
import type { NumericArray } from '../native.js';
import { type Rule, check, isMap } from '../options.js';
import { type Path, pathOf } from '../paths.js';
import { chunkBytes, writeAtomically } from './atomic.js';
import { type FileRead, type TensorEntry, formatHeader, headerLength, parseHeader, quote, refuse } from './safetensors-header.js';
import { reasonOf } from '../reason.js';
import { bytesOf } from '../typed-arrays.js';

/** Elements that are decoded in one turn of the event loop: up to some 3 ms. */
const atOnce = 2 ** 16;

const namedArrays: Rule = {
  expected: 'a Map of arrays made by array(), by name',
  accepts: (value) => isMap(value) && [...value].every(([name, x]) => typeof name === 'string' && x instanceof NdArray),
};
const texts: Rule = {
  expected: 'an object of texts',
  accepts: (value) => typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string'),
};

/** What {@link readSafetensors} reads of a file. */
export interface Safetensors {
  readonly tensors: Map<string, NdArray>;
  /** The free texts of the header; has no prototype. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes arrays, as they are when it is called, as a safetensors file. float32 becomes F32, int32 I32, uint8 U8. The file appears complete or not at all.
 * @param metadata free texts for the header
 * @throws FileError if it cannot be written, OptionError for names and metadata that are no texts; an old file is then untouched
 */
export async function writeSafetensors(
  path: Path,
  tensors: ReadonlyMap<string, NdArray>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const file = pathOf('writeSafetensors', 'path', path);
  check('writeSafetensors', 'tensors', tensors, namedArrays);
  check('writeSafetensors', 'metadata', metadata, texts);
  const header = formatHeader(file, tensors, metadata);
  await writeParts(file, header, [...tensors.values()].map(({ data }) => data.slice())); // prettier-ignore
}

/** The same of arrays that nobody changes meanwhile. */
export async function writeOwned(
  path: string,
  tensors: ReadonlyMap<string, NdArray>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeParts(path, formatHeader(path, tensors, metadata), [...tensors.values()].map(({ data }) => data)); // prettier-ignore
}

async function writeParts(path: string, header: string, arrays: readonly NumericArray[]): Promise<void> {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeAtomically(path, [length, text, ...arrays.map(bytesOf)]);
}

/**
 * Reads a safetensors file. Nothing in the file is trusted.
 *
 * F32, F16, BF16 and F64 become float32: F64 is rounded, and infinite beyond the range of float32. Whole numbers become int32 (I8, I16, I32,
 * I64, U16, U32, U64), but U8 stays uint8, and so is BOOL.
 * @throws FileError naming the path and what is wrong, such as a whole number that int32 does not hold
 */
export async function readSafetensors(path: Path): Promise<Safetensors> {
  return readAs('readSafetensors', pathOf('readSafetensors', 'path', path));
}

/** The same in another call, `what`, which errors name. */
export async function readAs(what: string, path: string): Promise<Safetensors> {
  const handle = await open(path).catch((cause: unknown) => {
    throw new FileError(`${what}: expected to open ${path}, got ${reasonOf(cause)}.`, { cause });
  });
  try {
    return await readFrom(handle, { what, path });
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    throw new FileError(`${what}: expected to read ${path}, got ${reasonOf(cause)}.`, { cause });
  } finally {
    await handle.close();
  }
}

async function readFrom(handle: FileHandle, file: FileRead): Promise<Safetensors> {
  const { size } = await handle.stat();
  if (size < 8)
    throw new FileError(`${file.what}: expected at least 8 bytes in ${file.path}, got ${size}. It is no safetensors file or was cut off.`);
  const prefix = Buffer.alloc(8);
  await readFully(handle, prefix, 0, file);
  const header = Buffer.alloc(headerLength(file, prefix, size));
  await readFully(handle, header, 8, file);
  const dataStart = 8 + header.length;
  const { entries, metadata } = parseHeader(file, header, size - dataStart);
  const tensors = new Map<string, NdArray>();
  for (const entry of entries) tensors.set(entry.name, new NdArray(await elementsOf(handle, entry, dataStart, file), entry.shape));
  return { tensors, metadata };
}

/** Read and decoded in pieces, between which the event loop has its turn. */
async function elementsOf(
  handle: FileHandle,
  { name, type, shape, begin }: TensorEntry,
  dataStart: number,
  file: FileRead,
): Promise<NumericArray> {
  const data = new type.Kind(sizeOf(shape));
  for (let at = 0; at < data.length; at += atOnce) {
    const bytes = new ArrayBuffer(Math.min(atOnce, data.length - at) * type.bytes);
    await readFully(handle, new Uint8Array(bytes), dataStart + begin + at * type.bytes, file);
    data.set(
      type.decode(bytes, (expected, value, i) => refuse(file, `${expected} for ${quote(name)}`, `${value} at ${at + i}`)),
      at,
    );
  }
  return data;
}

async function readFully(handle: FileHandle, into: Uint8Array, position: number, { what, path }: FileRead): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, Math.min(into.length - done, chunkBytes), position + done);
    if (bytesRead === 0)
      throw new FileError(
        `${what}: expected ${into.length} bytes at ${position} of ${path}, got ${done}. It was cut off while it was read.`,
      );
    done += bytesRead;
  }
}
