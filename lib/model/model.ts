/** The data behind a layer that is used as a model: one native memory with all parameters and buffers. */
import { NdArray } from '../array.js';
import { arrayMap, copyArrays } from '../array-check.js';
import type { Control } from '../control.js';
import { ShapeError, StateError } from '../errors.js';
import { sizeOf } from '../graph/shape.js';
import type { Tensor, TensorType } from '../graph/tensor.js';
import type { ReadWeights } from '../graph/trace-context.js';
import type { Program } from '../compile/program.js';
import type { NumericArray } from '../native.js';
import { check } from '../options.js';
import { checkedSeed } from '../random.js';
import { inputTensors } from './batch-source.js';
import { formatInputs } from './data.js';
import { firstTrace } from './first-trace.js';
import { classOf } from './forward.js';
import { Copies } from './copies.js';
import { Filling } from './filling.js';
import { type Home, type Places, countChange, homeOf, placesIn, settleIn, weightsToCome } from './home.js';
import { Layout } from './layout.js';
import { Predictor } from './predictor.js';
import { ServedSizes } from './served-sizes.js';
import { type AnyLayer, type Trace, type TraceOptions, resolveIn, trace } from './trace.js';
import { type Reading, StateMemory } from './state-memory.js';
import { PendingWeights } from './pending-weights.js';
import { type UnsharedWeights, type WeightOptions, checkWeights, strictOf } from './weights.js';

/** What exists once the input sizes are known. */
export interface Built {
  readonly layout: Layout;
  readonly memory: StateMemory;
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
  /** Its weights are more than first values that nobody relied on: trained, set, or read by other programs. */
  isKept = false;
  #built: Built | undefined;
  /** Its place in another model. */
  #part: { readonly home: Home; readonly built: Built } | undefined;
  /** It stays built whatever becomes of the call that built it. */
  #isSettled = false;
  /** Of its layers. */
  #places: Places = new Map();
  /** What comes into its own memory before that is read. */
  #filling: Filling | undefined;
  /** changesSoFar() as its weights were last changed, by runs of training or by setting them. */
  changes = 0;
  /** Calls under way that rely on it as it is built now. */
  #holders = 0;
  /** Input sizes other than those it was built with that its parameters serve. */
  readonly #served: ServedSizes = new ServedSizes((inputs) => this.trace(inputs).parameters.size === this.built.layout.parameters.length);
  /** What was set before the first build. */
  readonly #pending: PendingWeights = new PendingWeights();

  /** The call that trains it. */
  #training: string | undefined;
  #isChanging = false;
  /** While weights on their way are of what it has now. */
  #isLoading = false;

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

  /** Types of one row of each input. @throws StateError unless they are known */
  get rows(): readonly TensorType[] {
    const { rows } = this.built;
    if (rows !== undefined) return rows;
    const { model, path } = this.#elsewhere!;
    throw new StateError(
      `${this.name}: expected a layer whose input size is known, got one that a ${model.name} has by scope.enter() as "${path}", which does not tell it. Call predict or build([...sizes]) first.`,
    );
  }

  /** Its own memory, or its place in that of the model it is a part of. */
  get #known(): Built | undefined {
    const home = this.#elsewhere;
    this.owner.#follow();
    if (home === undefined) return this.#built;
    if (this.#part?.home !== home) this.#part = { home, built: partOf(home) };
    return this.#part.built;
  }

