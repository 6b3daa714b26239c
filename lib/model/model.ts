/** The data behind a layer that is used as a model: where its parameters and buffers lie, and who uses and changes them. */
import type { NdArray } from '../array.js';
import { arrayMap, copyArrays } from '../array-check.js';
import type { Control } from '../control.js';
import { ShapeError, StateError } from '../errors.js';
import type { Tensor, TensorType } from '../graph/tensor.js';
import type { Program } from '../compile/program.js';
import { check } from '../options.js';
import { checkedSeed } from '../random.js';
import { inputTensors } from './batch-source.js';
import { formatInputs } from './data.js';
import { firstTrace } from './first-trace.js';
import { classOf } from './forward.js';
import { type Home, type Places, claim, homeOf, placesIn, release, sharedPlaces, weightsToCome } from './home.js';
import { Layout } from './layout.js';
import { type Place, PlacedWeights } from './placed-weights.js';
import { Predictor } from './predictor.js';
import { ServedSizes } from './served-sizes.js';
import { type AnyLayer, type Trace, type TraceOptions, resolveIn, trace } from './trace.js';
import type { Reading, ReadingKind } from './state-memory.js';
import { PendingWeights } from './pending-weights.js';
import { type WeightMemory, countChange } from './weight-memory.js';
import { type UnsharedWeights, type WeightOptions, checkWeights, initialValues, strictOf } from './weights.js';

/** What exists once the input sizes are known. */
export interface Built {
  readonly weights: PlacedWeights;
  /** Types of one row of each input; undefined of a part that was entered, until a call gives them. */
  readonly rows: readonly TensorType[] | undefined;
  /** Rows that a call can do with: more than 1 where rows meet in forward. */
  readonly count: number;
  /** Seed of the initial values and, unless a trainer has its own, of dropout. */
  readonly seed: bigint;
}

/** What a model is built for. */
export interface Sizes {
  /** Types of one row of each input. */
  readonly rows: readonly TensorType[];
  /** Rows of a batch. */
  readonly count: number;
}

/** @internal */
export class Model {
  readonly root: AnyLayer;
  #built: Built | undefined;
  /** Its place in another model. */
  #part: { readonly home: Home; readonly built: Built } | undefined;
  /** It stays built whatever becomes of the call that built it. */
  #isSettled = false;
  /** Of its layers. */
  #places: Places = new Map();
  /** countChange() of the last weights that were set before the first build. */
  #given = 0;
  /** Calls under way that rely on it as it is built now. */
  #holders = 0;
  /** Input sizes other than those it was built with that its parameters serve. */
  readonly #served: ServedSizes = new ServedSizes((inputs) => this.trace(inputs).parameters.size === this.layout.parameters.length);
  /** What was set before the first build. */
  readonly #pending: PendingWeights = new PendingWeights();

  /** The call that trains it, and what that leaves alone. */
  #training: { readonly what: string; readonly frozen: readonly string[] } | undefined;

  /** Runs the model forward. */
  readonly predictor: Predictor = new Predictor(this);

  constructor(root: AnyLayer) {
    this.root = root;
  }

  get seed(): bigint {
    return checkedSeed(this.name, this.root.seed ?? 0);
  }

  get name(): string {
    return classOf(this.root);
  }

  get isBuilt(): boolean {
    return this.#known !== undefined;
  }

  get built(): Built {
    if (this.#known === undefined) {
      throw new StateError(
        `${this.name}: expected a model whose input size is known, got one that was never built. Call fit, predict or build([...sizes]) first, of the model it is a part of if there is one.`,
      );
    }
    return this.#known;
  }

  get layout(): Layout {
    return this.built.weights.layout;
  }

  /** Types of one row of each input. @throws StateError unless they are known */
  get rows(): readonly TensorType[] {
    const { rows } = this.built;
    if (rows !== undefined) return rows;
    const { model, path } = this.#elsewhere!;
    throw new StateError(
      `${this.name}: expected a layer whose input size is known, got one that a ${model.name} has by scope.enter() as "${path}", which does not tell it. Call predict or build([...sizes]) first.`,
    );
  }

