/** Runs steps: the programs of a trainer, the memories they want, the optimizer's state and the step count. */
import type { NdArray } from '../array.js';
import type { Augmentation } from '../data/augment/augmentation.js';
import { augmentedRow } from '../data/augment/pipeline.js';
import { DataError, ShapeError } from '../errors.js';
import type { MemorySlot } from '../graph/source.js';
import type { TensorType } from '../graph/tensor.js';
import { CarriedState } from '../model/carried-state.js';
import { batchRuns, checkFiniteData, countRows, inputList, rowType } from '../model/data.js';
import type { Model } from '../model/model.js';
import { type MemoryHandle, native } from '../native.js';
import type { Batch, EvaluateOptions, TrainerOptions } from './options.js';
import { type Feed, type Recipe, type StepProgram, evaluationProgram, trainingProgram } from './programs.js';
import { Scratch } from './scratch.js';
import type { Control } from './session.js';
import { runSteps } from './session.js';
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
  /** Called now and then with the last loss and the steps finished. */
  readonly report: ((loss: number, done: number) => void) | undefined;
}

/** What a training step does beside the usual. */
export interface StepOptions {
  readonly augmentations?: readonly Augmentation[];
  /** Go on with the states the step before left. */
  readonly carryState?: boolean;
}

/** @throws DataError unless the rows fill batches of one size, as carried states need */
export function checkWholeBatches(what: string, rows: number, batchSize: number): void {
  const size = Math.min(batchSize, rows);
  if (rows % size === 0) return;
  throw new DataError(
    `${what}: expected a multiple of batchSize ${size} rows with carryState, got ${rows}. Leave out the last ${rows % size}, or change batchSize.`,
  );
}

export class Stepper {
  readonly model: Model;
  readonly seed: bigint;
  /** Training steps done so far. */
  steps = 0;
  /** A run is changing the weights at this moment. */
  running = false;
  readonly #options: TrainerOptions;
  readonly #programs = new Map<string, StepProgram>();
  /** Numbers for the keys of programs. */
  readonly #augmentations = new WeakMap<Augmentation, number>();
  #augmentationCount = 0;
  readonly #scratch: Scratch = new Scratch();
  /** States that go on from batch to batch, by what they are for and the rows of a batch. */
  readonly #carried = new Map<string, CarriedState>();
  #slots: Slots | undefined;

  constructor(model: Model, options: TrainerOptions) {
    this.model = model;
    this.seed = options.seed === undefined ? model.seed : BigInt(options.seed);
    this.#options = options;
  }

