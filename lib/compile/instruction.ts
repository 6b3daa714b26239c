/**
 * Instructions before encoding: the records of docs/instruction-stream.md with tensors for operands.
 * Writes are named `out…`; everything else that is a tensor is read.
 */
import { type Shape, rowMajorStrides } from '../graph/shape.js';
import type { DType, Tensor } from '../graph/tensor.js';

export const activations = ['none', 'relu', 'sigmoid', 'tanh'] as const;
/**
 * Applied to a product or convolution where it is stored.
 * @useDeclaredType
 */
export type Activation = (typeof activations)[number];

/** In the order of `MapOp` in native/kernels/args.h. */
export const mapOps = [
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'fma',
  'neg',
  'abs',
  'sign',
  'sqrt',
  'square',
  'reciprocal',
  'floor',
  'round',
  'exp',
  'expm1',
  'log',
  'log1p',
  'tanh',
  'sigmoid',
  'erf',
  'sin',
  'cos',
  'less',
  'lessEqual',
  'equal',
  'notEqual',
  'select',
  'relu',
  'isFinite',
  'pow',
  'mulAdd',
  'mulSub',
  'subMul',
] as const;
/**
 * An operation of single elements.
 * @useDeclaredType
 */
export type MapOp = (typeof mapOps)[number];

export const reduceKinds = ['sum', 'mean', 'max', 'min', 'sumSquares'] as const;
/**
 * What a reduction computes.
 * @useDeclaredType
 */
export type ReduceKind = (typeof reduceKinds)[number];

export const softmaxKinds = ['softmax', 'logSoftmax', 'logSumExp'] as const;
/**
 * What is computed of each row.
 * @useDeclaredType
 */
export type SoftmaxKind = (typeof softmaxKinds)[number];

export interface Gemm {
  readonly kind: 'gemm';
  readonly out: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly bias: Tensor | undefined;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  /** Elements into `a` and `b` at which they start. */
  readonly aOffset: number;
  readonly bOffset: number;
  readonly aRow: number;
  readonly aCol: number;
  readonly aBatch: number;
  readonly bRow: number;
  readonly bCol: number;
  readonly bBatch: number;
  readonly cRow: number;
  readonly cBatch: number;
  readonly activation: Activation;
}

/** One step of a map: registers are numbered inputs, then constants, then results in order. */
export interface MapStep {
  readonly op: MapOp;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface MapInput {
  readonly tensor: Tensor;
  /** Element of `tensor` at the origin of the index space. */
  readonly offset: number;
  /** Strides over the map's index space, 0 where broadcast. */
  readonly strides: readonly number[];
}

export interface MapOutput {
  readonly tensor: Tensor;
  readonly register: number;
}

export interface Map {
  readonly kind: 'map';
  readonly dims: Shape;
  readonly inputs: readonly MapInput[];
  readonly constants: readonly number[];
  readonly steps: readonly MapStep[];
  readonly outputs: readonly MapOutput[];
}

export interface Reduce {
  readonly kind: 'reduce';
  readonly reduction: ReduceKind;
  readonly out: Tensor;
  readonly in: Tensor;
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
}

export interface ArgReduce {
  readonly kind: 'argReduce';
  readonly minimum: boolean;
  readonly out: Tensor;
  readonly in: Tensor;
  readonly rows: number;
  readonly columns: number;
}

export interface Softmax {
  readonly kind: 'softmax';
  readonly softmax: SoftmaxKind;
  readonly out: Tensor;
  readonly in: Tensor;
  readonly rows: number;
  readonly columns: number;
}

export interface CrossEntropy {
  readonly kind: 'crossEntropy';
  readonly out: Tensor;
  readonly logits: Tensor;
  readonly ids: Tensor;
  readonly rows: number;
  readonly columns: number;
  readonly ignoreIndex: number;
}

export interface CrossEntropyBackward {
  readonly kind: 'crossEntropyBackward';
  readonly out: Tensor;
  readonly logits: Tensor;
  readonly ids: Tensor;
  readonly dloss: Tensor;
  readonly rows: number;
  readonly columns: number;
  readonly ignoreIndex: number;
}

export interface GatherRows {
  readonly kind: 'gatherRows';
  readonly out: Tensor;
  readonly table: Tensor;
  readonly ids: Tensor;
  readonly count: number;
  readonly tableRows: number;
  readonly rowBytes: number;
}

export interface ScatterAddRows {
  readonly kind: 'scatterAddRows';
  readonly out: Tensor;
  readonly dy: Tensor;
  readonly ids: Tensor;
  readonly count: number;
  readonly tableRows: number;
  readonly columns: number;
}

export interface MergeRows {
  readonly kind: 'mergeRows';
  /** [count, columns] */
  readonly out: Tensor;
  /** int32 [count] */
  readonly outOwners: Tensor;
  readonly dy: Tensor;
  readonly ids: Tensor;
  readonly count: number;
  readonly tableRows: number;
  readonly columns: number;
}

export interface WriteRows {
  readonly kind: 'writeRows';
  /** The table, of which rows are replaced. */
  readonly out: Tensor;
  readonly in: Tensor;
  /** Those outside the table are skipped. */
  readonly ids: Tensor;
  readonly count: number;
  readonly tableRows: number;
  readonly columns: number;
}

/** N rows of up to T frames, and up to `labels` labels each. */
export interface CtcShape {
  readonly n: number;
  readonly t: number;
  readonly classes: number;
  readonly labels: number;
  readonly blank: number;
}

export interface Ctc {
  readonly kind: 'ctc';
  readonly shape: CtcShape;
  /** The losses [N]. */
  readonly out: Tensor;
  /** [N, T, 2·labels + 1] */
  readonly outAlpha: Tensor;
  /** [N, T, classes] */
  readonly logp: Tensor;
  /** int32 [N, labels] */
  readonly ids: Tensor;
  /** int32 [N] */
  readonly frames: Tensor;
}

export interface CtcBackward {
  readonly kind: 'ctcBackward';
  readonly shape: CtcShape;
  readonly out: Tensor;
  readonly logp: Tensor;
  readonly ids: Tensor;
  readonly frames: Tensor;
  readonly loss: Tensor;
  readonly alpha: Tensor;
  readonly dloss: Tensor;
}

export interface Copy {
  readonly kind: 'copy';
  readonly out: Tensor;
  readonly in: Tensor;
  readonly dtype: DType;
  readonly dims: Shape;
  /** Elements into `in` / `out` at which the copy starts. */
  readonly inOffset: number;
  readonly inStrides: readonly number[];
  readonly outOffset: number;
  readonly outStrides: readonly number[];
}

export interface Fill {
  readonly kind: 'fill';
  readonly out: Tensor;
  readonly outOffset: number;
  readonly count: number;
  readonly value: number;
}

export interface Random {
  readonly kind: 'random';
  readonly out: Tensor;
  readonly count: number;
  readonly seedLow: number;
  readonly seedHigh: number;
  readonly stream: number;
}

/** The geometry of `ConvShape` in native/kernels/args.h. */
export interface ConvShape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly oc: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly groups: number;
}