  /** Built itself, or as a part of another model. */
  get #known(): Built | undefined {
    const home = this.#elsewhere;
    if (home === undefined) return this.#built;
    if (this.#part?.home !== home) this.#part = { home, built: partOf(home) };
    return this.#part.built;
  }

  /** Its place in the model that has its weights, if that is another. */
  get #elsewhere(): Home | undefined {
    const home = homeOf(this.root);
    return home?.model === this ? undefined : home;
  }

  /** The model that has its weights: this one, or the one it is a part of. */
  get owner(): Model {
    return this.#elsewhere?.model ?? this;
  }

  /** @throws StateError unless its input size is known */
  checkBuilt(): void {
    void this.built;
  }

  /**
   * Traces once to learn the parameters and makes their first values; later calls check that the parameters serve these sizes too.
   * The first sizes bind the model only once it is settled.
   * @param count rows of a batch: a forward in which rows meet may need as many
   */
  build(rows: readonly TensorType[], seed: bigint = this.seed, count = 1): Built {
    const built = this.#known;
    if (built === undefined) return this.#create({ rows, count }, seed, this.#pending);
    if (built.rows === undefined) return this.#complete(built, rows, count);
    this.#served.check(this.name, built.rows, rows, count);
    return built;
  }

  /** Weights that were set before it was built, for a layout of its own. @throws as setWeights, unless they fit */
  weightsToCome(layout: Layout): ReadonlyMap<string, NdArray> {
    return this.#pending.of(layout);
  }

  /** Writes what is left of the first values. A model whose initialisers fail is not built. */
  fill(): void {
    try {
      this.built.weights.fill();
    } catch (error) {
      this.#unbuild();
      throw error;
    }
  }

  /**
   * Builds it for weights that all will be set, as its file names its sizes; those that were set before it was built are none of them. Like `build` it does not
   * settle.
   */
  buildFor(sizes: Sizes): void {
    this.#create(sizes, this.seed, new PendingWeights());
  }

  /** Called as the first run begins: the model keeps its sizes and weights from now on. */
  settle(): void {
    const at = this.owner;
    if (at.#built === undefined) return;
    at.#isSettled = true;
    at.#pending.clear();
  }

  /**
   * Before programs run off this thread: compiles them, writes what is left of the first values, and settles, whatever becomes of other calls meanwhile.
   * @returns false if it was stopped before: the model is as it was
   */
  async settleFor(programs: readonly Program[], control: Control): Promise<boolean> {
    const letGo = this.hold();
    try {
      for (const program of programs) await program.compiled(control);
      await control.unlessStopped(() => this.built.weights.fillInPieces());
      if (control.stopped) return false;
      this.settle();
      return true;
    } finally {
      letGo();
    }
  }

  /** Until it is let go the model, if it is built, stays as it is built now, whatever becomes of other calls. @returns what lets it go */
  hold(): () => void {
    const at = this.owner;
    if (at.#built === undefined) return () => undefined;
    at.#holders++;
    return () => at.#holders--;
  }

  /** A task that may build the model. If it is refused before anything ran, the model is as it was, free to be built for other sizes, unless others hold it. */
  async trying<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      this.#unbuild();
      throw error;
    }
  }

  /** The same for a task on this thread. */
  tryingSync<T>(task: () => T): T {
    try {
      return task();
    } catch (error) {
      this.#unbuild();
      throw error;
    }
  }

  #unbuild(): void {
    if (this.#built === undefined || this.#isSettled || this.#holders > 0 || this.#built.weights.own?.isShared === true) return;
    release(this.#places);
    this.#built = undefined;
  }

  #create({ rows, count }: Sizes, seed: bigint, given: PendingWeights): Built {
    const { layers, requests, count: least } = firstTrace(this.root, rows, seed, count);
    const layout = Layout.of(requests);
    const values = given.of(layout);
    const places = placesIn(this, layers);
    const shared = sharedPlaces(places, layout);
    const toCome = given.areWhole ? undefined : weightsToCome(places, layout);

    const weights = PlacedWeights.of(layout, shared, function* (entry, index) {
      return values.get(entry.path)?.data ?? toCome?.get(entry.path) ?? (yield* initialValues(entry, seed, index));
    });
    claim(places);
    this.#served.clear();
    this.#places = places;
    this.#built = { weights, rows, count: least, seed };
    this.#share(shared, values);
    return this.#built;
  }

  /** Some of its weights are those of other models. @param given values that all have from now on */
  #share(shared: ReadonlyMap<string, Place>, given: ReadonlyMap<string, NdArray>): void {
    for (const { memory } of shared.values()) memory.isShared = true;
    const values = new Map([...given].filter(([path]) => shared.has(path)));
    if (values.size === 0) return;
    this.checkIdle('setWeights');
    this.built.weights.set(values);
    this.settle();
  }

  /** @param options seed by default that of its first values; in training mode only if asked for */
  trace(
    inputs: readonly Tensor[],
    { training = false, seed = this.built.seed, ...rest }: Partial<Omit<TraceOptions, 'resolve'>> = {},
  ): Trace {
    const { weights } = this.built;
    const traced = trace(this.root, inputs, { training, seed, ...rest, resolve: resolveIn(weights, inputs) });
    const missing = weights.layout.parameters.find(({ path }) => !traced.parameters.has(path));
    if (training && missing !== undefined) {
      throw new StateError(
        `${this.name}: expected forward to ask for parameter "${missing.path}" in training too, got no request. Ask the scope in each call: tensors are of one call only.`,
      );
    }
    return traced;
  }

  /** The layers that a row of the sizes it was built for goes through, by path. */
  layers(): ReadonlyMap<string, AnyLayer> {
    return new Map([...this.trace(inputTensors(this.rows, this.built.count)).layers].map(([path, { layer }]) => [path, layer]));
  }

  /** Copies of all parameters and buffers, by path. */
  weights(): Map<string, NdArray<Float32Array>> {
    return this.built.weights.values();
  }

  /** The same of one moment, made while the event loop goes on. */
  snapshot(): Promise<Map<string, NdArray<Float32Array>>> {
    return this.built.weights.snapshot();
  }

  /**
   * The weights of this moment for several runs, whatever trains or sets them meanwhile. To be ended after them.
   * @param isShort over as soon as a copy of the weights: one run, which within a fit sees those of some finished step
   */
  read(isShort = false): Reading {
    const brief = ({ trainer }: WeightMemory): ReadingKind => (trainer === undefined ? 'short' : 'loose');
    return this.built.weights.read(isShort ? brief : () => 'long');
  }

  /** The same for runs on this thread. */
  readSync(): Reading {
    return this.built.weights.readSync();
  }

  /** The memories of its weights, if it is built. */
  get #memories(): readonly WeightMemory[] {
    return this.#known?.weights.memories ?? [];
  }

  /** Inside fit or step, of this model or of another that trains weights in the same memories. */
  get isTraining(): boolean {
    return this.#training !== undefined || this.#memories.some(({ trainer }) => trainer !== undefined);
  }

  /** A run is changing its weights at this moment. */
  get isChanging(): boolean {
    return this.#memories.some(({ isChanging }) => isChanging);
  }

  /** changesSoFar() as its weights were last changed, by runs of training or by setting them. */
  get changes(): number {
    return Math.max(this.#given, ...this.#memories.map(({ changes }) => changes));
  }

  /** The memories that its training changes. */
  get trained(): readonly WeightMemory[] {
    return this.#memories.filter(({ trainer }) => trainer === this);
  }

  /**
   * Until `endTraining()` its weights may change in place, but for those frozen.
   * @throws StateError, naming `what`, if other training changes them
   */
  beginTraining(what: string, frozen: readonly string[]): void {
    if (this.#training !== undefined) {
      throw new StateError(
        `${what}: expected a model that is not training, got one inside another fit or step. Await it first, or abort the fit.`,
      );
    }
    this.#training = { what, frozen };
    try {
      if (this.isBuilt) this.#take();
    } catch (error) {
      this.#training = undefined;
      throw error;
    }
  }

  /** As settleFor, before runs that train. @throws StateError if other training has begun to change the weights */
  async settleToTrain(programs: readonly Program[], control: Control): Promise<boolean> {
    if (!(await this.settleFor(programs, control))) return false;
    if (this.trained.length === 0) this.#take();
    return true;
  }

  /** Has the memories it trains for itself. */
  #take(): void {
    const { what, frozen } = this.#training!;
    const memories = this.built.weights.trained(frozen);
    const other = memories.find(({ trainer }) => trainer !== undefined && trainer !== this)?.trainer;
    if (other !== undefined) {
      throw new StateError(
        `${what}: expected a ${this.name} whose weights no other training changes, got one that shares the memory of some with a ${other.name} inside fit or step. Await that first: models that share layers are trained in turns.`,
      );
    }
    for (const memory of memories) memory.trainer = this;
  }

  endTraining(): void {
    this.#training = undefined;
    for (const memory of this.trained) {
      memory.trainer = undefined;
      memory.endTraining();
    }
  }

  /** Sets all parameters and buffers, or if not strict those given, or none: all is checked first. Before the first build they are kept until it. */
  setWeights(
    weights: ReadonlyMap<string, NdArray>,
    options: WeightOptions = {},
    what = `${this.name}.setWeights`,
  ): UnsharedWeights | undefined {
    this.checkIdle('setWeights');
    check(what, 'weights', weights, arrayMap);
    const strict = strictOf(what, options);
    if (!this.isBuilt) {
      this.#pending.set(what, copyArrays(what, weights), strict);
      this.#given = countChange();
      return undefined;
    }
    const unshared = checkWeights(what, this.layout, weights, strict);
    this.built.weights.set(weights);
    this.settle();
    return unshared;
  }

  /**
   * The same while the event loop goes on, with weights that nobody changes.
   * @param what the call they are of, as errors name it
   * @returns what sets them
   */
  async weightsToSet(weights: ReadonlyMap<string, NdArray>, options: WeightOptions = {}, what = this.name): Promise<() => void> {
    if (!this.isBuilt) return () => void this.setWeights(weights, options, what);
    this.checkIdle('setWeights');
    checkWeights(what, this.layout, weights, strictOf(what, options));
    const letGo = this.hold();
    try {
      const set = await this.built.weights.toSet(weights);
      return () => {
        this.checkIdle('setWeights');
        set();
        this.settle();
      };
    } finally {
      letGo();
    }
  }

  /** Sets the parameters and buffers that a fit under way trains. */
  restore(weights: ReadonlyMap<string, NdArray>): void {
    this.built.weights.set(weights, this.trained);
  }

  checkIdle(what: string): void {
    if (this.isTraining)
      throw new StateError(`${what}: expected a model that is not training, got one inside fit or step. Await it first, or abort the fit.`);
  }

  /** A part that was entered, for input of these sizes. */
  #complete(built: Built, rows: readonly TensorType[], count: number): Built {
    const home = this.#elsewhere!;
    const reason = this.#served.refusal(rows, count);
    if (reason !== undefined) {
      throw new ShapeError(
        `${this.name}: expected input for the weights it has as "${home.path}" of a ${home.model.name}, got ${formatInputs(rows)}.${reason}`,
      );
    }
    const complete = { ...built, rows, count };
    this.#part = { home, built: complete };
    return complete;
  }
}

/** A layer as a model by itself, with the weights of the one it is a part of. */
function partOf(home: Home): Built {
  const { weights, count, seed } = home.model.built;
  return { weights: weights.below(home.path), rows: home.rows, count, seed };
}
