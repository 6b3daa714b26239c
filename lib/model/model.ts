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
import { Build, type Built } from './build.js';
import { formatInputs } from './data.js';
import { firstTrace } from './first-trace.js';
import { classOf } from './forward.js';
import { type Home, type Spots, claim, givenToLayers, homeOf, sharedOf, spotsOf } from './home.js';
import type { Layout } from './layout.js';
import { PlacedWeights } from './placed-weights.js';
import { Predictor } from './predictor.js';
import { ServedSizes } from './served-sizes.js';
import { type AnyLayer, type Trace, type TraceOptions, resolveIn, trace } from './trace.js';
import type { Reading } from './state-memory.js';
import { type Given, PendingWeights } from './pending-weights.js';
import { type WeightMemory, countChange } from './weight-memory.js';
import { type UnsharedWeights, type WeightOptions, checkWeights, initialValues, strictOf } from './weights.js';

/** What a model is built for. */
export interface Sizes {
  /** Types of one row of each input. */
  readonly rows: readonly TensorType[];
  /** Rows of a batch. */
  readonly count: number;
}

/** A call that trains a model. */
interface Training {
  readonly what: string;
  /** What it leaves alone. */
  readonly frozen: readonly string[];
  /** The weights that it trains, once the model is built, and their memories that it changes. */
  readonly weights: PlacedWeights | undefined;
  readonly memories: readonly WeightMemory[];
}

/** @internal */
export class Model {
  readonly root: AnyLayer;
  /** Which may be gone. */
  #build: Build | undefined;
  /** Its place in another model. */
  #part: { readonly home: Home; readonly built: Built } | undefined;
  /** countChange() of the last weights that were set before the first build, and of the last of them that a load set. */
  #given = 0;
  #loaded = 0;
  /** Input sizes other than those it was built with that its parameters serve. */
  readonly #served: ServedSizes = new ServedSizes((inputs) => this.trace(inputs).parameters.size === this.layout.parameters.length);
  /** What was set before the first build. */
  readonly #pending: PendingWeights = new PendingWeights();

