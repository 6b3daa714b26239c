/** What a program consists of, for people. */
import { sizeOf } from '../graph/shape.js';
import { formatShapeOf } from '../graph/tensor.js';
import { type Instruction, type MapOp, gatesOf, readsOf, writesOf } from './instructions/index.js';
import type { Item } from './lower.js';
import type { Address } from './memory.js';

export interface InstructionDescription {
  readonly kind: Instruction['kind'];
  /** The operations it computes: 'matmul', 'mul + add'. */
  readonly operation: string;
  /** Paths of the layers it belongs to. */
  readonly label: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Where each output lies; memory 0 is the arena. */
  readonly addresses: readonly Address[];
  /** Floating-point operations; a transcendental function counts as one. */
  readonly flops: number;
}

export interface ProgramDescription {
  readonly instructions: readonly InstructionDescription[];
  readonly arenaBytes: number;
  readonly flops: number;
}

const maxNames = 6;

/** Names of the operations behind an item, each once. */
export function operationOf({ nodes }: Item): string {
  return listed(
    nodes.map((node) => node.op.name),
    ' + ',
  );
}

/** Layers an item belongs to, each once. */
export function labelOf({ nodes }: Item): string {
  return listed(
    nodes.map((node) => node.label).filter((label) => label !== ''),
    ', ',
  );
}

function listed(names: readonly string[], separator: string): string {
  const distinct = [...new Set(names)];
  return distinct.length <= maxNames ? distinct.join(separator) : `${distinct.slice(0, maxNames).join(separator)}${separator}…`;
}

export function describeItem(item: Item, addresses: readonly Address[]): InstructionDescription {
  const { instruction } = item;
  return {
    kind: instruction.kind,
    operation: operationOf(item),
    label: labelOf(item),
    inputs: readsOf(instruction).map(formatShapeOf),
    outputs: writesOf(instruction).map(formatShapeOf),
    addresses,
    flops: flopsOf(instruction),
  };
}

const twoOperations: ReadonlySet<MapOp> = new Set(['fma', 'mulAdd', 'mulSub', 'subMul']);

export function flopsOf(x: Instruction): number {
  switch (x.kind) {
    case 'gemm':
      return 2 * x.outer * x.inner * x.m * x.n * x.k;
    case 'map':
      return sizeOf(x.dims) * x.steps.reduce((n, { op }) => n + (twoOperations.has(op) ? 2 : 1), 0);
    case 'reduce':
      return x.outer * x.count * x.inner * (x.reduction === 'sumSquares' ? 2 : 1);
    case 'softmax':
    case 'softmaxBackward':
    case 'crossEntropy':
    case 'crossEntropyBackward':
      // Subtract the maximum, exp, add, scale.
      return 4 * x.rows * x.columns;
    case 'ctc':
    case 'ctcBackward':
      // For each state the logarithm of a sum of three, and what is added to it.
      return 8 * x.shape.n * x.shape.t * (2 * x.shape.labels + 1);
    case 'scatterAddRows':
    case 'mergeRows':
      return x.count * x.columns;
    case 'convForward':
    case 'convBackwardData':
    case 'convBackwardWeights': {
      const { n, oh, ow, oc, kh, kw, c, groups } = x.shape;
      return (2 * n * oh * ow * oc * kh * kw * c) / groups;
    }
    case 'winogradConv':
    case 'winogradBackwardWeights': {
      // As the definition counts them, so that shares of the peak compare.
      const { n, oh, ow, c, oc } = x.shape;
      return 18 * n * oh * ow * c * oc;
    }
    case 'maxPool':
    case 'avgPool':
      return sizeOf(x.out.shape) * x.shape.kh * x.shape.kw;
    case 'maxPoolBackward':
    case 'avgPoolBackward':
      return x.dy.size * x.shape.kh * x.shape.kw;
    case 'columnMoments':
    case 'columnProducts':
      return 4 * x.outer * x.rows * x.columns;
    case 'affineSample':
      // Three linear interpolations.
      return 6 * x.out.size;
    case 'recurrentForward':
    case 'recurrentBackward': {
      // The products, beside which the activations are few.
      const { t, n, h } = x.shape;
      return 2 * t * n * h * h * gatesOf(x.shape.cell);
    }
    case 'recurrentPanels':
    case 'winogradWeights':
    case 'winogradGradient':
    case 'argReduce':
    case 'gatherRows':
    case 'writeRows':
    case 'copy':
    case 'fill':
    case 'random':
      return 0;
    default:
      return x satisfies never;
  }
}

/** The listing as text, one line an instruction. */
export function formatDescription({ instructions, arenaBytes, flops }: ProgramDescription): string {
  const rows = instructions.map((x, i) => [
    String(i),
    x.kind,
    x.operation,
    x.label,
    `${x.inputs.join(' ')} → ${x.outputs.join(' ')}`,
    x.addresses.map(({ memory, byteOffset }) => `${memory === 0 ? 'arena' : `memory ${memory}`}+${byteOffset}`).join(' '),
    x.flops.toLocaleString('en'),
  ]);
  const table = [['', 'kind', 'operation', 'layer', 'shapes', 'written to', 'FLOPs'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()); // prettier-ignore
  return [
    ...lines,
    `${instructions.length} instructions, ${arenaBytes.toLocaleString('en')} bytes of arena, ${flops.toLocaleString('en')} FLOPs`,
  ].join('\n');
}