export interface ConvForward {
  readonly kind: 'convForward';
  readonly out: Tensor;
  readonly x: Tensor;
  readonly w: Tensor;
  readonly bias: Tensor | undefined;
  readonly shape: ConvShape;
  readonly activation: Activation;
}

export interface ConvBackwardData {
  readonly kind: 'convBackwardData';
  readonly out: Tensor;
  readonly dy: Tensor;
  readonly w: Tensor;
  readonly shape: ConvShape;
}

export interface ConvBackwardWeights {
  readonly kind: 'convBackwardWeights';
  /** [parts, KH, KW, C/G, OC] */
  readonly out: Tensor;
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly shape: ConvShape;
  readonly parts: number;
}

/** The geometry of `WinogradShape` in native/kernels/args.h: 3×3 windows with stride 1. */
export interface WinogradShape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly oc: number;
  readonly padTop: number;
  readonly padLeft: number;
}

export interface WinogradWeights {
  readonly kind: 'winogradWeights';
  /** [36, C, OC], or turned [36, OC, C] */
  readonly out: Tensor;
  /** [3, 3, C, OC] */
  readonly w: Tensor;
  readonly c: number;
  readonly oc: number;
  readonly turn: boolean;
}

export interface WinogradConv {
  readonly kind: 'winogradConv';
  readonly out: Tensor;
  readonly x: Tensor;
  /** The transformed weights. */
  readonly u: Tensor;
  readonly bias: Tensor | undefined;
  readonly shape: WinogradShape;
  readonly activation: Activation;
}

export interface WinogradBackwardWeights {
  readonly kind: 'winogradBackwardWeights';
  /** [parts, 36, C, OC] */
  readonly out: Tensor;
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly shape: WinogradShape;
  readonly parts: number;
}

export interface WinogradGradient {
  readonly kind: 'winogradGradient';
  /** [3, 3, C, OC] */
  readonly out: Tensor;
  readonly sums: Tensor;
  readonly c: number;
  readonly oc: number;
  readonly parts: number;
}

/** The geometry of `PoolShape` in native/kernels/args.h. */
export interface PoolShape {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly padBottom: number;
  readonly padRight: number;
}

export interface MaxPool {
  readonly kind: 'maxPool';
  readonly out: Tensor;
  /** int32: which tap of the window was the maximum */
  readonly outIndex: Tensor;
  readonly in: Tensor;
  readonly shape: PoolShape;
}