  /** The optimizer's state; the model must be built. */
  get slots(): Slots {
    return (this.#slots ??= new Slots(this.#options.optimizer, this.model.built.layout.parameterSize));
  }

  totals(): Totals {
    return new Totals(this.#options.metrics ?? []);
  }

  /**
   * Checks the arrays of a batch against each other and the model, building the model if this is the first data it sees.
   * @returns the number of rows
   */
  check(what: string, { x, y }: Batch, finite = false, augmentations: readonly Augmentation[] = []): number {
    const inputs = inputList(x);
    const count = countRows(what, [...inputs, y]);
    if (finite) [...inputs, y].forEach((data, i) => checkFiniteData(`${what} ${i < inputs.length ? 'x' : 'y'}`, data));
    if (augmentations.length > 0 && inputs.length !== 1)
      throw new ShapeError(`${what}: expected one input x for augment, got ${inputs.length}. Augment before, or leave it out.`);
    const rows = augmentations.length === 0 ? inputs.map(rowType) : [augmentedRow(rowType(inputs[0]!), rowType(y), augmentations)];
    this.model.build(rows, this.seed);
    return count;
  }

  /** Lets the loss look at the targets. */
  checkTargets(what: string, { y }: Batch, program: StepProgram): void {
    try {
      this.#options.loss.validate(y, program.predictionShape.with(0, y.shape[0]!));
    } catch (error) {
      if (error instanceof Error) error.message = `${what}: ${error.message}`;
      throw error;
    }
  }

  trainingProgram({ x, y }: Batch, rows: number, feed: Feed, { augmentations = [], carryState = false }: StepOptions = {}): StepProgram {
    const types = inputList(x).map(rowType);
    const carried = carryState ? this.#carriedState('train', rows) : undefined;
    const key = JSON.stringify(['train', types, rowType(y), rows, feed, augmentations.map((one) => this.#numberOf(one)), carryState]);
    return this.#cached(key, () => trainingProgram(this.#recipe(carried), this.slots, types, rowType(y), rows, feed, augmentations));
  }

  /** Carried states begin again at zeros. */
  resetStates(): void {
    for (const state of this.#carried.values()) state.reset();
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
    const width = program.results.stride / 4;
    const results = this.#scratch.get('results', steps * program.results.stride);
    const scalars = this.#scratch.filled('scalars', this.#scalarValues(steps));
    const memories = new Map<MemorySlot, MemoryHandle>([
      ...bindings,
      ...(program.carried?.bindings ?? []),
      [slot, memory],
      [this.slots.slot, this.slots.memory],
      [program.scalars!, scalars],
      [program.results, results],
    ]);
    const timer = watch.report && setInterval(() => reportProgress(watch, results, width), progressInterval);
    this.running = true;
    try {
      const done = await runSteps(program.program, memories, steps, this.steps, watch.control, watch.debug);
      const values = this.#scratch.floats('results', done * width);
      native().readMemory(results, 0, values);
      totals.add(values, rows);
      return done;
    } finally {
      this.running = false;
      clearInterval(timer);
      this.steps += watch.debug ? steps : watch.control.done;
    }
  }

  /** One training step on a batch of its own. */
  async trainBatch(batch: Batch, totals: Totals, watch: Watch, options: StepOptions = {}): Promise<void> {
    const rows = this.check('step', batch, false, options.augmentations);
    const program = this.trainingProgram(batch, rows, { kind: 'direct' }, options);
    this.checkTargets('step', batch, program);
    await this.train(program, this.bindData(program, batch, this.#scratch), 1, rows, totals, watch);
  }

  /** Rows of an order a data set is gone through in, for the steps that follow. */
  bindIndex(program: StepProgram, order: Int32Array): Binding {
    return [program.index!, this.#scratch.filled('index', order)];
  }

  /** Copies a batch to where the program reads it. */
  bindData(program: StepProgram, { x, y }: Batch, scratch: Scratch): readonly Binding[] {
    return [
      ...inputList(x).map((input, i): Binding => [program.inputs[i]!, scratch.filled(`input ${i}`, input.data)]),
      [program.target, scratch.filled('target', y.data)],
    ];
  }

  /** Loss and metrics over all rows. Memories are those of `scratch`, so that repeated evaluations allocate nothing. */
  async evaluate(
    batch: Batch,
    { batchSize = 256, carryState = false }: EvaluateOptions,
    scratch: Scratch = new Scratch(),
  ): Promise<Totals> {
    const count = this.check('evaluate', batch);
    if (carryState) checkWholeBatches('evaluate', count, batchSize);
    const inputs = inputList(batch.x);
    const { memory, slot } = this.model.built;
    const totals = this.totals();
    for (const { begin, rows, steps } of batchRuns(count, Math.min(batchSize, count))) {
      const program = this.#evaluationProgram(inputs.map(rowType), rowType(batch.y), rows, carryState);
      if (begin === 0) this.checkTargets('evaluate', batch, program);
      const part = (x: NdArray): NdArray => x.rows(begin, begin + rows * steps);
      const results = scratch.get('results', steps * program.results.stride);
      const data = this.bindData(program, { x: inputs.map(part), y: part(batch.y) }, scratch);
      const bound: readonly Binding[] = [...data, ...(program.carried?.fresh() ?? []), [program.results, results], [slot, memory]];
      await program.program.run(new Map(bound), steps, 0);
      const values = scratch.floats('results', (steps * program.results.stride) / 4);
      native().readMemory(results, 0, values);
      totals.add(values, rows);
    }
    return totals;
  }

  #numberOf(augmentation: Augmentation): number {
    const known = this.#augmentations.get(augmentation) ?? this.#augmentationCount++;
    this.#augmentations.set(augmentation, known);
    return known;
  }

  #recipe(carried: CarriedState | undefined): Recipe {
    const { loss, optimizer, metrics = [], penalties = [], clipNorm, clipValue } = this.#options;
    return { model: this.model, loss, optimizer, metrics, penalties, clipNorm, clipValue, seed: this.seed, carried };
  }

  #evaluationProgram(types: readonly TensorType[], target: TensorType, rows: number, carryState: boolean): StepProgram {
    const carried = carryState ? this.#carriedState('evaluate', rows) : undefined;
    const key = JSON.stringify(['evaluate', types, target, rows, carryState]);
    return this.#cached(key, () => evaluationProgram(this.#recipe(carried), types, target, rows));
  }

  #carriedState(purpose: 'train' | 'evaluate', rows: number): CarriedState {
    const key = `${purpose} ${rows}`;
    const known = this.#carried.get(key) ?? new CarriedState();
    this.#carried.set(key, known);
    return known;
  }

  #cached(key: string, make: () => StepProgram): StepProgram {
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const program = make();
    if (this.#programs.size >= maxPrograms) this.#programs.delete(this.#programs.keys().next().value!);
    this.#programs.set(key, program);
    return program;
  }

  /** The optimizer's scalars for the next steps, one row a step. */
  #scalarValues(steps: number): Float32Array {
    const { optimizer } = this.#options;
    const width = optimizer.scalars.length;
    const values = this.#scratch.floats('scalars', steps * width);
    for (let i = 0; i < steps; i++) {
      const step = this.steps + i;
      optimizer.writeScalars(values, i * width, step, typeof optimizer.lr === 'function' ? optimizer.lr(step) : optimizer.lr);
    }
    return values;
  }
}

function reportProgress({ control, report }: Watch, results: MemoryHandle, width: number): void {
  const done = control.done;
  if (done === 0) return;
  const last = new Float32Array(1);
  native().readMemory(results, (done - 1) * width * 4, last);
  report?.(last[0]!, done);
}
