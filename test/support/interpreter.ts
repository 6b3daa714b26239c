/** Runs an encoded instruction stream (docs/instruction-stream.md) in plain JavaScript, one step at a time. */
import assert from 'node:assert/strict';
import {
  type Cell,
  type ConvShape,
  type CtcShape,
  type PoolShape,
  type RecurrentShape,
  type WinogradShape,
  type Instruction,
  activations,
  cells,
  mapOps,
  reduceKinds,
  softmaxKinds,
} from '../../lib/compile/instructions/index.js';
import type { Program } from '../../lib/compile/program.js';
import { type DType, bytesPerElement } from '../../lib/graph/tensor.js';
import { type Memories, float32 } from './evaluate.js';
import { type Bound, type Cells, execute } from './kernels.js';

/** Runs a program's stream on memories, which it changes. What a step does not write of the arena is NaN. */
export function interpret(program: Program, memories: Memories, steps = 1): void {
  const { stream, slots, constants } = program;
  const [magic, version, count, instructions, commit] = stream;
  assert.deepEqual([magic, version, count], [0x6c616e65, 2, slots.length + (constants.length > 0 ? 2 : 1)]);
  assert.ok(commit! <= instructions!);
  const arena = new Float64Array(program.arenaBytes).fill(NaN);
  const all = [arena, ...slots.map((slot) => memories.get(slot)!), ...(constants.length > 0 ? [byteCells(program)] : [])];
  for (let step = 0; step < steps; step++) {
    const reader = new Reader(program, (memory, byteOffset, dtype) => {
      const stride = stream[5 + 3 * memory + 1]!;
      return { data: all[memory]!, at: byteOffset + step * stride, unit: bytesPerElement[dtype], dtype };
    });
    for (let i = 0; i < instructions!; i++) execute(reader.instruction(), { ...float32, step });
    assert.ok(reader.atEnd());
    arena.fill(NaN);
  }
}

/** The constants as cells: which bytes hold what type is known from the operands that read them. */
function byteCells(program: Program): Float64Array {
  const { constants, stream } = program;
  const cells = new Float64Array(constants.length);
  const view = new DataView(constants.buffer, constants.byteOffset, constants.byteLength);
  const last = stream[2]! - 1;
  const found = new Map<number, DType>();
  const reader = new Reader(program, (memory, byteOffset, dtype) => {
    if (memory === last) found.set(byteOffset, dtype);
    return { data: cells, at: byteOffset, unit: bytesPerElement[dtype], dtype };
  });
  for (let i = 0; i < stream[3]!; i++) reader.instruction();
  const starts = [...found.keys()].sort((a, b) => a - b);
  starts.forEach((start, i) => {
    const dtype = found.get(start)!;
    const bytes = bytesPerElement[dtype];
    for (let at = start; at + bytes <= (starts[i + 1] ?? constants.length); at += bytes) {
      cells[at] = dtype === 'float32' ? view.getFloat32(at, true) : dtype === 'int32' ? view.getInt32(at, true) : view.getUint8(at);
    }
  });
  return cells;
}

class Reader {
  private readonly stream: Float64Array;
  private at: number;
  private read = 0;

  constructor(
    private readonly program: Program,
    private readonly cells: (memory: number, byteOffset: number, dtype: DType) => Cells,
  ) {
    this.stream = program.stream;
    this.at = 5 + 3 * this.stream[2]!;
  }

  atEnd(): boolean {
    return this.at === this.stream.length;
  }

  instruction(): Bound<Instruction> {
    const begin = this.at;
    const opcode = this.word();
    const words = this.word();
    const result = this.body(opcode);
    this.read++;
    assert.equal(this.at, begin + words, `length of ${result.kind}`);
    return result;
  }

  private word(): number {
    assert.ok(this.at < this.stream.length);
    return this.stream[this.at++]!;
  }

  private words(count: number): number[] {
    return Array.from({ length: count }, () => this.word());
  }

  private operand(dtype: DType = 'float32'): Cells {
    const memory = this.word();
    return this.cells(memory, this.word(), dtype);
  }

