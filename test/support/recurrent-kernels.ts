/** Recurrent sequences in plain JavaScript, row by row and unit by unit, from the formulas in native/kernels/args.h. */
import { type RecurrentBackward, type RecurrentForward, type RecurrentPanels, type RecurrentShape, gatesOf } from '../../lib/compile/instructions/index.js'; // prettier-ignore
import { BadIndex, type Bound, type Cells, type Context, elementwise, get, set } from './kernels.js';

/** Element (p, j) of U [H, G·H], wherever the panels have it. */
function weights({ cell, h, panels }: Bound<RecurrentShape>, u: Cells, turned: boolean): (p: number, j: number) => number {
  const total = gatesOf(cell) * h;
  if (!panels) return (p, j) => get(u, p * total + j);
  if (turned) return (p, j) => get(u, (Math.floor(p / 16) * total + j) * 16 + (p % 16));
  return (p, j) => {
    const [gate, unit] = [Math.floor(j / h), j % h];
    return get(u, ((Math.floor(unit / 16) * gatesOf(cell) + gate) * h + p) * 16 + (unit % 16));
  };
}

function present(x: Cells | undefined): Cells {
  if (x === undefined) throw new Error('an operand this cell has is missing');
  return x;
}

/** Times in the order of the steps. */
function times({ t, reverse }: Bound<RecurrentShape>): readonly number[] {
  const order = Array.from({ length: t }, (_, i) => i);
  return reverse ? order.toReversed() : order;
}

export function recurrentPanels({ out, u, h, gates, turned }: Bound<RecurrentPanels>): void {
  for (let block = 0; block < Math.ceil(h / 16); block++)
    for (let row = 0; row < gates * h; row++)
      for (let j = 0; j < 16; j++) {
        const unit = block * 16 + j;
        const value = turned ? () => get(u, unit * gates * h + row) : () => get(u, (row % h) * gates * h + Math.floor(row / h) * h + unit);
        set(out, (block * gates * h + row) * 16 + j, unit < h ? value() : 0);
      }
}

export function recurrentForward(x: Bound<RecurrentForward>, context: Context): void {
  const { round } = context;
  const { cell, t: steps, n, h, reverse } = x.shape;
  const gates = gatesOf(cell);
  const u = weights(x.shape, x.u, false);
  const sigmoid = (v: number): number => round(elementwise('sigmoid', [v], context));
  const tanh = (v: number): number => round(elementwise('tanh', [v], context));
  for (let row = 0; row < n; row++) {
    const length = x.lengths === undefined ? steps : get(x.lengths, row);
    if (!(length >= 1 && length <= steps) && steps > 0) throw new BadIndex(row, length);
    const state = (time: number, unit: number): number => (time * n + row) * h + unit;
    const initial = reverse ? steps : 0;
    for (let j = 0; j < h; j++) {
      set(x.outStates, state(initial, j), get(x.h0, row * h + j));
      if (x.outCells) set(x.outCells, state(initial, j), get(present(x.c0), row * h + j));
    }
    for (const time of times(x.shape)) {
      const [from, to] = reverse ? [time + 1, time] : [time, time + 1];
      const before = Array.from({ length: h }, (_, j) => get(x.outStates, state(from, j)));
      const put = (gate: number, j: number, value: number): void =>
        set(present(x.outGates), (time * n + row) * gates * h + gate * h + j, value);
      if (time >= length) {
        for (let j = 0; j < h; j++) {
          set(x.outStates, state(to, j), before[j]!);
          if (x.outCells) set(x.outCells, state(to, j), get(x.outCells, state(from, j)));
          for (let gate = 0; gates > 1 && gate < gates; gate++) put(gate, j, 0);
          if (x.outQ) set(x.outQ, state(time, j), 0);
        }
        continue;
      }
      const g = Array.from({ length: gates * h }, (_, j) => get(x.g, (time * n + row) * gates * h + j));
      const dot = (v: readonly number[], column: number): number => round(v.reduce((total, value, p) => total + value * u(p, column), 0));
      const sum = (gate: number, j: number): number => round(g[gate * h + j]! + dot(before, gate * h + j));
      const next = Array.from({ length: h }, (_, j) => {
        switch (cell) {
          case 'elmanTanh':
            return tanh(sum(0, j));
          case 'elmanRelu':
            return Math.max(0, sum(0, j));
          case 'lstm': {
            const [i, f, k, o] = [sigmoid(sum(0, j)), sigmoid(sum(1, j)), tanh(sum(2, j)), sigmoid(sum(3, j))] as const;
            const c = round(f * get(present(x.outCells), state(from, j)) + i * k);
            [i, f, k, o].forEach((value, gate) => put(gate, j, value));
            set(present(x.outCells), state(to, j), c);
            return round(o * tanh(c));
          }
          case 'gru':
          case 'gruBefore': {
            const reset = Array.from({ length: h }, (__, p) => sigmoid(sum(0, p)));
            const z = sigmoid(sum(1, j));
            const bias = x.bias === undefined ? 0 : get(x.bias, j);
            const q = cell === 'gru' ? round(dot(before, 2 * h + j) + bias) : round(reset[j]! * before[j]!);
            const inner = cell === 'gru' ? reset[j]! * q : dot(reset.map((r, p) => round(r * before[p]!)), 2 * h + j); // prettier-ignore
            const k = tanh(round(g[2 * h + j]! + inner));
            [reset[j]!, z, k].forEach((value, gate) => put(gate, j, value));
            set(present(x.outQ), state(time, j), q);
            return round(k + z * (before[j]! - k));
          }
          default:
            return cell satisfies never;
        }
      });
      next.forEach((value, j) => set(x.outStates, state(to, j), value));
    }
  }
}

