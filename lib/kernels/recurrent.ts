/**
 * Raw kernels of recurrent nets: whole sequences, time-major, and single steps. Part of `lanewise/kernels`. They block: a long sequence
 * keeps this thread busy until it is done; a compiled program (`lstm` of the operations) does the same work off it.
 *
 * With g [T, N, G·H], what the inputs add to the gates, u [H, G·H] and states [T + 1, N, H]: forwards step t reads states[t] and writes
 * states[t + 1], in reverse step t reads states[t + 1] and writes states[t]. Gates stand in PyTorch's order.
 */
import { type Cell, cells as allCells, gatesOf } from '../compile/instructions/index.js';
import { DataError, OptionError } from '../errors.js';
import { native } from '../native.js';
import { checkSizes } from '../ops/conv-geometry.js';
import { type Rule, type Rules, boolean, checkOptions, oneOf, required } from '../options.js';
import { type Extents, call, checkApart, checkLength, checkLengths, floats, ints, size } from './checks.js';
import { gemm } from './products.js';

/** Sizes and options that all kernels of recurrent sequences share. */
export interface RecurrentKernelOptions {
  /** T: time steps. */
  readonly steps: number;
  /** Rows of the batch. */
  readonly n: number;
  /** H: hidden units. */
  readonly hidden: number;
  /** `[H, G·H]`: recurrent weights. */
  readonly u: Float32Array;
  /** Run from the last step to the first. Default: false. */
  readonly reverse?: boolean | undefined;
  /** [N], each 1 … T: a row carries its state unchanged from that step on. Default: all rows are T long. */
  readonly lengths?: Int32Array | undefined;
  /** `[T + 1, N, H]`: all states, the result of the forward pass. */
  readonly states: Float32Array;
}

interface Forward {
  /** [T, N, G·H] */
  readonly g: Float32Array;
  /** `[N, H]`: initial state. */
  readonly h0: Float32Array;
}

interface Backward {
  /** `[T, N, H]`: the gradient of the state each step wrote. Default: zeros. */
  readonly dy?: Float32Array | undefined;
  /** `[N, H]`: that of the final state, on top. Default: zeros. */
  readonly dh?: Float32Array | undefined;
  /** Result [T, N, G·H]: the gradient of g. That of u is stepsᵀ · dgates, steps being the states that were read. */
  readonly dgates: Float32Array;
  /** Result [N, H]. */
  readonly dh0: Float32Array;
}

interface Nonlinear {
  /** Default: 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu' | undefined;
}

interface LstmArrays {
  /** `[T + 1, N, H]`: cells beside the states. */
  readonly cells: Float32Array;
  /** `[T, N, 4·H]`: activated gates, kept for the backward pass; may be g. */
  readonly gates: Float32Array;
}

interface GruArrays {
  /** Reset the product (PyTorch) or the state before it. Default: true. */
  readonly resetAfter?: boolean | undefined;
  /** `[T, N, 3·H]`: activated gates, kept for the backward pass; may be g. */
  readonly gates: Float32Array;
  /** `[T, N, H]`: h·U_n + recurrentBias, or with resetAfter false r⊙h, kept for the backward pass. */
  readonly q: Float32Array;
}

/** Options of {@link rnnForward}. */
export interface RnnForwardOptions extends RecurrentKernelOptions, Forward, Nonlinear {}
/** Options of {@link rnnBackward}. */
export interface RnnBackwardOptions extends RecurrentKernelOptions, Backward, Nonlinear {}
/** Options of {@link lstmForward}. */
export interface LstmForwardOptions extends RecurrentKernelOptions, Forward, LstmArrays {
  /** `[N, H]`: initial cells. */
  readonly c0: Float32Array;
}
/** Options of {@link lstmBackward}. */
export interface LstmBackwardOptions extends RecurrentKernelOptions, Backward, LstmArrays {
  /** `[N, H]`: the gradient of the final cells. Default: zeros. */
  readonly dc?: Float32Array | undefined;
  /** Result [N, H]. */
  readonly dc0: Float32Array;
}
/** Options of {@link gruForward}. */
export interface GruForwardOptions extends RecurrentKernelOptions, Forward, GruArrays {
  /** [H], added to h·U_n; with resetAfter only. Default: none. */
  readonly recurrentBias?: Float32Array | undefined;
}
/** Options of {@link gruBackward}. */
export interface GruBackwardOptions extends RecurrentKernelOptions, Backward, GruArrays {
  /** Result [T, N, H]: the gradient of q; with resetAfter that of U_n is stepsᵀ · dq. */
  readonly dq: Float32Array;
}