  private optional(dtype: DType = 'float32'): Cells | undefined {
    if (this.stream[this.at] !== -1) return this.operand(dtype);
    this.at += 2;
    return undefined;
  }

  /** The element type of what is only moved, which the stream does not say. */
  private moved(): DType {
    const instruction = this.program.instructions[this.read]!;
    assert.ok(instruction.kind === 'copy' || instruction.kind === 'gatherRows');
    return instruction.kind === 'copy' ? instruction.dtype : instruction.table.dtype;
  }

  private body(opcode: number): Bound<Instruction> {
    switch (opcode) {
      case 1: {
        const [out, a, b, bias] = [this.operand(), this.operand(), this.operand(), this.optional()];
        const [m, n, k, outer, inner, aRow, aCol, aBatch, aOuter, bRow, bCol, bBatch, bOuter, cRow, cBatch, cOuter, activation] = this.words(17) as [number, number, number, number, number, number, number, number, number, number, number, number, number, number, number, number, number]; // prettier-ignore
        return { kind: 'gemm', out, a, b, bias, m, n, k, outer, inner, aOffset: 0, bOffset: 0, outOffset: 0, aRow, aCol, aBatch, aOuter, bRow, bCol, bBatch, bOuter, cRow, cBatch, cOuter, activation: activations[activation]! }; // prettier-ignore
      }
      case 2:
        return this.map();
      case 3:
        return {
          kind: 'reduce',
          reduction: reduceKinds[this.word()]!,
          out: this.operand(),
          in: this.operand(),
          outer: this.word(),
          count: this.word(),
          inner: this.word(),
        };
      case 4:
        return {
          kind: 'argReduce',
          minimum: this.word() !== 0,
          out: this.operand('int32'),
          in: this.operand(),
          rows: this.word(),
          columns: this.word(),
        };
      case 5:
        return {
          kind: 'softmax',
          softmax: softmaxKinds[this.word()]!,
          out: this.operand(),
          in: this.operand(),
          rows: this.word(),
          columns: this.word(),
        };
      case 36:
        return { kind: 'softmaxBackward', softmax: this.word() === 1 ? 'logSoftmax' : 'softmax', out: this.operand(), y: this.operand(), dy: this.operand(), rows: this.word(), columns: this.word() }; // prettier-ignore
      case 6:
        return {
          kind: 'crossEntropy',
          out: this.operand(),
          logits: this.operand(),
          ids: this.operand('int32'),
          rows: this.word(),
          columns: this.word(),
          ignoreIndex: this.word(),
        };
      case 7:
        return { kind: 'crossEntropyBackward', out: this.operand(), logits: this.operand(), ids: this.operand('int32'), dloss: this.operand(), rows: this.word(), columns: this.word(), ignoreIndex: this.word() }; // prettier-ignore
      case 8: {
        const dtype = this.moved();
        const [out, table] = [this.operand(dtype), this.operand(dtype)];
        return {
          kind: 'gatherRows',
          out,
          table,
          ids: this.operand('int32'),
          count: this.word(),
          tableRows: this.word(),
          rowBytes: this.word(),
        };
      }
      case 9:
        return {
          kind: 'scatterAddRows',
          out: this.operand(),
          dy: this.operand(),
          ids: this.operand('int32'),
          count: this.word(),
          tableRows: this.word(),
          columns: this.word(),
        };
      case 32:
        return {
          kind: 'mergeRows',
          out: this.operand(),
          outOwners: this.operand('int32'),
          dy: this.operand(),
          ids: this.operand('int32'),
          count: this.word(),
          tableRows: this.word(),
          columns: this.word(),
        };
      case 33:
        return {
          kind: 'writeRows',
          out: this.operand(),
          in: this.operand(),
          ids: this.operand('int32'),
          count: this.word(),
          tableRows: this.word(),
          columns: this.word(),
        };
      case 34: {
        const [out, outAlpha, logp] = [this.operand(), this.operand(), this.operand()];
        return { kind: 'ctc', out, outAlpha, logp, ids: this.operand('int32'), frames: this.operand('int32'), shape: this.ctcShape() };
      }
      case 35: {
        const [out, logp, ids, frames] = [this.operand(), this.operand(), this.operand('int32'), this.operand('int32')];
        const [loss, alpha, dloss] = [this.operand(), this.operand(), this.operand()];
        return { kind: 'ctcBackward', out, logp, ids, frames, loss, alpha, dloss, shape: this.ctcShape() };
      }
      case 10: {
        const dtype = this.moved();
        assert.equal(this.word(), bytesPerElement[dtype]);
        const dims = this.words(this.word());
        const [from, inStrides] = [this.operand(dtype), this.words(dims.length)];
        const [out, outStrides] = [this.operand(dtype), this.words(dims.length)];
        return { kind: 'copy', dtype, dims, in: from, inOffset: 0, inStrides, out, outOffset: 0, outStrides };
      }
      case 11:
        return { kind: 'fill', out: this.operand(), outOffset: 0, count: this.word(), value: this.word() };
      case 12:
        return {
          kind: 'random',
          out: this.operand(),
          count: this.word(),
          seedLow: this.word(),
          seedHigh: this.word(),
          stream: this.word(),
        };
      case 13: {
        const [out, image, w, bias] = [this.operand(), this.operand(), this.operand(), this.optional()];
        return { kind: 'convForward', out, x: image, w, bias, shape: this.convShape(), activation: activations[this.word()]! };
      }
      case 14:
        return { kind: 'convBackwardData', out: this.operand(), dy: this.operand(), w: this.operand(), shape: this.convShape() };
      case 15: {
        const [out, image, dy] = [this.operand(), this.operand(), this.operand()];
        return { kind: 'convBackwardWeights', out, x: image, dy, shape: this.convShape(), parts: this.word() };
      }
      case 18:
        return { kind: 'maxPool', out: this.operand(), outIndex: this.operand('int32'), in: this.operand(), shape: this.poolShape() };
      case 19:
        return { kind: 'maxPoolBackward', out: this.operand(), dy: this.operand(), index: this.operand('int32'), shape: this.poolShape() };
      case 20:
        return { kind: 'avgPool', out: this.operand(), in: this.operand(), shape: this.poolShape(), countPadding: this.word() === 1 };
      case 21:
        return {
          kind: 'avgPoolBackward',
          out: this.operand(),
          dy: this.operand(),
          shape: this.poolShape(),
          countPadding: this.word() === 1,
        };
      case 22:
        return {
          kind: 'columnMoments',
          outMean: this.operand(),
          outVariance: this.operand(),
          outChunks: this.operand(),
          in: this.operand(),
          outer: this.word(),
          rows: this.word(),
          columns: this.word(),
        };
      case 23:
        return {
          kind: 'columnProducts',
          outSum: this.operand(),
          outProduct: this.operand(),
          outChunks: this.operand(),
          x: this.operand(),
          mean: this.operand(),
          dy: this.operand(),
          outer: this.word(),
          rows: this.word(),
          columns: this.word(),
        };
      case 25: {
        const [out, w] = [this.operand(), this.operand()];
        return { kind: 'winogradWeights', out, w, c: this.word(), oc: this.word(), turn: this.word() === 1 };
      }
      case 26: {
        const [out, image, u, bias] = [this.operand(), this.operand(), this.operand(), this.optional()];
        return { kind: 'winogradConv', out, x: image, u, bias, shape: this.winogradShape(), activation: activations[this.word()]! };
      }
      case 27: {
        const [out, image, dy] = [this.operand(), this.operand(), this.operand()];
        return { kind: 'winogradBackwardWeights', out, x: image, dy, shape: this.winogradShape(), parts: this.word() };
      }
      case 28: {
        const [out, sums] = [this.operand(), this.operand()];
        return { kind: 'winogradGradient', out, sums, c: this.word(), oc: this.word(), parts: this.word() };
      }
      case 29: {
        const shape = this.recurrentShape();
        const ofCell = this.ofCell(shape.cell);
        return {
          kind: 'recurrentForward',
          shape,
          outStates: this.operand(),
          g: this.operand(),
          u: this.operand(),
          h0: this.operand(),
          lengths: this.optional('int32'),
          outCells: ofCell('lstm'),
          c0: ofCell('lstm'),
          outGates: ofCell('lstm', 'gru', 'gruBefore'),
          outQ: ofCell('gru', 'gruBefore'),
          bias: shape.cell === 'gru' ? this.optional() : undefined,
        };
      }
      case 30: {
        const shape = this.recurrentShape();
        const ofCell = this.ofCell(shape.cell);
        return {
          kind: 'recurrentBackward',
          shape,
          outDgates: this.operand(),
          outDh0: this.operand(),
          u: this.operand(),
          states: this.operand(),
          dy: this.optional(),
          dh: this.optional(),
          lengths: this.optional('int32'),
          outDc0: ofCell('lstm'),
          cells: ofCell('lstm'),
          dc: shape.cell === 'lstm' ? this.optional() : undefined,
          gates: ofCell('lstm', 'gru', 'gruBefore'),
          outDq: ofCell('gru', 'gruBefore'),
          q: ofCell('gru', 'gruBefore'),
        };
      }
      case 31: {
        const [out, u] = [this.operand(), this.operand()];
        return { kind: 'recurrentPanels', out, u, h: this.word(), gates: this.word(), turned: this.word() === 1 };
      }
      default:
        throw new Error(`opcode ${opcode}`);
    }
  }