export function recurrentBackward(x: Bound<RecurrentBackward>, { round }: Context): void {
  const { cell, t: steps, n, h, reverse } = x.shape;
  const gates = gatesOf(cell);
  const u = weights(x.shape, x.u, true);
  const optional = (cells: Cells | undefined, at: number): number => (cells === undefined ? 0 : get(cells, at));
  for (let row = 0; row < n; row++) {
    const length = x.lengths === undefined ? steps : get(x.lengths, row);
    const state = (time: number, unit: number): number => (time * n + row) * h + unit;
    let dh = Array.from({ length: h }, (_, j) => optional(x.dh, row * h + j));
    const dc = Array.from({ length: h }, (_, j) => optional(x.dc, row * h + j));
    for (const time of times(x.shape).toReversed()) {
      const [from, to] = reverse ? [time + 1, time] : [time, time + 1];
      dh = dh.map((value, j) => round(value + optional(x.dy, state(time, j))));
      const dgates = new Array<number>(gates * h).fill(0);
      const dq = new Array<number>(h).fill(0);
      if (time < length) {
        const gate = (k: number, j: number): number => get(present(x.gates), (time * n + row) * gates * h + k * h + j);
        const before = (j: number): number => get(x.states, state(from, j));
        const direct = new Array<number>(h).fill(0);
        const through = (column: number, p: number): number => dgates[column]! * u(p, column);
        for (let j = 0; j < h; j++) {
          const d = dh[j]!;
          if (cell === 'lstm') {
            const [i, f, k, o] = [gate(0, j), gate(1, j), gate(2, j), gate(3, j)] as const;
            const tanhC = Math.tanh(get(present(x.cells), state(to, j)));
            const all = dc[j]! + d * o * (1 - tanhC * tanhC);
            dgates[j] = round(all * k * i * (1 - i));
            dgates[h + j] = round(all * get(present(x.cells), state(from, j)) * f * (1 - f));
            dgates[2 * h + j] = round(all * i * (1 - k * k));
            dgates[3 * h + j] = round(d * tanhC * o * (1 - o));
            dc[j] = round(all * f);
          } else if (gates === 3) {
            const [z, k] = [gate(1, j), gate(2, j)] as const;
            dgates[h + j] = round(d * (before(j) - k) * z * (1 - z));
            dgates[2 * h + j] = round(d * (1 - z) * (1 - k * k));
            direct[j] = round(d * z);
          } else {
            const y = get(x.states, state(to, j));
            dgates[j] = round(d * (cell === 'elmanTanh' ? 1 - y * y : Number(y > 0)));
          }
        }
        if (gates === 3) {
          for (let j = 0; j < h; j++) {
            const reset = gate(0, j);
            dq[j] = cell === 'gru' ? round(dgates[2 * h + j]! * reset) : round(sumOver(h, (p) => through(2 * h + p, j)));
            const product = cell === 'gru' ? dgates[2 * h + j]! * get(present(x.q), state(time, j)) : dq[j]! * before(j);
            dgates[j] = round(product * reset * (1 - reset));
            if (cell === 'gruBefore') direct[j] = round(direct[j]! + dq[j]! * reset);
          }
        }
        const columns = gates === 3 ? 2 * h : gates * h;
        dh = direct.map((value, p) =>
          round(value + sumOver(columns, (c) => through(c, p)) + (cell === 'gru' ? sumOver(h, (c) => dq[c]! * u(p, 2 * h + c)) : 0)),
        );
      }
      dgates.forEach((value, j) => set(x.outDgates, (time * n + row) * gates * h + j, value));
      if (x.outDq) for (let j = 0; j < h; j++) set(x.outDq, state(time, j), dq[j]!);
    }
    for (let j = 0; j < h; j++) {
      set(x.outDh0, row * h + j, dh[j]!);
      if (x.outDc0) set(x.outDc0, row * h + j, dc[j]!);
    }
  }
}

function sumOver(count: number, term: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}
