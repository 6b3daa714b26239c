/** Runs steps: the programs of a trainer, the memories they want, the optimizer's state and the step count. */
import type { NdArray } from '../array.js';
import type { Augmentation } from '../data/augment/augmentation.js';
import { augmentedRow } from '../data/augment/pipeline.js';
import { DTypeError, DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import type { MemorySlot } from '../graph/source.js';
import type { TensorType } from '../graph/tensor.js';
import { CarriedState } from '../model/carried-state.js';
import { batchRuns, checkFiniteData, countRows, evaluationRows, inputList, memoryOf, rowType } from '../model/data.js';
import type { Built, Model } from '../model/model.js';
import { positionOf } from '../losses/class-ids.js';
import { ElementwiseLoss } from '../losses/elementwise-loss.js';
import { type MemoryHandle, native } from '../native.js';
import { kindOf, nonNegative } from '../options.js';
import { Recent } from '../recent.js';
import { arraysOf, typesOf } from './batch-types.js';
import { batchesOf } from './batches.js';
import { type Batch, type BatchSource, type TrainerOptions, isBatch } from './options.js';
import { type Feed, type Recipe, type StepProgram, evaluationProgram, trainingProgram } from './programs.js';
import { Scratch } from './scratch.js';
import { type Control, runSteps } from './session.js';
import { Slots } from './slots.js';
import { Totals } from './totals.js';

/** Milliseconds between progress reports. */
export const progressInterval = 50;
/** Programs kept for batches of different sizes. */
const maxPrograms = 16;

export type Binding = readonly [MemorySlot, MemoryHandle];

/** How a stretch of training steps is watched and stopped. */
export interface Watch {
  readonly control: Control;
  /** One instruction at a time, with the layer of the first NaN or infinity. */
  readonly debug: boolean;
  /** Called now and then with the last loss and the steps finished. Never rejects. */
  readonly report: ((loss: number, done: number) => Promise<unknown>) | undefined;
}

/** What a training step does beside the usual. */
export interface StepOptions {
  readonly augmentations?: readonly Augmentation[];
  /** Go on with the states the step before left. */
  readonly carryState?: boolean;
}

/** How an evaluation goes through its data. */
export interface EvaluationOptions {
  /** Rows a step. Default: 256. */
  readonly batchSize?: number | undefined;
  readonly carryState?: boolean;
  readonly checkFinite?: boolean;
}

/** Loss and metrics over all data, with the weights of the moment. */
export type Evaluation = (control: Control) => Promise<Totals>;

/** @throws DataError unless the rows fill batches of one size, as carried states need */
export function checkWholeBatches(what: string, rows: number, batchSize: number): void {
  const size = Math.min(batchSize, rows);
  if (rows % size === 0) return;
  throw new DataError(
    `${what}: expected a multiple of batchSize ${size} rows with carryState, got ${rows}. Leave out the last ${rows % size}, or change batchSize.`,
  );
}

/** Batches that carried states go through have as many rows as the first. */
export class SameRows {
  readonly #what: string;
  #rows: number | undefined;
  #batches = 0;

  constructor(what: string) {
    this.#what = what;
  }

  check(rows: number): void {
    this.#batches++;
    this.#rows ??= rows;
    if (rows === this.#rows) return;
    throw new DataError(
      `${this.#what}: expected ${this.#rows} rows in every batch with carryState, got ${rows} in batch ${this.#batches}. Row i goes on in row i of the next.`,
    );
  }
}

/** What a trainer has for its model as that is built. */
interface Equipment {
  readonly built: Built;
  readonly programs: Recent<StepProgram>;
  /** States that go on from batch to batch, by what they are for and the rows of a batch. */
  readonly carried: Map<string, CarriedState>;
  slots?: Slots;
}

export class Stepper {
  readonly model: Model;
  readonly seed: bigint;
  /** Training steps done so far. */
  steps = 0;
  /** A run is changing the weights at this moment. */
  running = false;
  readonly #options: TrainerOptions;
  /** Numbers for the keys of programs. */
  readonly #augmentations = new WeakMap<Augmentation, number>();
  #augmentationCount = 0;
  readonly #augmentedRows = new Recent<TensorType>(maxPrograms);
  readonly #scratch: Scratch = new Scratch();
  #known: Equipment | undefined;

  constructor(model: Model, options: TrainerOptions) {
    this.model = model;
    this.seed = options.seed === undefined ? model.seed : BigInt(options.seed);
    this.#options = options;
  }

  /** The optimizer's state; the model must be built. */
  get slots(): Slots {
    const equipment = this.#equipment;
    return (equipment.slots ??= new Slots(this.#options.optimizer, equipment.built.layout.parameterSize));
  }

  get #equipment(): Equipment {
    const { built } = this.model;
    if (this.#known?.built !== built) this.#known = { built, programs: new Recent(maxPrograms), carried: new Map() };
    return this.#known;
  }

  totals(): Totals {
    return new Totals(this.#options.loss, this.#options.metrics ?? []);
  }

  /**
   * Checks the arrays of a batch against each other and the model, building the model if this is the first data it sees.
   * @returns the number of rows
   */
  check(what: string, batch: Batch, finite = false, augmentations: readonly Augmentation[] = []): number {
    if (!isBatch(batch)) throw new DataError(`${what}: expected { x, y } of arrays, got ${kindOf(batch)}.`);
    const { x, y, sampleWeight } = batch;
    const inputs = inputList(x);
    const count = countRows(what, arraysOf(batch));
    if (sampleWeight !== undefined) checkSampleWeight(what, sampleWeight);
    if (finite) {
      for (const x of inputs) checkFiniteData(`${what} x`, x);
      const { loss } = this.#options;
      if (!(loss instanceof ElementwiseLoss && loss.ignoreNaN)) checkFiniteData(`${what} y`, y);
    }
    if (augmentations.length > 0 && inputs.length !== 1)
      throw new ShapeError(`${what}: expected one input x for augment, got ${inputs.length}. Augment before, or leave it out.`);
    const rows = augmentations.length === 0 ? inputs.map(rowType) : [this.#augmentedRow(rowType(inputs[0]!), rowType(y), augmentations)];
    naming(what, () => this.model.build(rows, this.seed));
    return count;
  }

  /** Looks at the values: the loss at the targets, and the inputs for what layers expect of them. */
  checkValues(what: string, { x, y }: Batch, { predictionShape, expectations }: StepProgram): void {
    naming(what, () => this.#options.loss.validate(y, predictionShape.with(0, y.shape[0]!)));
    const inputs = inputList(x);
    for (const { input, layer, least, most } of expectations) {
      const data = inputs[input]!;
      const at = data.data.findIndex((value) => value < least || value > most);
      if (at < 0) continue;
      throw new DataError(
        `${what}: expected ${least} … ${most} in input ${input} for ${layer}, got ${data.data[at]!} at row ${positionOf(at, data)}.`,
      );
    }
  }

  trainingProgram(batch: Batch, rows: number, feed: Feed, { augmentations = [], carryState = false }: StepOptions = {}): StepProgram {
    const types = typesOf(batch);
    const carried = carryState ? this.#carriedState('train', rows) : undefined;
    const key = JSON.stringify(['train', types, rows, feed, this.#numbersOf(augmentations), carryState]);
    return this.#equipment.programs.get(key, () => trainingProgram(this.#recipe(carried), this.slots, types, rows, feed, augmentations));
  }

  /** Carried states begin again at zeros. */
  resetStates(): void {
    for (const state of this.#known?.carried.values() ?? []) state.reset();
  }

  /** `steps` training steps of `rows` rows each. @returns the number finished: fewer if stopped */
  async train(
    program: StepProgram,
    bindings: readonly Binding[],
    steps: number,
    rows: number,
    totals: Totals,
    watch: Watch,
  ): Promise<number> {
    const { memory, slot } = this.model.built;
    const { width } = program.results;
    const results = this.#scratch.get('results', steps * program.results.slot.stride);
    const scalars = this.#scratch.filled('scalars', this.#scalarValues(steps));
    const memories = new Map<MemorySlot, MemoryHandle>([
      ...bindings,
      ...(program.carried?.bindings ?? []),
      [slot, memory],
      [this.slots.slot, this.slots.memory],
      [program.scalars!, scalars],
      [program.results.slot, results],
    ]);
    this.model.settle();
    const progress = new ProgressTimer(watch, results, width);
    this.running = true;
    try {
      const done = await runSteps(program.program, memories, steps, this.steps, watch.control, watch.debug);
      const values = this.#scratch.floats('results', done * width);
      native().readMemory(results, 0, values);
      totals.add(values, rows, program.results);
      return done;
    } finally {
      this.running = false;
      this.steps += watch.control.done;
      progress.end();
    }
  }

  /** One training step on a batch of its own, which `check` has seen. */
  async trainBatch(what: string, batch: Batch, rows: number, totals: Totals, watch: Watch, options: StepOptions = {}): Promise<void> {
    const program = this.trainingProgram(batch, rows, { kind: 'direct' }, options);
    this.checkValues(what, batch, program);
    await this.train(program, this.#bindData(program, batch, this.#scratch), 1, rows, totals, watch);
  }

  /** Rows of an order a data set is gone through in, for the steps that follow. */
  bindIndex(program: StepProgram, order: Int32Array): Binding {
    return [program.index!, this.#scratch.filled('index', order)];
  }

  /** Checks arrays, copies them and compiles for them. Nothing is allocated when the result is called but states that are carried. */
  evaluation(what: string, batch: Batch, options: EvaluationOptions): Evaluation {
    const { batchSize = evaluationRows, carryState = false, checkFinite = false } = options;
    const count = this.check(what, batch, checkFinite);
    if (carryState) checkWholeBatches(what, count, batchSize);
    const programs = batchRuns(count, Math.min(batchSize, count)).map((run) => ({
      ...run,
      program: naming(what, () => this.#evaluationProgram(batch, run.rows, carryState)),
    }));
    this.checkValues(what, batch, programs[0]!.program);
    // Copied now: the caller may change or transfer its arrays meanwhile.
    const runs = programs.map(({ program, begin, rows, steps }) => {
      const part = (x: NdArray): MemoryHandle => memoryOf(x.rows(begin, begin + rows * steps));
      const data = arraysOf(batch).map((x, i): Binding => [program.data[i]!, part(x)]);
      return { program, rows, steps, data, scratch: new Scratch() };
    });
    return async (control) => {
      const totals = this.totals();
      for (const { program, rows, steps, data, scratch } of runs) {
        const bindings = [...data, ...(program.carried?.fresh() ?? [])];
        await this.#evaluate(program, bindings, steps, rows, totals, scratch, control);
      }
      return totals;
    };
  }

  /** The same for batches as they come, each checked then. */
  streamEvaluation(what: string, source: BatchSource, { carryState = false, checkFinite = false }: EvaluationOptions): Evaluation {
    return async (control) => {
      const totals = this.totals();
      const scratch = new Scratch();
      const sameRows = new SameRows(what);
      let states: readonly Binding[] | undefined;
      for await (const batch of batchesOf(what, source, control)) {
        const rows = this.check(what, batch, checkFinite);
        if (carryState) sameRows.check(rows);
        const program = naming(what, () => this.#evaluationProgram(batch, rows, carryState));
        this.checkValues(what, batch, program);
        states ??= program.carried?.fresh() ?? [];
        await this.#evaluate(program, [...this.#bindData(program, batch, scratch), ...states], 1, rows, totals, scratch, control);
      }
      return totals;
    };
  }

  async #evaluate(
    { program, results }: StepProgram,
    bindings: readonly Binding[],
    steps: number,
    rows: number,
    totals: Totals,
    scratch: Scratch,
    control: Control,
  ): Promise<void> {
    const { memory, slot } = this.model.built;
    const figures = scratch.get('results', steps * results.slot.stride);
    this.model.settle();
    const done = await program.run(new Map([...bindings, [results.slot, figures], [slot, memory]]), steps, 0, control.words);
    const values = scratch.floats('results', done * results.width);
    native().readMemory(figures, 0, values);
    totals.add(values, rows, results);
  }

  /** Copies a batch to where the program reads it. */
  #bindData(program: StepProgram, batch: Batch, scratch: Scratch): readonly Binding[] {
    return arraysOf(batch).map(({ data }, i): Binding => [program.data[i]!, scratch.filled(`data ${i}`, data)]);
  }

  #augmentedRow(x: TensorType, y: TensorType, augmentations: readonly Augmentation[]): TensorType {
    const key = JSON.stringify([x, y, this.#numbersOf(augmentations)]);
    return this.#augmentedRows.get(key, () => augmentedRow(x, y, augmentations));
  }

  #numbersOf(augmentations: readonly Augmentation[]): readonly number[] {
    return augmentations.map((augmentation) => {
      const known = this.#augmentations.get(augmentation) ?? this.#augmentationCount++;
      this.#augmentations.set(augmentation, known);
      return known;
    });
  }

  #recipe(carried: CarriedState | undefined): Recipe {
    const { loss, optimizer, metrics = [], penalties = [], clipNorm, clipValue, frozen = [] } = this.#options;
    return { model: this.model, loss, optimizer, metrics, penalties, clipNorm, clipValue, frozen, seed: this.seed, carried };
  }

  #evaluationProgram(batch: Batch, rows: number, carryState: boolean): StepProgram {
    const types = typesOf(batch);
    const carried = carryState ? this.#carriedState('evaluate', rows) : undefined;
    const key = JSON.stringify(['evaluate', types, rows, carryState]);
    return this.#equipment.programs.get(key, () => evaluationProgram(this.#recipe(carried), types, rows));
  }

  #carriedState(purpose: 'train' | 'evaluate', rows: number): CarriedState {
    const { carried } = this.#equipment;
    const key = `${purpose} ${rows}`;
    const known = carried.get(key) ?? new CarriedState();
    carried.set(key, known);
    return known;
  }

  /** The optimizer's scalars for the next steps, one row a step. */
  #scalarValues(steps: number): Float32Array {
    const { optimizer } = this.#options;
    const width = optimizer.scalars.length;
    const values = this.#scratch.floats('scalars', steps * width);
    for (let i = 0; i < steps; i++) {
      const step = this.steps + i;
      optimizer.writeScalars(values, i * width, step, rateAt(optimizer.lr, step));
    }
    return values;
  }
}

/** @throws OptionError if a schedule gives anything but a number ≥ 0 */
function rateAt(lr: TrainerOptions['optimizer']['lr'], step: number): number {
  if (typeof lr !== 'function') return lr;
  const rate: unknown = lr(step);
  if (nonNegative.accepts(rate)) return rate as number;
  const got = typeof rate === 'number' ? rate : kindOf(rate);
  throw new OptionError(`Trainer: expected ${nonNegative.expected} from the schedule of lr for step ${step}, got ${got}.`);
}

/** @throws ShapeError, DTypeError or DataError unless it is one number ≥ 0 a row */
function checkSampleWeight(what: string, weights: NdArray): void {
  if (weights.rank !== 1)
    throw new ShapeError(`${what}: expected one number a row [N] for sampleWeight, got ${formatShape(weights.shape)}.`);
  if (weights.dtype !== 'float32') throw new DTypeError(`${what}: expected float32 for sampleWeight, got ${weights.dtype}.`);
  const at = weights.data.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (at >= 0) throw new DataError(`${what}: expected numbers ≥ 0 for sampleWeight, got ${weights.data[at]!} at row ${at}.`);
}

/** What fails is said to be about `what`. */
function naming<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

/** Reports now and then while steps run. */
class ProgressTimer {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor({ control, report }: Watch, results: MemoryHandle, width: number) {
    if (report === undefined) return;
    const last = new Float32Array(1);
    this.#timer = setInterval(() => {
      const { done } = control;
      if (done === 0) return;
      native().readMemory(results, (done - 1) * width * 4, last);
      void report(last[0]!, done);
    }, progressInterval);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
