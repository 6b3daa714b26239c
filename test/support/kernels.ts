/** Every instruction in plain JavaScript: the oracle of the compiler and of the native kernels. Arithmetic is float64, rounded by `round` after each operation. */
import type { ArgReduce, Copy, CrossEntropy, CrossEntropyBackward, Fill, GatherRows, Gemm, Instruction, Map as MapInstruction, MapOp, MergeRows, Random, Reduce, ScatterAddRows, Softmax, SoftmaxBackward, WriteRows } from '../../lib/compile/instructions/index.js'; // prettier-ignore
import { type DType, type Tensor, bytesPerElement } from '../../lib/graph/tensor.js';
import { convBackwardData, convBackwardWeights, convForward } from './conv-kernels.js';
import { winogradBackwardWeights, winogradConv, winogradGradient, winogradWeights } from './winograd-kernels.js';
import { columnMoments, columnProducts } from './column-kernels.js';
import { ctc, ctcBackward } from './ctc-kernels.js';
import { recurrentBackward, recurrentForward, recurrentPanels } from './recurrent-kernels.js';
import { avgPool, avgPoolBackward, maxPool, maxPoolBackward } from './pool-kernels.js';
import { philox } from './philox.js';

/** Where a tensor lies: element i is data[at + i · unit]. In a memory `data` has one entry a byte, so that offsets are those of the stream. */
export interface Cells {
  readonly data: Float64Array;
  readonly at: number;
  readonly unit: number;
  readonly dtype: DType;
}

/** An instruction with cells in the place of tensors. */
export type Bound<T> = T extends Tensor
  ? Cells
  : T extends readonly (infer U)[]
    ? readonly Bound<U>[]
    : T extends object
      ? { readonly [K in keyof T]: Bound<T[K]> }
      : T;

export interface Context {
  /** Math.fround, or the identity for float64. */
  readonly round: (x: number) => number;
  readonly step: number;
}

export class BadIndex extends Error {
  constructor(
    readonly position: number,
    readonly value: number,
  ) {
    super(`bad index ${value} at ${position}`);
  }
}

export function get({ data, at, unit }: Cells, i: number): number {
  const index = at + i * unit;
  if (!(index >= 0 && index + unit <= data.length)) throw new RangeError(`read at ${index} of ${data.length}`);
  return data[index]!;
}

export function set({ data, at, unit }: Cells, i: number, value: number): void {
  const index = at + i * unit;
  if (!(index >= 0 && index + unit <= data.length)) throw new RangeError(`write at ${index} of ${data.length}`);
  data[index] = value;
}

/** Calls `visit` with the offset under each stride list for every point of the index space. */
export function walk(
  dims: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (point: number, offsets: readonly number[]) => void,
): void {
  const total = dims.reduce((n, d) => n * d, 1);
  for (let point = 0; point < total; point++) {
    let rest = point;
    const offsets = strides.map(() => 0);
    for (let d = dims.length - 1; d >= 0; d--) {
      const i = rest % dims[d]!;
      rest = Math.floor(rest / dims[d]!);
      strides.forEach((s, j) => (offsets[j] = offsets[j]! + i * s[d]!));
    }
    visit(point, offsets);
  }
}

