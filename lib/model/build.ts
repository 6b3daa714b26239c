/** A model as it was built: what layers have as their home. */
import type { TensorType } from '../graph/tensor.js';
import type { PlacedWeights } from './placed-weights.js';

/** What is known of a model once its input sizes are. */
export interface Built {
  readonly weights: PlacedWeights;
  /** Types of one row of each input; undefined of a part that was entered, until a call gives them. */
  readonly rows: readonly TensorType[] | undefined;
  /** Rows that a call can do with: more than 1 where rows meet in forward. */
  readonly count: number;
  /** Seed of the initial values and, unless a trainer has its own, of dropout. */
  readonly seed: bigint;
}

/**
 * It is gone if the call that built the model was refused, unless something relies on it. It knows no layers, so that layers that have their home in it keep
 * no others alive.
 */
export class Build implements Built {
  /** The model, as messages call it. */
  readonly name: string;
  readonly weights: PlacedWeights;
  readonly rows: readonly TensorType[];
  readonly count: number;
  readonly seed: bigint;
  #isSettled = false;
  #isRefused = false;
  /** Calls under way that rely on it. */
  #holders = 0;
  /** Those that have some of the weights. */
  readonly #bases: ReadonlySet<Build>;
  /** Those that have some of these weights, as long as it may be gone. */
  readonly #sharers = new Set<Build>();

  constructor(name: string, { weights, rows, count, seed }: Built & { readonly rows: readonly TensorType[] }, bases: ReadonlySet<Build>) {
    this.name = name;
    this.weights = weights;
    this.rows = rows;
    this.count = count;
    this.seed = seed;
    this.#bases = bases;
    for (const base of bases) if (!base.#isSettled) base.#sharers.add(this);
  }

  get isGone(): boolean {
    return this.#isRefused && !this.#isSettled && this.#holders === 0 && [...this.#sharers].every(({ isGone }) => isGone);
  }

  /** The call that built it was refused. */
  refuse(): void {
    this.#isRefused = true;
  }

  /** It stays from now on. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#sharers.clear();
    for (const base of this.#bases) base.settle();
  }

  /** It stays until it is let go, whatever becomes of other calls. @returns what lets it go */
  hold(): () => void {
    this.#holders++;
    return () => this.#holders--;
  }
}
