/**
 * WAV files: RIFF chunks, of which "fmt " says how the samples in "data" are written. Own code, because the packages there are
 * (wavefile 11.0, node-wav 0.0, wav-decoder 1.3) take a file cut off for a whole one, or fill it up with silence.
 */
import { readFile } from 'node:fs/promises';
import { NdArray } from '../../array.js';
import { FileError } from '../../errors.js';
import { type Rules, boolean, checkOptions, count } from '../../options.js';
import { type Pieces, inTurns } from '../../pieces.js';
import { type FileOrBytes, fileOf, viewOf } from '../file.js';
import { reasonOf } from '../../reason.js';
import { fromALaw, fromMuLaw } from './g711.js';
import { areFarApart, resampled } from './resample.js';

/** Options of {@link readWav}. */
export interface WavOptions {
  /** One signal, the mean of the channels, instead of one a channel. Default: true. */
  readonly mono?: boolean | undefined;
  /** Samples a second of the result, by {@link resample} where the file has others. Default: the file's. */
  readonly sampleRate?: number | undefined;
}

export const wavRules: Rules<WavOptions> = { mono: boolean, sampleRate: count };

/** A sound, as {@link readWav} reads it. */
export interface Wav {
  /** [S], or with mono: false [S, C]; integers are scaled to [−1, 1). */
  readonly samples: NdArray<Float32Array>;
  /** Samples a second. */
  readonly sampleRate: number;
}

