/** The data behind a layer that is used as a model: one native memory with all parameters and buffers. */
import { NdArray } from '../array.js';
import { ShapeError, StateError } from '../errors.js';
import { MemorySlot } from '../graph/source.js';
import { type Tensor, type TensorType, sameShape, sizeOf } from '../graph/tensor.js';
import { type MemoryHandle, native } from '../native.js';
import { batchSource, formatRows } from './data.js';
import { type Entry, Layout } from './layout.js';
import { Predictor } from './predictor.js';
import { type AnyLayer, type Carry, type Trace, collectInto, resolveIn, trace } from './trace.js';
import { checkWeights, initialValues } from './weights.js';

/** What exists once the input sizes are known. */
export interface Built {
  readonly layout: Layout;
  readonly slot: MemorySlot;
  readonly memory: MemoryHandle;
  /** Types of one row of each input. */
  readonly rows: readonly TensorType[];
  /** Seed of the initial values and, unless a trainer has its own, of dropout. */
  readonly seed: bigint;
}

/** @internal */
export class Model {
  readonly root: AnyLayer;
  /** True inside fit. */
  busy = false;
  #built: Built | undefined;
  /** Input sizes other than those it was built with that its parameters serve. */
  readonly #served = new Set<string>();
  #pending: ReadonlyMap<string, NdArray> | undefined;

  /** Runs the model forward. */
  readonly predictor: Predictor = new Predictor(this);

  constructor(root: AnyLayer) {
    this.root = root;
  }

  get seed(): bigint {
    return BigInt(this.root.seed ?? 0);
  }

  get name(): string {
    return this.root.constructor.name;
  }

  get isBuilt(): boolean {
    return this.#built !== undefined;
  }

  get built(): Built {
    if (this.#built === undefined) {
      throw new StateError(
        `${this.name}: expected a model whose input size is known, got one that was never built. Call fit, predict or build([...sizes]) first.`,
      );
    }
    return this.#built;
  }

  /** Traces once to learn the parameters and makes their first values; later calls check that the parameters serve these sizes too. */
  build(rows: readonly TensorType[], seed: bigint = this.seed): Built {
    if (this.#built !== undefined) {
      this.#checkRows(this.#built.rows, rows);
      return this.#built;
    }
    return this.#create(rows, seed, this.#pending);
  }

  /** Builds with given weights instead of initial values. */
  buildWith(rows: readonly TensorType[], weights: ReadonlyMap<string, NdArray>): Built {
    return this.#create(rows, this.seed, weights);
  }

  #create(rows: readonly TensorType[], seed: bigint, weights: ReadonlyMap<string, NdArray> | undefined): Built {
    const requests = new Map<string, Omit<Entry, 'offset'>>();
    const inputs = rows.map((row, i) => batchSource(`input ${i}`, row, 1).tensor);
    trace(this.root, inputs, { training: true, seed, resolve: collectInto(requests, new MemorySlot('parameters', 0)) });
    const layout = new Layout([...requests.values()]);
    if (weights !== undefined) checkWeights(this.name, layout, weights);

    const bytes = Math.max(layout.size, 1) * 4;
    const memory = native().createMemory(bytes);
    layout.entries.forEach((entry, index) => {
      const values = weights?.get(entry.path)?.data ?? initialValues(entry, seed, index);
      native().writeMemory(memory, entry.offset * 4, values);
    });
    this.#pending = undefined;
    this.#built = { layout, slot: new MemorySlot('parameters', bytes), memory, rows, seed };
    return this.#built;
  }

  /** @param carry where states that go on from step to step lie. Default: they are zeros in every step. */
  trace(inputs: readonly Tensor[], training: boolean, seed = this.built.seed, carry?: Carry): Trace {
    const { layout, slot } = this.built;
    return trace(this.root, inputs, { training, seed, resolve: resolveIn(layout, slot), carry });
  }

  /** Copies of all parameters and buffers, by path. */
  weights(): Map<string, NdArray<Float32Array>> {
    const { layout, memory } = this.built;
    return new Map(
      layout.entries.map((entry) => {
        const values = new Float32Array(sizeOf(entry.shape));
        native().readMemory(memory, entry.offset * 4, values);
        return [entry.path, new NdArray(values, entry.shape)];
      }),
    );
  }

  /** Sets all parameters and buffers, or none: everything is checked first. Before the first build they are kept until it. */
  setWeights(weights: ReadonlyMap<string, NdArray>): void {
    this.checkIdle('setWeights');
    if (this.#built === undefined) {
      this.#pending = new Map(weights);
      return;
    }
    const { layout, memory } = this.#built;
    checkWeights(this.name, layout, weights);
    for (const entry of layout.entries) native().writeMemory(memory, entry.offset * 4, weights.get(entry.path)!.data);
  }

  checkIdle(what: string): void {
    if (this.busy)
      throw new StateError(`${what}: expected a model that is not training, got one inside fit. Await that fit or abort it first.`);
  }

  /** Sequences may be longer and images larger than those the model was built with, where the same parameters do for them. */
  #serves(rows: readonly TensorType[]): boolean {
    const { rows: built, layout } = this.built;
    if (rows.length !== built.length || rows.some((row, i) => row.shape.length !== built[i]!.shape.length)) return false;
    const key = rows.map(formatRows).join();
    if (this.#served.has(key)) return true;
    try {
      const asked = this.trace(
        rows.map((row, i) => batchSource(`input ${i}`, row, 1).tensor),
        false,
      ).parameters;
      if (asked.size !== layout.parameters.length) return false;
    } catch (error) {
      if (error instanceof ShapeError || error instanceof StateError) return false;
      throw error;
    }
    this.#served.add(key);
    return true;
  }

  #checkRows(expected: readonly TensorType[], got: readonly TensorType[]): void {
    if (got.length === expected.length && got.every((row, i) => sameShape(row.shape, expected[i]!.shape))) return;
    if (this.#serves(got)) return;
    const text = (rows: readonly TensorType[]): string => rows.map(formatRows).join(' and ');
    throw new ShapeError(
      `${this.name}: expected input of shape ${text(expected)} as the model was built, got ${text(got)}. Reshape the data, or make a new model.`,
    );
  }
}