const some: Rule = required(floats);
const common: Rules<RecurrentKernelOptions> = {
  steps: size,
  n: size,
  hidden: size,
  u: some,
  reverse: boolean,
  lengths: ints,
  states: some,
};
const forward: Rules<Forward> = { g: some, h0: some };
const backward: Rules<Backward> = { dy: floats, dh: floats, dgates: some, dh0: some };
const nonlinear: Rules<Nonlinear> = { nonlinearity: oneOf('tanh', 'relu') };
const lstmArrays: Rules<LstmArrays> = { cells: some, gates: some };
const gruArrays: Rules<GruArrays> = { resetAfter: boolean, gates: some, q: some };

/** Checks sizes and lengths, before anything is written, and gives what the native side takes. */
function shapeOf(what: string, cell: Cell, o: RecurrentKernelOptions, lengths: (rows: number, gates: number) => Extents): Int32Array {
  const { steps, n, hidden, u, states } = o;
  checkSizes(what, { steps, n, hidden });
  const rows = n * hidden;
  checkLengths(what, { u: [u, gatesOf(cell) * hidden * hidden], states: [states, (steps + 1) * rows] });
  checkLengths(what, lengths(rows, gatesOf(cell)));
  if (o.lengths !== undefined) {
    checkLength(what, 'lengths', o.lengths, n);
    const row = o.lengths.subarray(0, n).findIndex((length) => length < 1 || length > steps);
    if (row >= 0) throw new DataError(`${what}: expected lengths in 1 … ${steps}, got ${o.lengths[row]} for row ${row}.`);
  }
  return Int32Array.of(allCells.indexOf(cell), steps, n, hidden, Number(o.reverse ?? false));
}

function forwardLengths({ steps, g, h0 }: RecurrentKernelOptions & Forward, rows: number, gates: number): Extents {
  return { g: [g, steps * rows * gates], h0: [h0, rows] };
}

function backwardLengths({ steps, dy, dh, dgates, dh0 }: RecurrentKernelOptions & Backward, rows: number, gates: number): Extents {
  return { dy: [dy, steps * rows], dh: [dh, rows], dgates: [dgates, steps * rows * gates], dh0: [dh0, rows] };
}

function elmanCell({ nonlinearity = 'tanh' }: Nonlinear): Cell {
  return nonlinearity === 'tanh' ? 'elmanTanh' : 'elmanRelu';
}

/** h_t = tanh(g_t + h_{t−1}·u), or relu, over all steps. Blocks. @throws DataError for a length out of range */
export function rnnForward(options: RnnForwardOptions): void {
  checkOptions('rnnForward', options, { ...common, ...forward, ...nonlinear });
  const { g, u, h0, lengths, states } = options;
  const shape = shapeOf('rnnForward', elmanCell(options), options, (rows, gates) => forwardLengths(options, rows, gates));
  call('rnnForward', () =>
    native().recurrentForward(shape, g, u, undefined, h0, undefined, lengths, states, undefined, undefined, undefined),
  );
}

/** The gradient of `rnnForward`. Blocks. @throws DataError for a length out of range */
export function rnnBackward(options: RnnBackwardOptions): void {
  checkOptions('rnnBackward', options, { ...common, ...backward, ...nonlinear });
  const { u, states, dy, dh, lengths, dgates, dh0 } = options;
  const shape = shapeOf('rnnBackward', elmanCell(options), options, (rows, gates) => backwardLengths(options, rows, gates));
  call('rnnBackward', () => native().recurrentBackward(shape, u, states, undefined, undefined, undefined, dy, dh, undefined, lengths, dgates, undefined, dh0, undefined)); // prettier-ignore
}