export function execute(x: Bound<Instruction>, context: Context): void {
  switch (x.kind) {
    case 'gemm':
      return gemm(x, context);
    case 'map':
      return map(x, context);
    case 'reduce':
      return reduce(x, context);
    case 'argReduce':
      return argReduce(x);
    case 'softmax':
      return softmax(x, context);
    case 'softmaxBackward':
      return softmaxBackward(x, context);
    case 'crossEntropy':
      return crossEntropy(x, context);
    case 'crossEntropyBackward':
      return crossEntropyBackward(x, context);
    case 'gatherRows':
      return gatherRows(x);
    case 'scatterAddRows':
      return scatterAddRows(x, context);
    case 'mergeRows':
      return mergeRows(x, context);
    case 'writeRows':
      return writeRows(x);
    case 'ctc':
      return ctc(x, context);
    case 'ctcBackward':
      return ctcBackward(x, context);
    case 'copy':
      return copy(x);
    case 'fill':
      return fill(x, context);
    case 'random':
      return random(x, context);
    case 'convForward':
      return convForward(x, context);
    case 'convBackwardData':
      return convBackwardData(x, context);
    case 'convBackwardWeights':
      return convBackwardWeights(x, context);
    case 'maxPool':
      return maxPool(x);
    case 'maxPoolBackward':
      return maxPoolBackward(x, context);
    case 'avgPool':
      return avgPool(x, context);
    case 'avgPoolBackward':
      return avgPoolBackward(x, context);
    case 'columnMoments':
      return columnMoments(x, context);
    case 'columnProducts':
      return columnProducts(x, context);
    case 'winogradWeights':
      return winogradWeights(x, context);
    case 'winogradConv':
      return winogradConv(x, context);
    case 'winogradBackwardWeights':
      return winogradBackwardWeights(x, context);
    case 'winogradGradient':
      return winogradGradient(x, context);
    case 'recurrentForward':
      return recurrentForward(x, context);
    case 'recurrentBackward':
      return recurrentBackward(x, context);
    case 'recurrentPanels':
      return recurrentPanels(x);
    case 'affineSample':
      throw new Error(`${x.kind}: this interpreter has no reference for it; its kernel is tested on its own.`);
    default:
      return x satisfies never;
  }
}

function gemm(x: Bound<Gemm>, context: Context): void {
  const { round } = context;
  for (let item = 0; item < x.outer * x.inner; item++) {
    const [outer, inner] = [Math.floor(item / x.inner), item % x.inner];
    const [a0, b0] = [x.aOffset + outer * x.aOuter + inner * x.aBatch, x.bOffset + outer * x.bOuter + inner * x.bBatch];
    for (let i = 0; i < x.m; i++) {
      for (let j = 0; j < x.n; j++) {
        const at = x.outOffset + outer * x.cOuter + inner * x.cBatch + i * x.cRow + j;
        let sum = 0;
        for (let p = 0; p < x.k; p++) {
          const a = get(x.a, a0 + i * x.aRow + p * x.aCol);
          const b = get(x.b, b0 + p * x.bRow + j * x.bCol);
          sum = round(sum + a * b);
        }
        if (x.bias !== undefined) sum = round(sum + get(x.bias, j));
        set(x.out, at, x.activation === 'none' ? sum : round(elementwise(x.activation, [sum], context)));
      }
    }
  }
}

/** Reads and writes element by element, so an output may lie on an input of the same layout and on no other. */
function map(x: Bound<MapInstruction>, context: Context): void {
  // Element by element: what an output takes the place of must not be read by a later one.
  walk(
    x.dims,
    x.inputs.map((input) => input.strides),
    (point, offsets) => {
      const registers = [...x.inputs.map((input, i) => context.round(get(input.tensor, input.offset + offsets[i]!))), ...x.constants.map(context.round)]; // prettier-ignore
      for (const { op, a, b, c } of x.steps) {
        registers.push(context.round(elementwise(op, [registers[a]!, registers[b]!, registers[c]!], context)));
      }
      for (const { tensor, register } of x.outputs) set(tensor, point, convert(registers[register]!, tensor.dtype));
    },
  );
}

/** What a float32 is when it is stored as another type. */
export function convert(value: number, dtype: DType): number {
  if (dtype === 'float32') return value;
  const whole = value >= -(2 ** 31) && value < 2 ** 31 ? Math.trunc(value) + 0 : -(2 ** 31);
  return dtype === 'int32' ? whole : whole & 0xff;
}