  /** The model that has its weights, if that is another. */
  get #elsewhere(): Home | undefined {
    const home = homeOf(this.root);
    return home?.model === this ? undefined : home;
  }

  /** The model that has its weights: this one, or the one it is a part of. */
  get owner(): Model {
    return this.#elsewhere?.model ?? this;
  }

  /** Until this model is trained or set, layers owned by another model mirror that model's weights. fill() copies them. */
  #follow(): void {
    if (this.isKept || this.#training !== undefined || this.#isLoading || this.#built === undefined) return;
    if (this.#filling?.copies.areCurrent === false) this.#filling.copies.take();
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
    if (built === undefined) return this.#create(rows, seed, this.#pending, count);
    if (built.rows === undefined) return this.#complete(built, rows, count);
    this.#served.check(this.name, built.rows, rows, count);
    return built;
  }

  /** From now on its layers stay here, and bring their weights along to other models. */
  keep(): void {
    const at = this.owner;
    at.settle();
    if (at.isKept) return;
    // Another model may have been built with them since.
    settleIn(at.#places);
    at.isKept = true;
    at.#filling?.copies.stop();
  }

  /** Weights that were set before it was built, for a layout of its own. @throws as setWeights, unless they fit */
  weightsToCome(layout: Layout): ReadonlyMap<string, NdArray> {
    return this.#pending.of(layout);
  }

  /** Writes what is left of the first values and of copies. A model whose initialisers fail is not built. */
  fill(): void {
    const at = this.owner;
    try {
      at.#filling?.write();
    } catch (error) {
      if (!this.#isSettled) this.#built = undefined;
      throw error;
    }
  }

  /** The same in pieces, before a run off this thread. */
  async #fillInPieces(): Promise<void> {
    await this.owner.#filling?.writeInPieces();
  }

  /** Builds with given weights instead of initial values; like `build` it does not settle. @param what the call they are of, as errors name it */
  async buildWith({ rows, count }: Sizes, weights: ReadonlyMap<string, NdArray>, what = this.name): Promise<void> {
    this.#create(rows, this.seed, new PendingWeights().set(what, weights, true), count);
    const letGo = this.hold();
    try {
      await this.#fillInPieces();
    } finally {
      letGo();
    }
  }

  /** Called as the first run begins: the model keeps its sizes and weights from now on. */
  settle(): void {
    if (this.#isSettled || this.#built === undefined) return;
    settleIn(this.#places);
    this.#isSettled = true;
    this.#pending.clear();
  }

  /**
   * Before programs run off this thread: compiles them, writes what is left of the first values, and settles, whatever becomes of other calls meanwhile.
   * @returns false if it was stopped before: the model is as it was
   */
  async settleFor(programs: readonly Program[], control: Control): Promise<boolean> {
    const letGo = this.hold();
    try {
      for (const program of programs) await program.compiled(control);
      await control.unlessStopped(() => this.#fillInPieces());
      if (control.stopped) return false;
      this.settle();
      return true;
    } finally {
      letGo();
    }
  }

  /** As settleFor, before runs that train all but what is frozen: that is the model's own from now on. */
  async settleToTrain(programs: readonly Program[], frozen: readonly string[], control: Control): Promise<boolean> {
    if (!(await this.settleFor(programs, control))) return false;
    // Another model may have been built with it and used since the call began.
    if (this.#training !== undefined) this.#checkOwn(this.#training);
    this.keep();
    this.#filling?.copies.own(frozen);
    return true;
  }

  /** Until it is let go the model, if it is built, stays as it is built now, whatever becomes of other calls. @returns what lets it go */
  hold(): () => void {
    if (this.#built === undefined) return () => undefined;
    this.#holders++;
    return () => this.#holders--;
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
    if (this.#isSettled || this.#holders > 0) return;
    this.#built = undefined;
    this.#filling = undefined;
  }

  #create(rows: readonly TensorType[], seed: bigint, given: PendingWeights, count: number): Built {
    const { layers, requests, count: least } = firstTrace(this.root, rows, seed, count);
    const layout = Layout.of(requests);
    const weights = given.of(layout);
    const places = placesIn(this, layers);
    const toCome = given.areWhole ? undefined : weightsToCome(places, layout);
    const copies = new Copies(places, layout, new Set(weights.keys()));
    if (given.areWhole) copies.forget();

    const memory = new StateMemory('parameters', layout.size);
    const valuesOf = (path: string): NumericArray | undefined => weights.get(path)?.data ?? toCome?.get(path);
    this.#filling = new Filling(memory, layout, copies, seed, valuesOf);
    this.#served.clear();
    this.#places = places;
    this.isKept = !given.isEmpty;
    this.#built = { layout, memory, rows, count: least, seed };
    return this.#built;
  }

  /** @param options seed by default that of its first values; in training mode only if asked for */
  trace(
    inputs: readonly Tensor[],
    { training = false, seed = this.built.seed, ...rest }: Partial<Omit<TraceOptions, 'resolve'>> = {},
  ): Trace {
    const { layout, memory } = this.built;
    const traced = trace(this.root, inputs, { training, seed, ...rest, resolve: resolveIn(layout, memory.slot, inputs) });
    const missing = layout.parameters.find(({ path }) => !traced.parameters.has(path));
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
    const values = this.values();
    return byPath(this.built.layout, (begin, end) => values.slice(begin, end));
  }

  /** The same of one moment, made while the event loop goes on. */
  async snapshot(): Promise<Map<string, NdArray<Float32Array>>> {
    // Of this moment too: the model may be built for other sizes meanwhile.
    const { layout } = this.built;
    const values = await this.valuesInPieces();
    return byPath(layout, (begin, end) => values.subarray(begin, end));
  }

  /** The whole memory as `snapshot`. */
  valuesInPieces(): Promise<Float32Array> {
    const { memory } = this.built;
    this.fill();
    return memory.snapshot(this.isChanging);
  }

  /** A copy of the whole memory, all of one step. */
  values(): Float32Array {
    const { memory } = this.built;
    this.fill();
    return memory.values();
  }

  /**
   * The weights of this moment for several runs, whatever trains or sets them meanwhile. To be ended after them.
   * @param isShort over as soon as a copy of the weights: one run, which within a fit sees those of some finished step
   */
  read(isShort = false): Reading {
    this.checkBuilt();
    const brief = this.isTraining ? 'loose' : 'short';
    return this.owner.#filling!.read(this.isChanging, isShort ? brief : 'long');
  }

  /** The same for runs on this thread. */
  readSync(): Reading {
    const { memory } = this.built;
    this.fill();
    return memory.readSync(this.isChanging);
  }

  /** Inside fit or step. */
  get isTraining(): boolean {
    return this.#training !== undefined || this.#elsewhere?.model.isTraining === true;
  }

  /**
   * Until `endTraining()` its weights may change in place, but for those frozen.
   * @throws StateError, naming `what`, if its weights are a part of another model's, or if what is frozen was copied from what was trained since
   */
  beginTraining(what: string, frozen: readonly string[]): void {
    this.#checkOwn(what);
    this.#follow();
    if (this.#built !== undefined) this.#filling?.copies.checkFrozen(what, this.name, frozen, () => this.values());
    this.#training = what;
  }

  /** Before runs that train it by what outputOf takes. @throws StateError if that stays behind copies that others train */
  checkRead(read: readonly ReadWeights[]): void {
    for (const weights of read) weights.check(this.#places);
  }

  /** Whether it has a copy of the layer that was trained or set here. */
  hasOwnCopyOf(layer: AnyLayer): boolean {
    return this.owner.#filling?.copies.isOwn(layer) === true;
  }

  endTraining(): void {
    this.#training = undefined;
    this.#built?.memory.endTraining();
  }

  /** A run is changing its weights at this moment. */
  get isChanging(): boolean {
    return this.owner.#isChanging;
  }

  /** A run that changes its weights. */
  async changing<T>(run: () => Promise<T>): Promise<T> {
    this.#isChanging = true;
    this.countChange();
    try {
      return await run();
    } finally {
      this.#isChanging = false;
      this.#built?.memory.endRun();
      this.countChange();
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
    const built = this.#known;
    if (built === undefined) {
      this.#pending.set(what, copyArrays(what, weights), strict);
      this.countChange();
      return undefined;
    }
    const unshared = checkWeights(what, built.layout, weights, strict);
    const isWhole = strict && this.#elsewhere === undefined;
    const values = this.#valuesWith(weights, isWhole ? new Float32Array(built.layout.size) : this.values());
    this.#put(weights, isWhole, () => built.memory.set(values));
    return unshared;
  }

  /**
   * The same while the event loop goes on, with weights that nobody changes.
   * @param what the call they are of, as errors name it
   * @returns what sets them
   */
  async weightsToSet(weights: ReadonlyMap<string, NdArray>, options: WeightOptions = {}, what = this.name): Promise<() => void> {
    const built = this.#known;
    if (built === undefined) return () => void this.setWeights(weights, options, what);
    this.checkIdle('setWeights');
    const strict = strictOf(what, options);
    checkWeights(what, built.layout, weights, strict);
    const isWhole = strict && this.#elsewhere === undefined;
    const letGo = this.hold();
    this.#isLoading = true;
    try {
      if (!isWhole) await this.#fillInPieces();
      const replace = await built.memory.replacement(built.layout.placed(weights), !isWhole);
      return () => {
        this.checkIdle('setWeights');
        this.#put(weights, isWhole, replace);
      };
    } finally {
      this.#isLoading = false;
      letGo();
    }
  }

  /** Sets all parameters and buffers within a fit. Unlike setWeights it makes no frozen copy the model's own. */
  restore(weights: ReadonlyMap<string, NdArray>): void {
    this.built.memory.set(this.#valuesWith(weights, this.values()));
    this.countChange();
  }

  /** Values of its whole memory, once these weights are written into them. */
  #valuesWith(weights: ReadonlyMap<string, NdArray>, values: Float32Array): Float32Array {
    for (const [value, offset] of this.built.layout.placed(weights)) values.set(value, offset);
    return values;
  }

  /** Sets weights, which are the model's own from now on. @param isWhole they are all it has */
  #put(weights: ReadonlyMap<string, NdArray>, isWhole: boolean, write: () => void): void {
    if (isWhole) this.#filling?.forget();
    this.keep();
    write();
    this.countChange();
    this.#filling?.copies.ownWhole(weights);
  }

  /** Its weights have been changed. */
  countChange(): void {
    this.owner.changes = countChange();
  }

  /** @throws StateError if its weights are a part of another model's */
  #checkOwn(what: string): void {
    const home = this.#elsewhere;
    if (home === undefined) return;
    throw new StateError(
      `${what}: expected a model with weights of its own, got a ${this.name} that is "${home.path}" of a built ${home.model.name} and has them there. Train that model, or a new layer.`,
    );
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

/** A layer as a model by itself, in the memory of the one it is a part of. */
function partOf(home: Home): Built {
  const { layout, memory, count, seed } = home.model.built;
  return { layout: layout.below(home.path), memory, rows: home.rows, count, seed };
}

function byPath({ entries }: Layout, part: (begin: number, end: number) => Float32Array): Map<string, NdArray<Float32Array>> {
  return new Map(entries.map(({ path, shape, offset }) => [path, new NdArray(part(offset, offset + sizeOf(shape)), shape)]));
}
