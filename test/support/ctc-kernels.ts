/** CTC by the recursion of the paper, forward and backward, in float64. */
import type { Ctc, CtcBackward, CtcShape } from '../../lib/compile/instructions/index.js';
import { BadIndex, type Bound, type Cells, type Context, get, set } from './kernels.js';

const logAdd = (...terms: readonly number[]): number => {
  const m = Math.max(...terms);
  return m === -Infinity ? m : m + Math.log(terms.reduce((sum, x) => sum + Math.exp(x - m), 0));
};

interface Row {
  readonly frames: number;
  /** The class of each state. */
  readonly states: readonly number[];
  readonly emitted: (t: number, s: number) => number;
  readonly skips: (s: number) => boolean;
}

/** @throws BadIndex for a label that is none */
function rowOf(x: { readonly logp: Cells; readonly ids: Cells; readonly frames: Cells; readonly shape: CtcShape }, n: number): Row {
  const { t, classes, labels, blank } = x.shape;
  const states = [blank];
  let ended = false;
  for (let i = n * labels; i < (n + 1) * labels; i++) {
    const id = get(x.ids, i);
    if (id === -1) ended = true;
    else if (id < 0 || id >= classes || id === blank || ended) throw new BadIndex(i, id);
    else states.push(id, blank);
  }
  return {
    frames: Math.min(Math.max(get(x.frames, n), 0), t),
    states,
    emitted: (frame, s) => get(x.logp, (n * t + frame) * classes + states[s]!),
    skips: (s) => s >= 2 && states[s] !== blank && states[s] !== states[s - 2],
  };
}

/** ln of the probability of all that ends in each state, by frame. */
function before({ frames, states, emitted, skips }: Row): readonly (readonly number[])[] {
  const rows: number[][] = [];
  for (let t = 0; t < frames; t++) {
    const last = rows.at(-1);
    rows.push(
      states.map((_, s) => {
        const reached =
          last === undefined ? (s < 2 ? 0 : -Infinity) : logAdd(last[s]!, last[s - 1] ?? -Infinity, skips(s) ? last[s - 2]! : -Infinity);
        return reached + emitted(t, s);
      }),
    );
  }
  return rows;
}

/** ln of the probability of all that comes after each state. */
function after({ frames, states, emitted, skips }: Row): readonly (readonly number[])[] {
  const rows: number[][] = [];
  for (let t = frames - 1; t >= 0; t--) {
    const next = rows[0];
    const on = (s: number): number => (s < states.length ? next![s]! + emitted(t + 1, s) : -Infinity);
    rows.unshift(
      states.map((_, s) =>
        next === undefined ? (s >= states.length - 2 ? 0 : -Infinity) : logAdd(on(s), on(s + 1), skips(s + 2) ? on(s + 2) : -Infinity),
      ),
    );
  }
  return rows;
}

function lossOf(row: Row): number {
  const last = before(row).at(-1);
  if (last === undefined) return row.states.length === 1 ? 0 : Infinity;
  return -logAdd(last.at(-1)!, last.at(-2) ?? -Infinity);
}

export function ctc(x: Bound<Ctc>, { round }: Context): void {
  const { n, t, labels } = x.shape;
  const width = 2 * labels + 1;
  for (let r = 0; r < n; r++) {
    const row = rowOf(x, r);
    const loss = lossOf(row);
    set(x.out, r, round(loss));
    // Of alpha it is told what the largest of each frame is: 0.
    const alpha = before(row);
    for (let i = 0; i < t * width; i++) {
      const frame = alpha[Math.floor(i / width)];
      const value = frame?.[i % width];
      set(x.outAlpha, r * t * width + i, value === undefined ? 0 : round(Math.max(value - Math.max(...frame!), -1e30)));
    }
  }
}

export function ctcBackward(x: Bound<CtcBackward>, { round }: Context): void {
  const { n, t, classes } = x.shape;
  for (let r = 0; r < n; r++) {
    const row = rowOf(x, r);
    const [a, b, loss] = [before(row), after(row), lossOf(row)];
    for (let frame = 0; frame < t; frame++) {
      const shares = new Array<number>(classes).fill(0);
      if (frame < row.frames && loss !== Infinity)
        row.states.forEach((c, s) => (shares[c] = shares[c]! + Math.exp(a[frame]![s]! + b[frame]![s]! + loss)));
      shares.forEach((share, c) => set(x.out, (r * t + frame) * classes + c, round(share === 0 ? 0 : -share * get(x.dloss, r))));
    }
  }
}
