/**
 * The only module that touches the addon: its interface by hand, and the loader.
 * Everything here is checked again on the native side, so a wrong call is an error and never a crash.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { NativeError } from './errors.js';
import { reasonOf } from './reason.js';

/** Native memory: zeroed, 64-byte aligned, freed when unreachable. Opaque. */
export interface MemoryHandle {
  readonly __memory: never;
}

/** A decoded instruction stream with its arena. Opaque. */
export interface ProgramHandle {
  readonly __program: never;
}

/** The typed arrays that hold data: float32, int32 and uint8. */
export type NumericArray = Float32Array | Int32Array | Uint8Array;

/** What the kernels found of this machine. */
export interface CpuInfo {
  /** Row of the kernel table in use: 'avx512', 'avx2', 'neon' or 'baseline'. */
  readonly isa: string;
  /** Every row this machine can run, best first. */
  readonly available: readonly string[];
  /** Processors this process may use: the smaller of its affinity mask and its cgroup quota, rounded up. */
  readonly threads: number;
  /** Floats per vector of the row in use. */
  readonly lanes: number;
}

/** The last run's first bad instruction in a debug run. */
export interface DebugResult {
  /** Index of the first instruction that wrote a NaN, or an infinity that native/runtime/infinities.h does not let pass; or −1. */
  readonly instruction: number;
  /** Step, from 0, in which it happened. */
  readonly step: number;
}

export interface Native {
  cpuInfo(): CpuInfo;
  getThreads(): number;
  setThreads(count: number): void;
  /** Multiply-adds in registers alone, `rounds` of them in each of many chains on every thread. Returns the floating-point operations done. */
  fmaChains(rounds: number): number;

  createMemory(bytes: number): MemoryHandle;
  /** The memory of a view on a SharedArrayBuffer, used in place. */
  shareMemory(view: NumericArray): MemoryHandle;
  /** Copies `source` into the memory; waits for the step that is changing it, if one is. */
  writeMemory(memory: MemoryHandle, byteOffset: number, source: NumericArray): void;
  readMemory(memory: MemoryHandle, byteOffset: number, target: NumericArray): void;

  /** Decodes and checks; throws with the index of the instruction and the word that is wrong. */
  createProgram(stream: Float64Array): ProgramHandle;
  /**
   * Runs `steps` steps on a thread of its own and then calls `done` with an error or the number of steps finished (fewer if cancelled).
   * `memories[i]` is memory i + 1 of the stream. `control` is an Int32Array of two words on a SharedArrayBuffer:
   * [0] set to 1 asks to stop, [1] counts finished steps. A program runs once at a time: a second start is an error.
   * The error has `instruction`, `step` and, for a bad index, `position` and `value`.
   */
  run(
    program: ProgramHandle,
    memories: readonly MemoryHandle[],
    steps: number,
    firstStep: number,
    control: Int32Array,
    done: (error: Error | undefined, finished: number) => void,
  ): void;
  /** The same on the calling thread. */
  runSync(program: ProgramHandle, memories: readonly MemoryHandle[], steps: number, firstStep: number): number;
  /** One instruction at a time on the calling thread, looking for NaN and infinity in every float an instruction writes. Stops before it commits such a step. */
  runDebug(program: ProgramHandle, memories: readonly MemoryHandle[], steps: number, firstStep: number): DebugResult;

