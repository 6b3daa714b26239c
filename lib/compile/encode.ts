/** Writes docs/instruction-stream.md. */
import { ShapeError, formatShape } from '../errors.js';
import { type DType, type Tensor, bytesPerElement } from '../graph/tensor.js';
import {
  type ConvShape,
  type CtcShape,
  type Copy,
  type Instruction,
  type PoolShape,
  type RecurrentBackward,
  type RecurrentForward,
  type RecurrentShape,
  type Map as MapInstruction,
  type WinogradShape,
  activations,
  cells,
  mapOps,
  reduceKinds,
  softmaxKinds,
} from './instructions/index.js';
import type { Address, MemoryPlan } from './memory.js';
import { collapse } from './view.js';

const magic = 0x6c616e65;
const version = 2;
/** A kernel's place in `native/kernels.def`, counted from 1. */
export const opcodes: Readonly<Record<Instruction['kind'], number>> = {
  gemm: 1, map: 2, reduce: 3, argReduce: 4, softmax: 5, crossEntropy: 6,
  crossEntropyBackward: 7, gatherRows: 8, scatterAddRows: 9, copy: 10, fill: 11, random: 12,
  convForward: 13, convBackwardData: 14, convBackwardWeights: 15, maxPool: 18, maxPoolBackward: 19, avgPool: 20,
  avgPoolBackward: 21, columnMoments: 22, columnProducts: 23, affineSample: 24,
  winogradWeights: 25, winogradConv: 26, winogradBackwardWeights: 27, winogradGradient: 28,
  recurrentForward: 29, recurrentBackward: 30, recurrentPanels: 31,
  mergeRows: 32, writeRows: 33, ctc: 34, ctcBackward: 35, softmaxBackward: 36,
}; // prettier-ignore
const dtypes: Readonly<Record<DType, number>> = { float32: 0, int32: 1, uint8: 2 };
export const maxRank = 6;

/** @param commit index of the first instruction that changes what outlives the step */
export function encode(instructions: readonly Instruction[], plan: MemoryPlan, commit: number): Float64Array {
  const constants = plan.constants.length > 0 ? [[plan.constants.length, 0, 0]] : [];
  const memories = [
    [plan.arenaBytes, 0, 1],
    ...plan.slots.map((slot) => [slot.bytes, slot.stride, plan.written.has(slot) ? 1 : 0]),
    ...constants,
  ];
  const stream: number[] = [magic, version, memories.length, instructions.length, commit, ...memories.flat()];
  for (const instruction of instructions) {
    const words = body(instruction, (t, offset = 0) => operand(plan.address(t), offset * bytesPerElement[t.dtype]));
    stream.push(opcodes[instruction.kind], words.length + 2);
    for (const word of words) stream.push(word);
  }
  return Float64Array.from(stream);
}

type Locate = (t: Tensor, offset?: number) => readonly [number, number];

function operand({ memory, byteOffset }: Address, more: number): readonly [number, number] {
  return [memory, byteOffset + more];
}

const absent = [-1, 0] as const;