  private recurrentShape(): RecurrentShape {
    const [cell, t, n, h, reverse, panels, split] = this.words(7) as [number, number, number, number, number, number, number];
    return { cell: cells[cell]!, t, n, h, reverse: reverse === 1, panels: panels === 1, split: split === 1 };
  }

  /** Reads an operand that only some cells have. */
  private ofCell(cell: Cell): (...having: readonly Cell[]) => Cells | undefined {
    return (...having) => (having.includes(cell) ? this.operand() : undefined);
  }

  private ctcShape(): CtcShape {
    return { n: this.word(), t: this.word(), classes: this.word(), labels: this.word(), blank: this.word() };
  }

  private winogradShape(): WinogradShape {
    const [n, h, w, c, oh, ow, oc, padTop, padLeft] = this.words(9) as [number, number, number, number, number, number, number, number, number]; // prettier-ignore
    return { n, h, w, c, oh, ow, oc, padTop, padLeft };
  }

  private convShape(): ConvShape {
    const [n, h, w, c, oh, ow, oc, kh, kw, strideH, strideW, dilationH, dilationW, padTop, padLeft, groups] = this.words(16) as [number, number, number, number, number, number, number, number, number, number, number, number, number, number, number, number]; // prettier-ignore
    return { n, h, w, c, oh, ow, oc, kh, kw, strideH, strideW, dilationH, dilationW, padTop, padLeft, groups };
  }