export function elementwise(op: MapOp, [a, b, c]: readonly number[], { round }: Context): number {
  const x = a!;
  const y = b!;
  const z = c!;
  switch (op) {
    case 'add':
      return x + y;
    case 'sub':
      return x - y;
    case 'mul':
      return x * y;
    case 'div':
      return x / y;
    case 'maximum':
      return Math.max(x, y);
    case 'minimum':
      return Math.min(x, y);
    case 'fma':
      return x * y + z;
    case 'mulAdd':
      return round(x * y) + z;
    case 'mulSub':
      return round(x * y) - z;
    case 'subMul':
      return z - round(x * y);
    case 'neg':
      return -x;
    case 'abs':
      return Math.abs(x);
    case 'sign':
      return Math.sign(x);
    case 'sqrt':
      return Math.sqrt(x);
    case 'square':
      return x * x;
    case 'reciprocal':
      return 1 / x;
    case 'floor':
      return Math.floor(x);
    case 'round':
      return roundHalfEven(x);
    case 'exp':
      return Math.exp(x);
    case 'expm1':
      return Math.expm1(x);
    case 'log':
      return Math.log(x);
    case 'log1p':
      return Math.log1p(x);
    case 'tanh':
      return Math.tanh(x);
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'erf':
      return erf(x);
    case 'sin':
      return Math.sin(x);
    case 'cos':
      return Math.cos(x);
    case 'less':
      return Number(x < y);
    case 'lessEqual':
      return Number(x <= y);
    case 'equal':
      return Number(x === y);
    case 'notEqual':
      return Number(x !== y);
    case 'select':
      return x !== 0 ? y : z;
    case 'relu':
      return x < 0 ? 0 : x;
    case 'isFinite':
      return Number(Number.isFinite(round(x)));
    case 'pow':
      return Math.pow(x, y);
    default:
      return op satisfies never;
  }
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const half = x - below;
  if (half !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** Series below 3, continued fraction above: full float64 accuracy (Abramowitz and Stegun 7.1.5, 7.1.14). */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * sum; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

function reduce(x: Bound<Reduce>, { round }: Context): void {
  for (let o = 0; o < x.outer; o++) {
    for (let i = 0; i < x.inner; i++) {
      const column = Array.from({ length: x.count }, (_, r) => get(x.in, (o * x.count + r) * x.inner + i));
      set(x.out, o * x.inner + i, reduction(x.reduction, column, round));
    }
  }
}

function reduction(kind: Reduce['reduction'], values: readonly number[], round: Context['round']): number {
  switch (kind) {
    case 'sum':
      return values.reduce((sum, v) => round(sum + v), 0);
    case 'mean':
      return round(values.reduce((sum, v) => round(sum + v), 0) / values.length);
    case 'sumSquares':
      return values.reduce((sum, v) => round(sum + v * v), 0);
    case 'max':
      return values.reduce((best, v) => Math.max(best, v), -Infinity);
    case 'min':
      return values.reduce((best, v) => Math.min(best, v), Infinity);
    default:
      return kind satisfies never;
  }
}

function argReduce(x: Bound<ArgReduce>): void {
  const better = (v: number, best: number): boolean => !Number.isNaN(best) && (Number.isNaN(v) || (x.minimum ? v < best : v > best));
  for (let r = 0; r < x.rows; r++) {
    let index = 0;
    for (let c = 1; c < x.columns; c++) if (better(get(x.in, r * x.columns + c), get(x.in, r * x.columns + index))) index = c;
    set(x.out, r, index);
  }
}

function row(x: Cells, r: number, columns: number): readonly number[] {
  return Array.from({ length: columns }, (_, c) => get(x, r * columns + c));
}

function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, v) => sum + Math.exp(v - largest), 0));
}

function softmax(x: Bound<Softmax>, { round }: Context): void {
  for (let r = 0; r < x.rows; r++) {
    const values = row(x.in, r, x.columns);
    const total = logSumExp(values);
    if (x.softmax === 'logSumExp') set(x.out, r, round(total));
    else values.forEach((v, c) => set(x.out, r * x.columns + c, round(x.softmax === 'softmax' ? Math.exp(v - total) : v - total)));
  }
}

function softmaxBackward(x: Bound<SoftmaxBackward>, { round }: Context): void {
  for (let r = 0; r < x.rows; r++) {
    const [y, dy] = [row(x.y, r, x.columns), row(x.dy, r, x.columns)];
    const total = dy.reduce((sum, d, c) => sum + d * (x.softmax === 'softmax' ? y[c]! : 1), 0);
    y.forEach((v, c) =>
      set(x.out, r * x.columns + c, round(x.softmax === 'softmax' ? v * (dy[c]! - total) : dy[c]! - Math.exp(v) * total)),
    );
  }
}