  /** C = A·B (+ C), sizes and strides in elements. */
  gemm(
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    aOffset: number,
    aRow: number,
    aCol: number,
    b: Float32Array,
    bOffset: number,
    bRow: number,
    bCol: number,
    c: Float32Array,
    cOffset: number,
    cRow: number,
    bias: Float32Array | undefined,
    activation: number,
    accumulate: boolean,
  ): void;
  softmax(kind: number, rows: number, columns: number, input: Float32Array, output: Float32Array): void;
  reduce(kind: number, outer: number, count: number, inner: number, input: Float32Array, output: Float32Array): void;
  crossEntropy(rows: number, columns: number, logits: Float32Array, ids: Int32Array, ignoreIndex: number, loss: Float32Array): void;
  crossEntropyBackward(
    rows: number,
    columns: number,
    logits: Float32Array,
    ids: Int32Array,
    ignoreIndex: number,
    dloss: Float32Array,
    dlogits: Float32Array,
  ): void;
  gatherRows(count: number, tableRows: number, rowBytes: number, table: NumericArray, ids: Int32Array, output: NumericArray): void;
  /** One elementwise operation: kind is a MapOp; b and c may be undefined where the operation does not read them. */
  map(op: number, a: Float32Array, b: Float32Array | undefined, c: Float32Array | undefined, output: Float32Array): void;
  /** Fills with Philox4x32-10: uniform floats in [0, 1) or 32 random bits each. */
  random(seedLow: number, seedHigh: number, stream: number, step: number, firstBlock: number, output: Float32Array | Int32Array): void;
  /** Shapes hold the fields of ConvShape and PoolShape in native/kernels/args.h, in that order. */
  conv2d(shape: Int32Array, x: Float32Array, w: Float32Array, bias: Float32Array | undefined, activation: number, y: Float32Array): void;
  conv2dBackwardData(shape: Int32Array, dy: Float32Array, w: Float32Array, dx: Float32Array): void;
  conv2dBackwardWeights(shape: Int32Array, x: Float32Array, dy: Float32Array, dw: Float32Array): void;
  im2col(shape: Int32Array, x: Float32Array, columns: Float32Array): void;
  col2im(shape: Int32Array, columns: Float32Array, dx: Float32Array): void;
  maxPool2d(shape: Int32Array, x: Float32Array, y: Float32Array, index: Int32Array | undefined): void;
  maxPool2dBackward(shape: Int32Array, dy: Float32Array, index: Int32Array, dx: Float32Array): void;
  avgPool2d(shape: Int32Array, countPadding: boolean, x: Float32Array, y: Float32Array): void;
  avgPool2dBackward(shape: Int32Array, countPadding: boolean, dy: Float32Array, dx: Float32Array): void;
  /** shape: cell (its place in `cells`), steps, rows, hidden units, reverse. What a cell lacks is undefined. */
  recurrentForward(
    shape: Int32Array,
    g: Float32Array,
    u: Float32Array,
    bias: Float32Array | undefined,
    h0: Float32Array,
    c0: Float32Array | undefined,
    lengths: Int32Array | undefined,
    states: Float32Array,
    cells: Float32Array | undefined,
    gates: Float32Array | undefined,
    q: Float32Array | undefined,
  ): void;
  recurrentBackward(
    shape: Int32Array,
    u: Float32Array,
    states: Float32Array,
    cells: Float32Array | undefined,
    gates: Float32Array | undefined,
    q: Float32Array | undefined,
    dy: Float32Array | undefined,
    dh: Float32Array | undefined,
    dc: Float32Array | undefined,
    lengths: Int32Array | undefined,
    dgates: Float32Array,
    dq: Float32Array | undefined,
    dh0: Float32Array,
    dc0: Float32Array | undefined,
  ): void;
}

interface Loaded {
  readonly native: Native;
  readonly file: string;
}
let loaded: Loaded | undefined;

/** The addon, loaded on first use. @throws NativeError if it cannot be, or if LANEWISE_ISA names what this machine lacks */
export function native(): Native {
  loaded ??= load();
  return loaded.native;
}

/** The file that native() loads. @throws NativeError as native() does */
export function binaryPath(): string {
  loaded ??= load();
  return loaded.file;
}

/** The root of the package: this file lies in lib/ or, bundled, in dist/. */
const root = (): string => fileURLToPath(new URL('..', import.meta.url));

/** What the package says of itself. @throws in a program this file was bundled into, which may have no such file, or its own */
function manifest(): { readonly name?: string | undefined; readonly version: string } {
  return createRequire(import.meta.url)('../package.json') as { name?: string | undefined; version: string };
}

/** The version of the package. */
export function packageVersion(): string {
  return manifest().version;
}

function load(): Loaded {
  let addon: Native;
  let file: string;
  try {
    const require = createRequire(import.meta.url);
    file = (require('node-gyp-build') as { resolve(directory: string): string }).resolve(root());
    addon = require(file) as Native;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message.replaceAll(/\s+/g, ' ').replace(/\.? *$/, '') : String(cause);
    throw new NativeError(
      `lanewise: expected a native binary for ${process.platform}-${process.arch} that loads, got: ${problem}. ${advice(cause)}`,
      { cause },
    );
  }
  try {
    addon.cpuInfo();
  } catch (cause) {
    throw new NativeError(reasonOf(cause), { cause });
  }
  return { native: addon, file };
}

/** What mends it: nothing that is built where Node may load no addons, or where this file is not in its package. */
function advice(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_DLOPEN_DISABLED')
    return 'Start Node without --no-addons or, with --permission, add --allow-addons.';
  if (!isPackage()) return 'It was bundled into another file: keep the package external (esbuild --external:lanewise, webpack externals).';
  return 'Build it with: npm explore lanewise -- npm run build:native';
}

function isPackage(): boolean {
  try {
    return manifest().name === 'lanewise';
  } catch {
    return false;
  }
}