  private poolShape(): PoolShape {
    const [n, h, w, c, oh, ow, kh, kw, strideH, strideW, padTop, padLeft] = this.words(12) as [number, number, number, number, number, number, number, number, number, number, number, number]; // prettier-ignore
    return { n, h, w, c, oh, ow, kh, kw, strideH, strideW, padTop, padLeft };
  }

  private map(): Bound<Instruction> {
    const dtype = (at: number): DType => (['float32', 'int32', 'uint8'] as const)[this.stream[at]!]!;
    const rank = this.word();
    assert.ok(rank >= 1 && rank <= 6);
    const dims = this.words(rank);
    const inputs = Array.from({ length: this.word() }, () => {
      const tensor = this.operand(dtype(this.at + 2));
      this.word();
      return { tensor, offset: 0, strides: this.words(rank) };
    });
    const constants = this.words(this.word());
    const steps = Array.from({ length: this.word() }, () => ({ op: mapOps[this.word()]!, a: this.word(), b: this.word(), c: this.word() }));
    const outputs = Array.from({ length: this.word() }, () => {
      const tensor = this.operand(dtype(this.at + 2));
      this.word();
      return { tensor, register: this.word() };
    });
    assert.ok(inputs.length <= 24 && constants.length <= 24 && steps.length <= 64 && outputs.length <= 8, 'limits of a map');
    return { kind: 'map', dims, inputs, constants, steps, outputs };
  }
}