/** The LSTM over all steps, gates in the order i, f, c̃, o. Blocks. @throws DataError for a length out of range */
export function lstmForward(options: LstmForwardOptions): void {
  checkOptions('lstmForward', options, { ...common, ...forward, ...lstmArrays, c0: some });
  const { steps, g, u, h0, c0, lengths, states, cells, gates } = options;
  const shape = shapeOf('lstmForward', 'lstm', options, (rows, count) => ({
    ...forwardLengths(options, rows, count),
    c0: [c0, rows],
    cells: [cells, (steps + 1) * rows],
    gates: [gates, steps * rows * count],
  }));
  call('lstmForward', () => native().recurrentForward(shape, g, u, undefined, h0, c0, lengths, states, cells, gates, undefined));
}

/** The gradient of `lstmForward`. Blocks. @throws DataError for a length out of range */
export function lstmBackward(options: LstmBackwardOptions): void {
  checkOptions('lstmBackward', options, { ...common, ...backward, ...lstmArrays, dc: floats, dc0: some });
  const { steps, u, states, cells, gates, dy, dh, dc, lengths, dgates, dh0, dc0 } = options;
  const shape = shapeOf('lstmBackward', 'lstm', options, (rows, count) => ({
    ...backwardLengths(options, rows, count),
    cells: [cells, (steps + 1) * rows],
    gates: [gates, steps * rows * count],
    dc: [dc, rows],
    dc0: [dc0, rows],
  }));
  call('lstmBackward', () =>
    native().recurrentBackward(shape, u, states, cells, gates, undefined, dy, dh, dc, lengths, dgates, undefined, dh0, dc0),
  );
}

/** The GRU over all steps, gates in the order r, z, n. Blocks. @throws DataError for a length out of range */
export function gruForward(options: GruForwardOptions): void {
  checkOptions('gruForward', options, { ...common, ...forward, ...gruArrays, recurrentBias: floats });
  const { steps, hidden, resetAfter = true, g, u, recurrentBias, h0, lengths, states, gates, q } = options;
  if (!resetAfter && recurrentBias !== undefined)
    throw new OptionError(
      'gruForward: expected recurrentBias with resetAfter only, got it with resetAfter false. Add it to the n part of g.',
    );
  const shape = shapeOf('gruForward', resetAfter ? 'gru' : 'gruBefore', options, (rows, count) => ({
    ...forwardLengths(options, rows, count),
    recurrentBias: [recurrentBias, hidden],
    gates: [gates, steps * rows * count],
    q: [q, steps * rows],
  }));
  call('gruForward', () => native().recurrentForward(shape, g, u, recurrentBias, h0, undefined, lengths, states, undefined, gates, q), {
    bias: 'recurrentBias',
  });
}

/** The gradient of `gruForward`. Blocks. @throws DataError for a length out of range */
export function gruBackward(options: GruBackwardOptions): void {
  checkOptions('gruBackward', options, { ...common, ...backward, ...gruArrays, dq: some });
  const { steps, resetAfter = true, u, states, gates, q, dy, dh, lengths, dgates, dq, dh0 } = options;
  const shape = shapeOf('gruBackward', resetAfter ? 'gru' : 'gruBefore', options, (rows, count) => ({
    ...backwardLengths(options, rows, count),
    gates: [gates, steps * rows * count],
    q: [q, steps * rows],
    dq: [dq, steps * rows],
  }));
  call('gruBackward', () =>
    native().recurrentBackward(shape, u, states, undefined, gates, q, dy, dh, undefined, lengths, dgates, dq, dh0, undefined),
  );
}

/** Sizes and arrays that the single steps share. */
export interface RecurrentStepOptions {
  /** Rows of the batch. */
  readonly n: number;
  /** I: inputs. */
  readonly inputs: number;
  /** H: hidden units. */
  readonly hidden: number;
  /** [N, I] */
  readonly x: Float32Array;
  /** [I, G·H] */
  readonly w: Float32Array;
  /** [H, G·H] */
  readonly u: Float32Array;
  /** [G·H]. Default: none. */
  readonly b?: Float32Array | undefined;
  /** `[N, H]`: the state, overwritten by the next one; may be x, apart from the weights, which two SharedArrayBuffers of one memory can hide. */
  readonly h: Float32Array;
}