export interface MaxPoolBackward {
  readonly kind: 'maxPoolBackward';
  readonly out: Tensor;
  readonly dy: Tensor;
  readonly index: Tensor;
  readonly shape: PoolShape;
}

export interface AvgPool {
  readonly kind: 'avgPool';
  readonly out: Tensor;
  readonly in: Tensor;
  readonly shape: PoolShape;
  readonly countPadding: boolean;
}

export interface AvgPoolBackward {
  readonly kind: 'avgPoolBackward';
  readonly out: Tensor;
  readonly dy: Tensor;
  readonly shape: PoolShape;
  readonly countPadding: boolean;
}

export interface ColumnMoments {
  readonly kind: 'columnMoments';
  readonly outMean: Tensor;
  readonly outVariance: Tensor;
  /** [outer, chunks, 2, columns] where there are several chunks of rows: what the kernel leaves of each until it combines them. */
  readonly outChunks: Tensor;
  readonly in: Tensor;
  readonly outer: number;
  readonly rows: number;
  readonly columns: number;
}

export interface ColumnProducts {
  readonly kind: 'columnProducts';
  readonly outSum: Tensor;
  readonly outProduct: Tensor;
  /** As for columnMoments. */
  readonly outChunks: Tensor;
  readonly x: Tensor;
  readonly mean: Tensor;
  readonly dy: Tensor;
  readonly outer: number;
  readonly rows: number;
  readonly columns: number;
}

export interface AffineSample {
  readonly kind: 'affineSample';
  readonly out: Tensor;
  readonly x: Tensor;
  readonly theta: Tensor;
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly oh: number;
  readonly ow: number;
  readonly fill: number;
}

/** In the order of `Cell` in native/kernels/args.h. */
export const cells = ['elmanTanh', 'elmanRelu', 'lstm', 'gru', 'gruBefore'] as const;
export type Cell = (typeof cells)[number];

/** Gates of a cell, each as wide as its state. */
export function gatesOf(cell: Cell): number {
  return cell === 'lstm' ? 4 : cell === 'gru' || cell === 'gruBefore' ? 3 : 1;
}

/** The sizes of `RecurrentShape` in native/kernels/args.h. */
export interface RecurrentShape {
  readonly cell: Cell;
  readonly t: number;
  readonly n: number;
  readonly h: number;
  readonly reverse: boolean;
  /** The weights are given as `RecurrentPanels` writes them. */
  readonly panels: boolean;
  /** Divided among threads by hidden units, not by rows. */
  readonly split: boolean;
}

export interface RecurrentForward {
  readonly kind: 'recurrentForward';
  readonly shape: RecurrentShape;
  /** [T + 1, N, H] */
  readonly outStates: Tensor;
  /** lstm: [T + 1, N, H] */
  readonly outCells: Tensor | undefined;
  /** all but elman: [T, N, G·H] */
  readonly outGates: Tensor | undefined;
  /** gru: [T, N, H] */
  readonly outQ: Tensor | undefined;
  readonly g: Tensor;
  readonly u: Tensor;
  readonly h0: Tensor;
  readonly c0: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly lengths: Tensor | undefined;
}

export interface RecurrentBackward {
  readonly kind: 'recurrentBackward';
  readonly shape: RecurrentShape;
  readonly outDgates: Tensor;
  readonly outDh0: Tensor;
  readonly outDc0: Tensor | undefined;
  readonly outDq: Tensor | undefined;
  readonly u: Tensor;
  readonly states: Tensor;
  readonly cells: Tensor | undefined;
  readonly gates: Tensor | undefined;
  readonly q: Tensor | undefined;
  readonly dy: Tensor | undefined;
  readonly dh: Tensor | undefined;
  readonly dc: Tensor | undefined;
  readonly lengths: Tensor | undefined;
}

export interface RecurrentPanels {
  readonly kind: 'recurrentPanels';
  /** [⌈H / P⌉, G, H, P], or turned [⌈H / P⌉, G·H, P], P the panel of the instruction set; room for P = 32 */
  readonly out: Tensor;
  readonly u: Tensor;
  readonly h: number;
  readonly gates: number;
  readonly turned: boolean;
}

export type Instruction =
  | Gemm
  | Map
  | Reduce
  | ArgReduce
  | Softmax
  | CrossEntropy
  | CrossEntropyBackward
  | GatherRows
  | ScatterAddRows
  | Copy
  | Fill
  | Random
  | ConvForward
  | ConvBackwardData
  | ConvBackwardWeights
  | MaxPool
  | MaxPoolBackward
  | AvgPool
  | AvgPoolBackward
  | ColumnMoments
  | ColumnProducts
  | AffineSample
  | WinogradWeights
  | WinogradConv
  | WinogradBackwardWeights
  | WinogradGradient
  | RecurrentForward
  | RecurrentBackward
  | RecurrentPanels
  | MergeRows
  | Ctc
  | CtcBackward
  | WriteRows;

