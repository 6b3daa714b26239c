/** The recurrence over a whole sequence as one operation forward and one backward. */
import { Operation, applyAll } from '../graph/operation.js';
import { type Cell, type Instruction, type RecurrentShape, gatesOf } from '../compile/instructions/index.js';
import type { Shape } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { add } from './elementwise.js';
import { matmul } from './matmul.js';
import { sum } from './reduce.js';
import { refuseSecondDerivative } from './second-derivative.js';
import { PadOp, concat, reshape, slice } from './shape.js';

/** What the passes share. */
export interface Sequence {
  readonly cell: Cell;
  readonly t: number;
  readonly n: number;
  readonly h: number;
  readonly reverse: boolean;
}

const isGru = (cell: Cell): boolean => cell === 'gru' || cell === 'gruBefore';
/** The function of recurrent.ts it comes from. */
const nameOf = ({ cell }: Sequence): string => (cell === 'lstm' ? cell : isGru(cell) ? 'gru' : 'elman');

/** The inputs that are there, by name. */
type Named<Name extends string> = { readonly [K in Name]?: Tensor | undefined };

function namesOf<Name extends string>(inputs: Named<Name>, order: readonly Name[]): readonly Name[] {
  return order.filter((name) => inputs[name] !== undefined);
}

function named<Name extends string>(node: Node, names: readonly Name[]): Named<Name> {
  return Object.fromEntries(names.map((name, i) => [name, node.inputs[i]!])) as Named<Name>;
}

const forwardInputs = ['g', 'u', 'h0', 'c0', 'bias', 'lengths'] as const;
type ForwardInput = (typeof forwardInputs)[number];

/** Units that memory for panels is rounded up to: kPanelUnits of native/kernels/args.h. */
export const panelUnits = 32;
/** Rows in all steps that repay writing the panels of U: with 512 units they take as long as they save in 7 steps of 2 rows or 4 of 4. */
const panelUses = 16;

/**
 * Whether U is copied into panels for all steps: by the sizes alone. A single row goes through U as it is in 2/3 of the time, but through
 * Uᵀ (`turned`) in twice the time of panels, which repay their copy in 2 steps.
 */
function usesPanels({ t, n }: Sequence, turned: boolean): boolean {
  return t > 1 && (turned || (n > 1 && t * n >= panelUses));
}

/**
 * Few rows are divided by hidden units, so that threads share them; then every step ends with all threads waiting for one another. With
 * reset before the product a step would need that twice.
 */
const splitRows = 8;
const splitWork = 2 ** 17;

function isSplit({ cell, n, h, t }: Sequence): boolean {
  return cell !== 'gruBefore' && t > 0 && n <= splitRows && n * h * h * gatesOf(cell) >= splitWork;
}

function shapeOf(s: Sequence, turned: boolean): RecurrentShape {
  return { ...s, panels: usesPanels(s, turned), split: isSplit(s) };
}

function panelsOf({ h, cell }: Sequence): TensorType {
  return floats([Math.ceil(h / panelUnits), gatesOf(cell), h, panelUnits]);
}

/**
 * states [T + 1, N, H], then lstm: cells [T + 1, N, H], gates [T, N, 4·H]; gru: gates [T, N, 3·H], q [T, N, H]; see
 * native/kernels/args.h. A last output that nobody else reads holds U in panels, where those are used.
 */
export class RecurrentForward extends Operation {
  readonly name: string;

  constructor(
    readonly sequence: Sequence,
    readonly names: readonly ForwardInput[],
  ) {
    super();
    this.name = nameOf(sequence);
  }

  infer(): readonly TensorType[] {
    const { cell, t, n, h } = this.sequence;
    const states = floats([t + 1, n, h]);
    const saved = cell === 'lstm' ? [states, floats([t, n, 4 * h])] : isGru(cell) ? [floats([t, n, 3 * h]), floats([t, n, h])] : [];
    return [states, ...saved, ...(usesPanels(this.sequence, false) ? [panelsOf(this.sequence)] : [])];
  }

  override vjp(node: Node, dys: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const { sequence } = this;
    const { cell, t, n, h, reverse } = sequence;
    const { u, lengths } = named(node, this.names);
    const { states, cells, gates, q } = savedOf(sequence, node.outputs);
    const { dy, dh } = adjoints(sequence, dys[0]);
    const dc = cells && adjoints(sequence, dys[1]).dh;
    const back = backward(sequence, { u, states, cells, gates, q, dy, dh, dc, lengths });

    const rows = (x: Tensor): Tensor => reshape(x, [t * n, x.shape.at(-1)!]);
    const before = rows(slice(states!, [reverse ? 1 : 0, 0, 0], [t, n, h]));
    const product = (x: Tensor, dz: Tensor): Tensor => matmul(x, dz, { transposeA: true });
    const dgates = rows(back.dgates);
    const gradients: Named<ForwardInput> = {
      g: back.dgates,
      u: isGru(cell)
        ? concat(
            [
              product(before, slice(dgates, [0, 0], [t * n, 2 * h])),
              cell === 'gru' ? product(before, rows(back.dq!)) : product(rows(q!), slice(dgates, [0, 2 * h], [t * n, h])),
            ],
            1,
          )
        : product(before, dgates),
      h0: back.dh0,
      c0: back.dc0,
      bias: cell === 'gru' ? sum(rows(back.dq!), { axes: 0 }) : undefined,
    };
    return this.names.map((name) => gradients[name]);
  }

  override badIndex(length: number): string {
    return `expected a length in 1 … ${this.sequence.t}, got ${length}`;
  }