/** The words after `opcode, words`. */
function body(x: Instruction, at: Locate): readonly number[] {
  switch (x.kind) {
    case 'gemm':
      return [
        ...at(x.out, x.outOffset), ...at(x.a, x.aOffset), ...at(x.b, x.bOffset), ...optional(x.bias, at),
        x.m, x.n, x.k, x.outer, x.inner, x.aRow, x.aCol, x.aBatch, x.aOuter, x.bRow, x.bCol, x.bBatch, x.bOuter,
        x.cRow, x.cBatch, x.cOuter, activations.indexOf(x.activation),
      ]; // prettier-ignore
    case 'map':
      return map(x, at);
    case 'reduce':
      return [reduceKinds.indexOf(x.reduction), ...at(x.out), ...at(x.in), x.outer, x.count, x.inner];
    case 'argReduce':
      return [Number(x.minimum), ...at(x.out), ...at(x.in), x.rows, x.columns];
    case 'softmax':
      return [softmaxKinds.indexOf(x.softmax), ...at(x.out), ...at(x.in), x.rows, x.columns];
    case 'softmaxBackward':
      return [Number(x.softmax === 'logSoftmax'), ...at(x.out), ...at(x.y), ...at(x.dy), x.rows, x.columns];
    case 'crossEntropy':
      return [...at(x.out), ...at(x.logits), ...at(x.ids), x.rows, x.columns, x.ignoreIndex];
    case 'crossEntropyBackward':
      return [...at(x.out), ...at(x.logits), ...at(x.ids), ...at(x.dloss), x.rows, x.columns, x.ignoreIndex];
    case 'gatherRows':
      return [...at(x.out), ...at(x.table), ...at(x.ids), x.count, x.tableRows, x.rowBytes];
    case 'scatterAddRows':
      return [...at(x.out), ...at(x.dy), ...at(x.ids), x.count, x.tableRows, x.columns];
    case 'mergeRows':
      return [...at(x.out), ...at(x.outOwners), ...at(x.dy), ...at(x.ids), x.count, x.tableRows, x.columns];
    case 'writeRows':
      return [...at(x.out), ...at(x.in), ...at(x.ids), x.count, x.tableRows, x.columns];
    case 'ctc':
      return [...at(x.out), ...at(x.outAlpha), ...at(x.logp), ...at(x.ids), ...at(x.frames), ...ctcShape(x.shape)];
    case 'ctcBackward':
      return [
        ...at(x.out), ...at(x.logp), ...at(x.ids), ...at(x.frames), ...at(x.loss), ...at(x.alpha), ...at(x.dloss),
        ...ctcShape(x.shape),
      ]; // prettier-ignore
    case 'copy':
      return copy(x, at);
    case 'fill':
      return [...at(x.out, x.outOffset), x.count, Math.fround(x.value)];
    case 'random':
      return [...at(x.out), x.count, x.seedLow, x.seedHigh, x.stream];
    case 'convForward':
      return [
        ...at(x.out), ...at(x.x), ...at(x.w), ...optional(x.bias, at), ...conv(x.shape),
        activations.indexOf(x.activation),
      ]; // prettier-ignore
    case 'convBackwardData':
      return [...at(x.out), ...at(x.dy), ...at(x.w), ...conv(x.shape)];
    case 'convBackwardWeights':
      return [...at(x.out), ...at(x.x), ...at(x.dy), ...conv(x.shape), x.parts];
    case 'maxPool':
      return [...at(x.out), ...at(x.outIndex), ...at(x.in), ...pool(x.shape)];
    case 'maxPoolBackward':
      return [...at(x.out), ...at(x.dy), ...at(x.index), ...pool(x.shape)];
    case 'avgPool':
      return [...at(x.out), ...at(x.in), ...pool(x.shape), Number(x.countPadding)];
    case 'avgPoolBackward':
      return [...at(x.out), ...at(x.dy), ...pool(x.shape), Number(x.countPadding)];
    case 'columnMoments':
      return [...at(x.outMean), ...at(x.outVariance), ...at(x.outChunks), ...at(x.in), x.outer, x.rows, x.columns];
    case 'columnProducts':
      return [...at(x.outSum), ...at(x.outProduct), ...at(x.outChunks), ...at(x.x), ...at(x.mean), ...at(x.dy), x.outer, x.rows, x.columns];
    case 'affineSample':
      return [...at(x.out), ...at(x.x), dtypes[x.x.dtype], ...at(x.theta), x.n, x.h, x.w, x.c, x.oh, x.ow, Math.fround(x.fill)];
    case 'winogradWeights':
      return [...at(x.out), ...at(x.w), x.c, x.oc, Number(x.turn)];
    case 'winogradConv':
      return [
        ...at(x.out), ...at(x.x), ...at(x.u), ...optional(x.bias, at), ...winograd(x.shape),
        activations.indexOf(x.activation),
      ]; // prettier-ignore
    case 'winogradBackwardWeights':
      return [...at(x.out), ...at(x.x), ...at(x.dy), ...winograd(x.shape), x.parts];
    case 'winogradGradient':
      return [...at(x.out), ...at(x.sums), x.c, x.oc, x.parts];
    case 'recurrentForward':
      return recurrentForward(x, at);
    case 'recurrentBackward':
      return recurrentBackward(x, at);
    case 'recurrentPanels':
      return [...at(x.out), ...at(x.u), x.h, x.gates, Number(x.turned)];
    default:
      return x satisfies never;
  }
}