  #training: Training | undefined;

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
    const { build, path } = this.#home!;
    throw new StateError(
      `${this.name}: expected a layer whose input size is known, got one that a ${build.name} has by scope.enter() as "${path}", which does not tell it. Call predict or build([...sizes]) first.`,
    );
  }

  /** Built itself, or as a part of another model. */
  get #known(): Built | undefined {
    if (this.#build?.isGone === false) return this.#build;
    const home = this.#home;
    if (home === undefined) return undefined;
    if (this.#part?.home !== home) this.#part = { home, built: partOf(home) };
    return this.#part.built;
  }

  /** Its place in the model that has its weights, if that is another. */
  get #home(): Home | undefined {
    const home = homeOf(this.root);
    return home?.build === this.#build ? undefined : home;
  }

  /** Built for itself, or for the model that it is a part of. */
  get #source(): Build | undefined {
    return this.#build?.isGone === false ? this.#build : this.#home?.build;
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
    if (built === undefined) return this.#create({ rows, count }, seed, true);
    if (built.rows === undefined) return this.#complete(built, rows, count);
    this.#served.check(this.name, built.rows, rows, count);
    return built;
  }

  /** Weights that were set before it was built, for a layout of its own. @throws as setWeights, unless they fit */
  givenFor(layout: Layout): ReadonlyMap<string, Given> {
    return this.#pending.of(layout);
  }

  /** Writes what is left of the first values. A model whose initialisers fail is not built. */
  fill(): void {
    try {
      this.built.weights.fill();
    } catch (error) {
      this.#build?.refuse();
      throw error;
    }
  }

  /**
   * Builds it for weights that all will be set, as its file names its sizes; those that were set before it was built are left. Like `build` it does not
   * settle.
   */
  buildFor(sizes: Sizes): void {
    this.#create(sizes, this.seed, false);
  }

  /** Called as the first run begins: the model keeps its sizes and weights from now on. */
  settle(): void {
    const source = this.#source;
    if (source === undefined) return;
    source.settle();
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
    return this.#source?.hold() ?? (() => undefined);
  }

  /** A task that may build the model. If it did and is refused before anything ran, the model is as it was, free to be built for other sizes, unless others hold it. */
  async trying<T>(task: () => Promise<T>): Promise<T> {
    const before = this.#build;
    try {
      return await task();
    } catch (error) {
      this.#unbuild(before);
      throw error;
    }
  }

  /** The same for a task on this thread. */
  tryingSync<T>(task: () => T): T {
    const before = this.#build;
    try {
      return task();
    } catch (error) {
      this.#unbuild(before);
      throw error;
    }
  }

  /** A call was refused. @param before what the model was as it began: what it was then stays */
  #unbuild(before: Build | undefined): void {
    if (this.#build !== before) this.#build?.refuse();
  }

  /** @param takesGiven weights that were set on it, or on its parts, before it was built */
  #create({ rows, count }: Sizes, seed: bigint, takesGiven: boolean): Built {
    const { layers, layout, count: least } = firstTrace(this.root, rows, seed, count);
    const spots = spotsOf(layers);
    const { places, bases } = sharedOf(spots, layout);
    const given = takesGiven ? this.#allGiven(spots, layout) : new Map<string, Given>();

    const weights = PlacedWeights.of(layout, places, function* (entry, index) {
      return given.get(entry.path)?.value.data ?? (yield* initialValues(entry, seed, index));
    });
    const build = new Build(this.name, { weights, rows, count: least, seed }, bases);
    claim(build, spots);
    this.#served.clear();
    this.#build = build;
    this.#setShared(given, new Set(places.keys()));
    return build;
  }

  #allGiven(spots: Spots, layout: Layout): ReadonlyMap<string, Given> {
    const own = this.givenFor(layout);
    return this.#pending.areWhole ? own : new Map([...givenToLayers(spots, layout), ...own]);
  }

  /** Weights of other models that were set on this one before it was built: those that nobody has set or trained since. */
  #setShared(given: ReadonlyMap<string, Given>, shared: ReadonlySet<string>): void {
    const { weights } = this.built;
    const isUnchanged = (path: string, since: number): boolean => {
      const { changes, trainedBy } = weights.place(path).memory;
      return changes < since && (trainedBy === undefined || trainedBy === this);
    };
    const values = [...given].flatMap(([path, { value, since }]) =>
      shared.has(path) && isUnchanged(path, since) ? [[path, value] as const] : [],
    );
    if (values.length === 0) return;
    weights.set(new Map(values));
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
    return this.built.weights.read(isShort);
  }

  /** The same for runs on this thread. */
  readSync(): Reading {
    return this.built.weights.readSync();
  }

  /** The memories of its weights, if it is built. */
  get #memories(): readonly WeightMemory[] {
    return this.#known?.weights.memories ?? [];
  }

  /** A run is changing its weights at this moment. */
  get isChanging(): boolean {
    return this.#memories.some(({ isChanging }) => isChanging);
  }

  /** changesSoFar() as its weights were last changed, by runs of training or by setting them. */
  get changes(): number {
    return Math.max(this.#given, ...this.#memories.map(({ changes }) => changes));
  }

  /** Whether its weights were changed since then, but by loads. @param since changesSoFar() */
  wasChangedSince(since: number): boolean {
    if (this.#given > since && this.#given !== this.#loaded) return true;
    return this.#memories.some(({ changes, loaded }) => changes > since && changes !== loaded);
  }

  /** What its weights are now a load has made of them. */
  noteLoaded(): void {
    this.#loaded = this.#given;
    for (const memory of this.#memories) memory.loaded = memory.changes;
  }

  /** The memories that its training changes. */
  get trained(): readonly WeightMemory[] {
    return this.#training?.memories ?? [];
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
    this.#training = { what, frozen, weights: undefined, memories: [] };
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
    this.#take();
    return true;
  }

  /** Has the memories it trains for itself. */
  #take(): void {
    const { what, frozen, weights: taken } = this.#training!;
    const { weights } = this.built;
    if (taken === weights) return;
    this.#letGo();
    const memories = weights.trained(frozen);
    const other = memories.find(({ trainedBy }) => trainedBy !== undefined);
    if (other !== undefined) {
      const { path } = weights.layout.entries.find((entry) => weights.place(entry.path).memory === other)!;
      throw new StateError(
        `${what}: expected a ${this.name} whose weights no other training changes, got one whose "${path}" is in the memory of a ${other.trainedBy!.name} inside fit or step. Await that first: models that share layers are trained in turns. Those that are to share nothing need layers of their own, made in a function.`,
      );
    }
    for (const memory of memories) memory.trainedBy = this;
    this.#training = { what, frozen, weights, memories };
  }

  endTraining(): void {
    this.#letGo();
    this.#training = undefined;
  }

  #letGo(): void {
    for (const memory of this.trained) {
      memory.trainedBy = undefined;
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
      this.#given = countChange();
      this.#pending.set(what, copyArrays(what, weights), strict, this.#given);
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
    this.#take();
    this.built.weights.set(weights, this.trained);
  }

  /** @throws StateError while a call trains it, or another model whose memory has weights of it */
  checkIdle(what: string): void {
    const other = this.#memories.find(({ trainedBy }) => trainedBy !== undefined && trainedBy !== this)?.trainedBy;
    if (this.#training === undefined && other === undefined) return;
    const got =
      this.#training === undefined ? `one with weights in the memory of a ${other!.name} inside fit or step` : 'one inside fit or step';
    throw new StateError(`${what}: expected a model that is not training, got ${got}. Await it first, or abort the fit.`);
  }

  /** A part that was entered, for input of these sizes. */
  #complete(built: Built, rows: readonly TensorType[], count: number): Built {
    const home = this.#home!;
    const reason = this.#served.refusal(rows, count);
    if (reason !== undefined) {
      throw new ShapeError(
        `${this.name}: expected input for the weights it has as "${home.path}" of a ${home.build.name}, got ${formatInputs(rows)}.${reason}`,
      );
    }
    const complete = { ...built, rows, count };
    this.#part = { home, built: complete };
    return complete;
  }
}

/** A layer as a model by itself, with the weights of the one it is a part of. */
function partOf({ build, path, rows }: Home): Built {
  const { weights, count, seed } = build;
  return { weights: weights.below(path), rows, count, seed };
}