/** Copies x into out, element by element. @param walk what of them, and in which order; default: all, as it lies */
export function copyOf(out: Tensor, x: Tensor, walk: Partial<Omit<Copy, 'kind' | 'out' | 'in' | 'dtype'>> = {}): Copy {
  const strides = rowMajorStrides(x.shape);
  return { kind: 'copy', out, in: x, dtype: x.dtype, dims: x.shape, inOffset: 0, inStrides: strides, outOffset: 0, outStrides: strides, ...walk }; // prettier-ignore
}

/** The tensors an instruction reads; one it both reads and changes is only in `writesOf`. */
export function readsOf(x: Instruction): readonly Tensor[] {
  switch (x.kind) {
    case 'gemm':
      return present([x.a, x.b, x.bias]);
    case 'map':
      return x.inputs.map((input) => input.tensor);
    case 'reduce':
    case 'argReduce':
    case 'softmax':
    case 'copy':
    case 'maxPool':
    case 'avgPool':
    case 'columnMoments':
      return [x.in];
    case 'crossEntropy':
      return [x.logits, x.ids];
    case 'crossEntropyBackward':
      return [x.logits, x.ids, x.dloss];
    case 'gatherRows':
      return [x.table, x.ids];
    case 'scatterAddRows':
    case 'mergeRows':
      return [x.dy, x.ids];
    case 'writeRows':
      return [x.in, x.ids];
    case 'ctc':
      return [x.logp, x.ids, x.frames];
    case 'ctcBackward':
      return [x.logp, x.ids, x.frames, x.loss, x.alpha, x.dloss];
    case 'fill':
    case 'random':
      return [];
    case 'convForward':
      return present([x.x, x.w, x.bias]);
    case 'convBackwardData':
      return [x.dy, x.w];
    case 'convBackwardWeights':
      return [x.x, x.dy];
    case 'maxPoolBackward':
      return [x.dy, x.index];
    case 'avgPoolBackward':
      return [x.dy];
    case 'columnProducts':
      return [x.x, x.mean, x.dy];
    case 'affineSample':
      return [x.x, x.theta];
    case 'winogradWeights':
      return [x.w];
    case 'winogradConv':
      return present([x.x, x.u, x.bias]);
    case 'winogradBackwardWeights':
      return [x.x, x.dy];
    case 'winogradGradient':
      return [x.sums];
    case 'recurrentForward':
      return present([x.g, x.u, x.h0, x.c0, x.bias, x.lengths]);
    case 'recurrentBackward':
      return present([x.u, x.states, x.cells, x.gates, x.q, x.dy, x.dh, x.dc, x.lengths]);
    case 'recurrentPanels':
      return [x.u];
    default:
      return x satisfies never;
  }
}

/** The tensors an instruction writes, wholly or in part. */
export function writesOf(x: Instruction): readonly Tensor[] {
  switch (x.kind) {
    case 'map':
      return x.outputs.map((output) => output.tensor);
    case 'maxPool':
      return [x.out, x.outIndex];
    case 'columnMoments':
      return [x.outMean, x.outVariance, x.outChunks];
    case 'columnProducts':
      return [x.outSum, x.outProduct, x.outChunks];
    case 'recurrentForward':
      return present([x.outStates, x.outCells, x.outGates, x.outQ]);
    case 'recurrentBackward':
      return present([x.outDgates, x.outDh0, x.outDc0, x.outDq]);
    case 'mergeRows':
      return [x.out, x.outOwners];
    case 'ctc':
      return [x.out, x.outAlpha];
    default:
      return [x.out];
  }
}

function present(tensors: readonly (Tensor | undefined)[]): readonly Tensor[] {
  return tensors.filter((t) => t !== undefined);
}

/** What indices (of a recurrence: lengths) in the data must be below, or the step fails; undefined: no value in the data makes it fail. */
export function indexLimit(x: Instruction): number | undefined {
  switch (x.kind) {
    case 'gatherRows':
    case 'scatterAddRows':
    case 'mergeRows':
      return x.tableRows;
    case 'crossEntropy':
    case 'crossEntropyBackward':
      return x.columns;
    case 'ctc':
    case 'ctcBackward':
      return x.shape.classes;
    case 'recurrentForward':
      return x.lengths && x.shape.t + 1;
    default:
      return undefined;
  }
}

/** Whether values in the data can make it fail: it must run before a step commits. */
export function canFail(x: Instruction): boolean {
  return indexLimit(x) !== undefined;
}