function winograd(s: WinogradShape): readonly number[] {
  return [s.n, s.h, s.w, s.c, s.oh, s.ow, s.oc, s.padTop, s.padLeft];
}

function recurrent({ cell, t, n, h, reverse, panels, split }: RecurrentShape): readonly number[] {
  return [cells.indexOf(cell), t, n, h, Number(reverse), Number(panels), Number(split)];
}

/** An operand that may be absent. */
function optional(x: Tensor | undefined, at: Locate): readonly number[] {
  return x === undefined ? absent : at(x);
}

/** Operands that only some cells have: they are left out of the others. */
function ofCell(xs: readonly (Tensor | undefined)[], at: Locate): readonly number[] {
  return xs.flatMap((x) => (x === undefined ? [] : at(x)));
}

function recurrentForward(x: RecurrentForward, at: Locate): readonly number[] {
  return [
    ...recurrent(x.shape), ...at(x.outStates), ...at(x.g), ...at(x.u), ...at(x.h0), ...optional(x.lengths, at),
    ...ofCell([x.outCells, x.c0, x.outGates, x.outQ], at), ...(x.shape.cell === 'gru' ? optional(x.bias, at) : []),
  ]; // prettier-ignore
}

function recurrentBackward(x: RecurrentBackward, at: Locate): readonly number[] {
  return [
    ...recurrent(x.shape), ...at(x.outDgates), ...at(x.outDh0), ...at(x.u), ...at(x.states),
    ...optional(x.dy, at), ...optional(x.dh, at), ...optional(x.lengths, at),
    ...ofCell([x.outDc0, x.cells], at), ...(x.shape.cell === 'lstm' ? optional(x.dc, at) : []),
    ...ofCell([x.gates, x.outDq, x.q], at),
  ]; // prettier-ignore
}

function conv(s: ConvShape): readonly number[] {
  return [
    s.n, s.h, s.w, s.c, s.oh, s.ow, s.oc, s.kh, s.kw,
    s.strideH, s.strideW, s.dilationH, s.dilationW, s.padTop, s.padLeft, s.groups,
  ]; // prettier-ignore
}

function pool(s: PoolShape): readonly number[] {
  return [
    s.n, s.h, s.w, s.c, s.oh, s.ow, s.kh, s.kw,
    s.strideH, s.strideW, s.padTop, s.padLeft,
  ]; // prettier-ignore
}

function map({ dims, inputs, constants, steps, outputs }: MapInstruction, at: Locate): readonly number[] {
  checkRank(dims);
  return [
    dims.length, ...dims,
    inputs.length, ...inputs.flatMap(({ tensor, offset, strides }) => [...at(tensor, offset), dtypes[tensor.dtype], ...strides]),
    constants.length, ...constants,
    steps.length, ...steps.flatMap(({ op, a, b, c }) => [mapOps.indexOf(op), a, b, c]),
    outputs.length, ...outputs.flatMap(({ tensor, register }) => [...at(tensor), dtypes[tensor.dtype], register]),
  ]; // prettier-ignore
}

function copy(x: Copy, at: Locate): readonly number[] {
  const { dims, strides: [inStrides, outStrides] } = collapse(x.dims, [x.inStrides, x.outStrides]) as { dims: number[]; strides: [number[], number[]] }; // prettier-ignore
  checkRank(dims);
  return [bytesPerElement[x.dtype], dims.length, ...dims, ...at(x.in, x.inOffset), ...inStrides, ...at(x.out, x.outOffset), ...outStrides];
}

function checkRank(dims: readonly number[]): void {
  if (dims.length > maxRank) {
    throw new ShapeError(
      `compile: expected an index space of at most ${maxRank} dimensions after merging contiguous ones, got ${formatShape(dims)}. Reshape before transposing or broadcasting.`,
    );
  }
}

function ctcShape({ n, t, classes, labels, blank }: CtcShape): readonly number[] {
  return [n, t, classes, labels, blank];
}