/** Options of {@link rnnStep}. */
export interface RnnStepOptions extends RecurrentStepOptions, Nonlinear {}
/** Options of {@link lstmStep}. */
export interface LstmStepOptions extends RecurrentStepOptions {
  /** `[N, H]`: the cells, overwritten by the next ones; apart from h and the weights. */
  readonly c: Float32Array;
}
/** Options of {@link gruStep}. */
export interface GruStepOptions extends RecurrentStepOptions {
  /** Reset the product (PyTorch) or the state before it. Default: true. */
  readonly resetAfter?: boolean | undefined;
  /** [H], added to h·U_n; with resetAfter only. Default: none. */
  readonly recurrentBias?: Float32Array | undefined;
}

const stepRules: Rules<RecurrentStepOptions> = { n: size, inputs: size, hidden: size, x: some, w: some, u: some, b: floats, h: some };

/** g = x·w + b for one step, and the sequence of that one step. What is overwritten may be x, which is read before, but no weights. */
function oneStep(
  what: string,
  cell: Cell,
  { n, inputs, hidden, x, w, u, b, h }: RecurrentStepOptions,
  { c, recurrentBias }: { readonly c?: Float32Array | undefined; readonly recurrentBias?: Float32Array | undefined } = {},
): RecurrentKernelOptions & Forward {
  const width = gatesOf(cell) * hidden;
  const state: Extents = { h: [h, n * hidden], c: [c, n * hidden] };
  const weights: Extents = { w: [w, inputs * width], u: [u, hidden * width], b: [b, width], recurrentBias: [recurrentBias, hidden] };
  checkLengths(what, { x: [x, n * inputs], ...weights, ...state });
  checkApart(what, state, weights);
  const g = new Float32Array(n * width);
  gemm({ m: n, n: width, k: inputs, a: x, b: w, c: g, ...(b && { bias: b }) });
  return { steps: 1, n, hidden, u, g, h0: h, states: new Float32Array(2 * n * hidden) };
}

/** The state behind the one step. */
function keep({ n, hidden }: RecurrentStepOptions, states: Float32Array, into: Float32Array): void {
  into.set(states.subarray(n * hidden, 2 * n * hidden));
}

/** One step of the plain recurrent net: h ← tanh(x·w + b + h·u), or relu. Blocks. */
export function rnnStep(options: RnnStepOptions): void {
  checkOptions('rnnStep', options, { ...stepRules, ...nonlinear });
  const { nonlinearity = 'tanh' } = options;
  const step = oneStep('rnnStep', elmanCell(options), options);
  rnnForward({ ...step, nonlinearity });
  keep(options, step.states, options.h);
}

/** One step of the LSTM: h and c become the next ones. Blocks. */
export function lstmStep(options: LstmStepOptions): void {
  checkOptions('lstmStep', options, { ...stepRules, c: some });
  const { n, hidden, h, c } = options;
  const step = oneStep('lstmStep', 'lstm', options, { c });
  const cells = new Float32Array(2 * n * hidden);
  lstmForward({ ...step, c0: c, cells, gates: step.g });
  keep(options, step.states, h);
  keep(options, cells, c);
}

/** One step of the GRU: h becomes the next state. Blocks. */
export function gruStep(options: GruStepOptions): void {
  checkOptions('gruStep', options, { ...stepRules, resetAfter: boolean, recurrentBias: floats });
  const { n, hidden, resetAfter = true, recurrentBias, h } = options;
  if (!resetAfter && recurrentBias !== undefined)
    throw new OptionError('gruStep: expected recurrentBias with resetAfter only, got it with resetAfter false. Add it to the n part of b.');
  const step = oneStep('gruStep', resetAfter ? 'gru' : 'gruBefore', options, { recurrentBias });
  gruForward({ ...step, resetAfter, ...(recurrentBias && { recurrentBias }), gates: step.g, q: new Float32Array(n * hidden) });
  keep(options, step.states, h);
}