function crossEntropy(x: Bound<CrossEntropy>, { round }: Context): void {
  for (let r = 0; r < x.rows; r++) {
    const id = get(x.ids, r);
    if (id !== x.ignoreIndex && !(id >= 0 && id < x.columns)) throw new BadIndex(r, id);
    const values = row(x.logits, r, x.columns);
    set(x.out, r, id === x.ignoreIndex ? 0 : round(logSumExp(values) - values[id]!));
  }
}

function crossEntropyBackward(x: Bound<CrossEntropyBackward>, { round }: Context): void {
  for (let r = 0; r < x.rows; r++) {
    const id = get(x.ids, r);
    if (id !== x.ignoreIndex && !(id >= 0 && id < x.columns)) throw new BadIndex(r, id);
    const values = row(x.logits, r, x.columns);
    const total = logSumExp(values);
    values.forEach((v, c) =>
      set(x.out, r * x.columns + c, id === x.ignoreIndex ? 0 : round(get(x.dloss, r) * (Math.exp(v - total) - Number(c === id)))),
    );
  }
}

function gatherRows(x: Bound<GatherRows>): void {
  const width = x.rowBytes / bytesPerElement[x.table.dtype];
  for (let i = 0; i < x.count; i++) {
    const id = get(x.ids, i);
    if (!(id >= 0 && id < x.tableRows)) throw new BadIndex(i, id);
    for (let c = 0; c < width; c++) set(x.out, i * width + c, get(x.table, id * width + c));
  }
}

function scatterAddRows(x: Bound<ScatterAddRows>, { round }: Context): void {
  for (let i = 0; i < x.tableRows * x.columns; i++) set(x.out, i, 0);
  for (let i = 0; i < x.count; i++) {
    const id = get(x.ids, i);
    if (!(id >= 0 && id < x.tableRows)) throw new BadIndex(i, id);
    for (let c = 0; c < x.columns; c++)
      set(x.out, id * x.columns + c, round(get(x.out, id * x.columns + c) + get(x.dy, i * x.columns + c)));
  }
}

function mergeRows(x: Bound<MergeRows>, { round }: Context): void {
  const firstOf = new Map<number, number>();
  for (let i = 0; i < x.count; i++) {
    const id = get(x.ids, i);
    if (!(id >= 0 && id < x.tableRows)) throw new BadIndex(i, id);
    const first = firstOf.get(id) ?? i;
    firstOf.set(id, first);
    set(x.outOwners, i, first === i ? id : -1);
    for (let c = 0; c < x.columns; c++) {
      set(x.out, i * x.columns + c, 0);
      const at = first * x.columns + c;
      set(x.out, at, round(get(x.out, at) + get(x.dy, i * x.columns + c)));
    }
  }
}

function writeRows(x: Bound<WriteRows>): void {
  for (let i = 0; i < x.count; i++) {
    const id = get(x.ids, i);
    if (!(id >= 0 && id < x.tableRows)) continue;
    for (let c = 0; c < x.columns; c++) set(x.out, id * x.columns + c, get(x.in, i * x.columns + c));
  }
}

function copy(x: Bound<Copy>): void {
  walk(x.dims, [x.inStrides, x.outStrides], (_, [from, to]) => set(x.out, x.outOffset + to!, get(x.in, x.inOffset + from!)));
}

function fill(x: Bound<Fill>, { round }: Context): void {
  for (let i = 0; i < x.count; i++) set(x.out, x.outOffset + i, round(x.value));
}

function random(x: Bound<Random>, { step }: Context): void {
  for (let i = 0; i < x.count; i++) {
    const words = philox([x.seedLow, x.seedHigh], [Math.floor(i / 4), x.stream, step % 2 ** 32, Math.floor(step / 2 ** 32)]);
    set(x.out, i, (words[i % 4]! >>> 8) * 2 ** -24);
  }
}