interface Format {
  readonly encoding: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

/** In bytes. */
interface Sizes {
  /** Of all that follows the first 8 bytes. */
  readonly file: number;
  /** Of the samples, if something else than the header of their chunk says it. */
  readonly data: number | undefined;
}

/** Samples between two turns of the event loop: about a millisecond. */
const atOnce = 2 ** 15;

type ReadSample = (view: DataView, at: number) => number;

const pcm = 1;
const float = 3;
const aLaw = 6;
const muLaw = 7;
const extensible = 0xfffe;
/** Bytes 2 … 15 of the GUIDs of WAVE_FORMAT_EXTENSIBLE; the first two are the encoding. */
const guidTail = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/**
 * From here on the size of a chunk was not known, or does not fit, when its header was written: the largest number, for ffmpeg, or one that leaves
 * room for a header, as 100 bytes less do for MAX_WAV of the npm package wav.
 */
const noSize = 0xffffff00;
/** What sox writes there, as whole frames: MS_UNSPEC of its wav.c. */
const noSizeOfSox = 0x7ffff000;
/** What arecord writes there: the largest file that alsa-utils' aplay.c makes. */
const noSizeOfArecord = 0x80000000;

/** Chunks that may be cut off behind the samples, and tags as MP3 files have. */
const knownName = /^(LIST|JUNK|junk|PAD |FLLR|fact|cue |plst|smpl|inst|acid|bext|cart|iXML|axml|_PMX|PEAK|DISP|id3 |ID3|TAG)/;

/** By encoding and bits. Integers of 8 bits are unsigned, all others signed. */
const readers: ReadonlyMap<string, ReadSample> = new Map<string, ReadSample>([
  [`${pcm}/8`, (view, at) => (view.getUint8(at) - 0x80) / 2 ** 7],
  [`${pcm}/16`, (view, at) => view.getInt16(at, true) / 2 ** 15],
  [`${pcm}/24`, (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23],
  [`${pcm}/32`, (view, at) => view.getInt32(at, true) / 2 ** 31],
  [`${float}/32`, (view, at) => view.getFloat32(at, true)],
  [`${float}/64`, (view, at) => view.getFloat64(at, true)],
  [`${aLaw}/8`, (view, at) => fromALaw(view.getUint8(at))],
  [`${muLaw}/8`, (view, at) => fromMuLaw(view.getUint8(at))],
]);

/**
 * Reads a WAV file, from a path (up to 2 GiB, as Node reads files) or its bytes: integers of 8, 16, 24 or 32 bits, floats of 32 or 64 bits, A-law or
 * µ-law, any number of channels. RF64 and BW64, its forms for more than 4 GB, are read too. A stream whose header says no sizes, as ffmpeg, sox,
 * arecord and the npm package wav write into a pipe, is read to its end.
 *
 * Samples are decoded and resampled piece by piece, with a turn of the event loop after every 4 ms or so of work. Bytes that are given have to stay as
 * they are until then.
 * @throws OptionError for wrong options; FileError if it cannot be read, is no WAV file, is cut off or unfinished, or holds samples
 *   of another kind
 * @see IBM and Microsoft, Multimedia Programming Interface and Data Specifications 1.0, 1991; ITU-R BS.2088 for RF64 and BW64
 */
export async function readWav(file: FileOrBytes, options: WavOptions = {}): Promise<Wav> {
  const { content, name } = fileOf('readWav', file);
  checkOptions('readWav', options, wavRules);
  try {
    return await inTurns(wavOf(typeof content === 'string' ? await readFile(content) : content, options));
  } catch (cause) {
    throw new FileError(`readWav: expected to read ${name}, got ${reasonOf(cause)}.`, { cause });
  }
}

/** The sound that bytes hold. Yields between pieces of the work. @throws Error that says what came instead */
export function* wavOf(bytes: Uint8Array, options: WavOptions): Pieces<Wav> {
  const { samples, sampleRate } = yield* parseWav(viewOf(bytes), options.mono ?? true);
  const wanted = options.sampleRate ?? sampleRate;
  if (areFarApart(sampleRate, wanted)) throw new Error(`${sampleRate} samples a second, too far from the ${wanted} asked for`);
  return { samples: sampleRate === wanted ? samples : yield* resampled(samples, sampleRate, wanted), sampleRate: wanted };
}

/** @throws Error that says what came instead */
export function* parseWav(view: DataView, mono: boolean): Pieces<Wav> {
  if (view.byteLength < 12 || !['RIFF', 'RF64', 'BW64'].includes(textAt(view, 0)) || textAt(view, 8) !== 'WAVE')
    throw new Error('a file that is no WAV file');
  let sizes: Sizes = { file: view.getUint32(4, true), data: undefined };
  let format: Format | undefined;
  for (let at = 12; at + 8 <= view.byteLength;) {
    const id = textAt(view, at);
    const begin = at + 8;
    const announced = view.getUint32(at + 4, true);
    const size = id === 'data' ? dataSize(announced, view.byteLength - begin, sizes, format) : announced;
    if (begin + size > view.byteLength) {
      throw new Error(`a file cut off: ${size} bytes are announced for the chunk "${id}", ${view.byteLength - begin} are there`);
    }
    // A recorder fills in the sizes when it ends, and perhaps now and then before; until then bytes follow that none of them announce.
    const isEmpty = size === 0 && begin < view.byteLength && 8 + sizes.file !== view.byteLength;
    if (id === 'data' && (isEmpty || (yield* goesOn(view, begin + size, sizes)))) {
      throw new Error(
        `a file whose header was never finished: ${size || 'no'} bytes are announced for the samples, ${view.byteLength - begin} are there`,
      );
    }
    const chunk = new DataView(view.buffer, view.byteOffset + begin, size);
    if (id === 'ds64') sizes = parseSizes(chunk);
    if (id === 'fmt ') format = parseFormat(chunk);
    if (id === 'data') {
      if (format === undefined) throw new Error('samples before their format');
      return { samples: yield* decode(chunk, format, mono), sampleRate: format.sampleRate };
    }
    // Chunks begin at even places.
    at = begin + size + (size % 2);
  }
  throw new Error('a WAV file without samples: it is cut off or damaged');
}

/** Bytes of the samples, of which `rest` are there at most: those announced, unless that is what programs write that do not know them. */
function dataSize(announced: number, rest: number, { data }: Sizes, format: Format | undefined): number {
  if (announced >= noSize) return data ?? rest;
  const frameBytes = format === undefined ? 1 : (format.channels * format.bits) / 8;
  const isUnknown = announced === noSizeOfArecord || announced === noSizeOfSox - (noSizeOfSox % frameBytes);
  return isUnknown ? Math.min(announced, rest) : announced;
}

/**
 * Whether samples go on behind those announced: what is there, behind the rest of a cluster, in flash memory of 0xff, and perhaps one byte that makes
 * their number even, is not less than a chunk, a chunk or a tag.
 */
function* goesOn(view: DataView, end: number, sizes: Sizes): Pieces<boolean> {
  let at = end;
  while (at < view.byteLength && [0, 0xff].includes(view.getUint8(at))) if (++at % atOnce === 0) yield;
  return at + 8 <= view.byteLength && !isChunk(view, at, sizes) && !isChunk(view, at + 1, sizes);
}

/**
 * Whether a chunk or a tag begins there: four bytes of sound may be letters, but seldom the size that fits as well, into the file or, of a chunk that
 * is cut off, to the size of the whole.
 */
function isChunk(view: DataView, at: number, { file }: Sizes): boolean {
  const name = textAt(view, at);
  if (knownName.test(name)) return true;
  if (!/^[ -~]{4}$/.test(name) || at + 8 > view.byteLength) return false;
  const size = view.getUint32(at + 4, true);
  const end = at + 8 + size;
  return end <= view.byteLength || end + (size % 2) === 8 + file;
}

/** The sizes of RF64, which take the place of those of 32 bits. */
function parseSizes(chunk: DataView): Sizes {
  if (chunk.byteLength < 16) throw new Error(`a chunk "ds64" of ${chunk.byteLength} bytes where 16 are needed`);
  return { file: Number(chunk.getBigUint64(0, true)), data: Number(chunk.getBigUint64(8, true)) };
}

function parseFormat(chunk: DataView): Format {
  if (chunk.byteLength < 16) throw new Error(`a format of ${chunk.byteLength} bytes where 16 are needed`);
  const tag = chunk.getUint16(0, true);
  const channels = chunk.getUint16(2, true);
  const sampleRate = chunk.getUint32(4, true);
  const frameBytes = chunk.getUint16(12, true);
  const bits = chunk.getUint16(14, true);
  const encoding = tag === extensible ? extendedEncoding(chunk) : tag;
  if (!readers.has(`${encoding}/${bits}`)) {
    throw new Error(
      `samples of encoding ${encoding} with ${bits} bits where integers of 8, 16, 24 or 32 bits, floats of 32 or 64 bits, A-law and µ-law can be read`,
    );
  }
  if (channels === 0 || sampleRate === 0) throw new Error(`${channels} channels at ${sampleRate} samples a second`);
  if (frameBytes !== (channels * bits) / 8)
    throw new Error(`${frameBytes} bytes for ${channels} samples of ${bits} bits: the file is damaged`);
  return { encoding, channels, sampleRate, bits };
}

function extendedEncoding(chunk: DataView): number {
  if (chunk.byteLength < 40) throw new Error(`an extended format of ${chunk.byteLength} bytes where 40 are needed`);
  if (guidTail.some((byte, i) => chunk.getUint8(26 + i) !== byte)) throw new Error('samples of an unknown extended format');
  return chunk.getUint16(24, true);
}

function* decode(data: DataView, { encoding, channels, bits }: Format, mono: boolean): Pieces<NdArray<Float32Array>> {
  const bytes = bits / 8;
  const count = data.byteLength / bytes;
  const frames = count / channels;
  if (!Number.isInteger(frames)) throw new Error(`${data.byteLength} bytes of samples, which is no whole number of frames: it was cut off`);
  const read = readers.get(`${encoding}/${bits}`)!;
  const samples = new Float32Array(mono ? frames : count);
  for (let begin = 0; begin < count; begin += atOnce) {
    for (let i = begin; i < Math.min(count, begin + atOnce); i++) {
      const sample = read(data, i * bytes);
      if (!Number.isFinite(Math.fround(sample))) throw new Error(`the sample ${sample} at ${i}`);
      if (mono) samples[Math.floor(i / channels)]! += sample / channels;
      else samples[i] = sample;
    }
    yield;
  }
  return new NdArray(samples, mono ? [frames] : [frames, channels]);
}

function textAt(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}