  lower(node: Node): readonly Instruction[] {
    const { g, u, h0, c0, bias, lengths } = named(node, this.names) as Named<ForwardInput> & Record<'g' | 'u' | 'h0', Tensor>;
    const { states, cells, gates, q } = savedOf(this.sequence, node.outputs);
    const shape = shapeOf(this.sequence, false);
    const weights = panels(this.sequence, u, node.outputs, false);
    return [
      ...weights.instructions,
      { kind: 'recurrentForward', shape, outStates: states!, outCells: cells, outGates: gates, outQ: q, g, u: weights.u, h0, c0, bias, lengths }, // prettier-ignore
    ];
  }
}

/** The outputs of the forward pass by name. */
function savedOf({ cell }: Sequence, outputs: readonly Tensor[]): Named<'states' | 'cells' | 'gates' | 'q'> {
  const [states, second, third] = outputs;
  if (cell === 'lstm') return { states, cells: second, gates: third };
  return isGru(cell) ? { states, gates: second, q: third } : { states };
}

/** U as the kernels take it, and what writes it. */
function panels(
  s: Sequence,
  u: Tensor,
  outputs: readonly Tensor[],
  turned: boolean,
): { readonly u: Tensor; readonly instructions: readonly Instruction[] } {
  if (!usesPanels(s, turned)) return { u, instructions: [] };
  const out = outputs.at(-1)!;
  return { u: out, instructions: [{ kind: 'recurrentPanels', out, u, h: s.h, gates: gatesOf(s.cell), turned }] };
}

interface Adjoints {
  /** Of the states the steps write, [T, N, H]. */
  readonly dy?: Tensor | undefined;
  /** Of the last of them, [N, H]. */
  readonly dh?: Tensor | undefined;
}

/**
 * Takes the adjoint of all states apart. They are read through slices, whose gradients come back with zeros around them: here what they
 * were made of is found again, so that no zeros are written. Nobody reads the initial state from there.
 */
function adjoints(s: Sequence, d: Tensor | undefined): Adjoints {
  if (d === undefined) return {};
  const { op, inputs } = d.node;
  if (op.name === 'add') {
    const [a, b] = inputs.map((x) => adjoints(s, x)) as [Adjoints, Adjoints];
    const dy = both(a.dy, b.dy);
    const dh = both(a.dh, b.dh);
    return { ...(dy && { dy }), ...(dh && { dh }) };
  }
  const steps: Shape = [s.t, s.n, s.h];
  if (op instanceof PadOp) {
    const [part] = inputs as [Tensor];
    if (part.shape[0] === s.t && s.t > 1) return { dy: part };
    return { dh: reshape(part, [s.n, s.h]) };
  }
  return { dy: slice(d, [s.reverse ? 0 : 1, 0, 0], steps) };
}

function both(a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  return a === undefined || b === undefined ? (a ?? b) : add(a, b);
}

const backwardInputs = ['u', 'states', 'cells', 'gates', 'q', 'dy', 'dh', 'dc', 'lengths'] as const;
type BackwardInput = (typeof backwardInputs)[number];

/** dgates [T, N, G·H] and dh0 [N, H], then lstm: dc0; gru: dq [T, N, H]. A second derivative is refused. */
class RecurrentBackward extends Operation {
  readonly name: string;

  constructor(
    readonly sequence: Sequence,
    readonly names: readonly BackwardInput[],
  ) {
    super();
    this.name = `${nameOf(sequence)}Backward`;
  }

  infer(): readonly TensorType[] {
    const { cell, t, n, h } = this.sequence;
    const last = cell === 'lstm' ? [floats([n, h])] : isGru(cell) ? [floats([t, n, h])] : [];
    return [
      floats([t, n, gatesOf(cell) * h]),
      floats([n, h]),
      ...last,
      ...(usesPanels(this.sequence, true) ? [panelsOf(this.sequence)] : []),
    ];
  }

  override vjp(node: Node): never {
    return refuseSecondDerivative(node, nameOf(this.sequence), 'Unroll it with operations of your own, or leave it out of the penalty.');
  }

  lower(node: Node): readonly Instruction[] {
    const { cell } = this.sequence;
    const { u, states, ...others } = named(node, this.names);
    const { cells, gates, q, dy, dh, dc, lengths } = others;
    const [outDgates, outDh0, last] = node.outputs as [Tensor, Tensor, Tensor | undefined];
    const weights = panels(this.sequence, u!, node.outputs, true);
    return [
      ...weights.instructions,
      {
        kind: 'recurrentBackward',
        shape: shapeOf(this.sequence, true),
        outDgates,
        outDh0,
        outDc0: cell === 'lstm' ? last : undefined,
        outDq: isGru(cell) ? last : undefined,
        u: weights.u,
        states: states!,
        cells,
        gates,
        q,
        dy,
        dh,
        dc,
        lengths,
      },
    ];
  }
}

function backward(s: Sequence, inputs: Named<BackwardInput>): { readonly dgates: Tensor; readonly dh0: Tensor } & Named<'dc0' | 'dq'> {
  const names = namesOf(inputs, backwardInputs);
  const [dgates, dh0, last] = applyAll(new RecurrentBackward(s, names), names.map((name) => inputs[name]!)) as [Tensor, Tensor, Tensor | undefined]; // prettier-ignore
  return { dgates, dh0, ...(s.cell === 'lstm' ? { dc0: last } : isGru(s.cell) ? { dq: last } : {}) };
}

/** The states [T + 1, N, H] and, of lstm, the cells. */
export function recurrence(s: Sequence, inputs: Named<ForwardInput>): readonly Tensor[] {
  const names = namesOf(inputs, forwardInputs);
  return applyAll(new RecurrentForward(s, names), names.map((name) => inputs[name]!)); // prettier-ignore
}
