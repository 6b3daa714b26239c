import type { NdArray } from '../array.js';
import { DataError, OptionError, StateError } from '../errors.js';
import type { MemorySlot } from '../graph/source.js';
import type { TensorType } from '../graph/tensor.js';
import type { Layer } from '../layers/layer.js';
import { batchRuns, checkFiniteData, countRows, inputList, memoryOf, rowType } from '../model/data.js';
import type { Model } from '../model/model.js';
import { type MemoryHandle, native } from '../native.js';
import { Philox } from '../random.js';
import type { FitContext, Snapshot } from './callback.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { type EpochRecord, History, validationName } from './history.js';
import {
  type Batch,
  type BatchSource,
  type EvaluateOptions,
  type FitOptions,
  type TrainerOptions,
  checkEvaluateOptions,
  checkFitOptions,
  checkTrainerOptions,
  isBatch,
} from './options.js';
import { type Feed, type Recipe, type StepProgram, evaluationProgram, trainingProgram } from './programs.js';
import { Scratch } from './scratch.js';
import { Control, runSteps } from './session.js';
import { fillInOrder, shuffleOrder } from './shuffle.js';
import { Slots } from './slots.js';
import { Totals } from './totals.js';

/** Most steps handed to the native side at once; bounds the memory for scalars and results. */
const maxSteps = 4096;
/** Milliseconds between progress reports. */
const progressInterval = 50;
/** Streams of the host that shuffles use, far from those of initial values. */
const shuffleStream = 0x4000_0000;
/** Programs kept for batches of different sizes. */
const maxPrograms = 16;

/**
 * Trains a model: owns the step count, the optimizer's slots, schedules, clipping and shuffling.
 * Steps run on threads of their own; the event loop only starts them and reads the results.
 */
export class Trainer {
  readonly #model: Model;
  readonly #options: TrainerOptions;
  readonly #programs = new Map<string, StepProgram>();
  #slots: Slots | undefined;
  readonly #scratch: Scratch = new Scratch();
  readonly #validationScratch: Scratch = new Scratch();
  /** Steps and epochs done so far, over all fits. */
  #steps = 0;
  #epochs = 0;

  /** @throws OptionError for unknown options or options out of range */
  constructor(model: Layer<never>, options: TrainerOptions) {
    checkTrainerOptions(options);
    this.#model = model.model;
    this.#options = options;
  }

  /** Training steps done so far. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Trains on all rows of { x, y }, or on batches as they come, for some epochs.
   * @returns the figures of each epoch
   * @throws before anything is changed: ShapeError, DTypeError, DataError, OptionError for data and options that do not fit; StateError if
   *   the model is training already. Rejects with `signal.reason` when aborted; the weights are then those of the last finished step.
   */
  async fit(data: Batch | BatchSource, options: FitOptions = {}): Promise<History> {
    checkFitOptions(options);
    options.signal?.throwIfAborted();
    return this.#exclusively('fit', async () => {
      const control = new Control();
      const abort = (): void => control.stop();
      options.signal?.addEventListener('abort', abort, { once: true });
      try {
        const epoch = isBatch(data) ? this.#arrayEpochs(data, options, control) : this.#streamEpochs(data, options, control);
        return await this.#fit(epoch, options, control);
      } finally {
        options.signal?.removeEventListener('abort', abort);
      }
    });
  }

  /** One step on one batch. @returns the loss and the metrics of that batch, before the update */
  async step(batch: Batch): Promise<Record<string, number>> {
    return this.#exclusively('step', async () => {
      const totals = new Totals(this.#metrics);
      await this.#directStep(batch, totals, new Control(), false);
      return { loss: totals.loss, ...totals.metrics() };
    });
  }

  /** Loss and metrics over all rows, in evaluation mode (no dropout, no penalties). */
  async evaluate(data: Batch, options: EvaluateOptions = {}): Promise<Record<string, number>> {
    checkEvaluateOptions(options);
    const totals = await this.#evaluate(data, options.batchSize ?? 256);
    return { loss: totals.loss, ...totals.metrics() };
  }

  /** Outputs of the model for all rows. */
  predict(x: NdArray | readonly NdArray[]): Promise<NdArray<Float32Array>> {
    return this.#model.predictor.predict(inputList(x), 256);
  }

  /** Writes weights, optimizer slots and step count, in one piece or not at all, so that training can go on in another process with the same bits. */
  async save(path: string): Promise<void> {
    await writeCheckpoint(path, {
      weights: this.#model.weights(),
      slots: this.#optimizerSlots().read(),
      steps: this.#steps,
      epochs: this.#epochs,
    });
  }

  /** Reads what save wrote into a built model. @throws FileError, StateError, ShapeError; nothing is changed then */
  async load(path: string): Promise<void> {
    this.#model.checkIdle('Trainer.load');
    const { weights, slots, steps, epochs } = await readCheckpoint(path);
    this.#optimizerSlots().check(slots);
    this.#model.setWeights(weights);
    this.#optimizerSlots().write(slots);
    this.#steps = steps;
    this.#epochs = epochs;
  }

  #optimizerSlots(): Slots {
    return (this.#slots ??= new Slots(this.#options.optimizer, this.#model.built.layout.parameterSize));
  }

  get #metrics(): NonNullable<TrainerOptions['metrics']> {
    return this.#options.metrics ?? [];
  }

  get #seed(): bigint {
    return this.#options.seed === undefined ? this.#model.seed : BigInt(this.#options.seed);
  }

  get #recipe(): Recipe {
    const { loss, optimizer, penalties = [], clipNorm, clipValue } = this.#options;
    return { model: this.#model, loss, optimizer, metrics: this.#metrics, penalties, clipNorm, clipValue, seed: this.#seed };
  }

  async #fit(runEpoch: RunEpoch, options: FitOptions, control: Control): Promise<History> {
    const history = new History();
    let stop = false;
    const context = this.#context(() => (stop = true));
    for (const callback of options.callbacks ?? []) await callback.onStart(context);
    for (let epoch = 1; epoch <= (options.epochs ?? 1) && !stop; epoch++) {
      const begin = performance.now();
      const totals = new Totals(this.#metrics);
      await runEpoch(epoch, totals);
      this.#epochs++;
      if (control.stopped) throw options.signal!.reason;
      const record = await this.#record(epoch, totals, begin, options);
      history.epochs.push(record);
      for (const callback of options.callbacks ?? []) await callback.onEpoch(record, context);
    }
    if (stop) history.stopped = 'early';
    for (const callback of options.callbacks ?? []) await callback.onEnd(context);
    return history;
  }

  async #record(epoch: number, totals: Totals, begin: number, options: FitOptions): Promise<EpochRecord> {
    const metrics = totals.metrics();
    if (options.validation !== undefined) {
      const validation = await this.#evaluate(options.validation, options.batchSize ?? 256, this.#validationScratch);
      Object.assign(metrics, { valLoss: validation.loss }, validation.metrics(validationName));
    }
    return { epoch, loss: totals.loss, metrics, seconds: (performance.now() - begin) / 1000 };
  }

  #context(stop: () => void): FitContext {
    return {
      stop,
      snapshot: (): Snapshot => {
        const { memory, layout } = this.#model.built;
        const weights = new Float32Array(layout.size);
        native().readMemory(memory, 0, weights);
        return { weights };
      },
      restore: ({ weights }) => native().writeMemory(this.#model.built.memory, 0, weights),
    };
  }

  /** Checks the data, copies it once, and gives a function that trains one epoch on it. */
  #arrayEpochs(data: Batch, options: FitOptions, control: Control): RunEpoch {
    const { epochs = 1, batchSize = 32, shuffle = true, debug = false } = options;
    const inputs = inputList(data.x);
    const count = this.#check('fit', data, options.checkFinite ?? false);
    if (options.validation !== undefined) this.#check('fit validation', options.validation, options.checkFinite ?? false);
    const types = inputs.map(rowType);
    const runs = batchRuns(count, Math.min(batchSize, count)).map((run) => ({
      ...run,
      step: this.#trainingProgram(types, rowType(data.y), run.rows, { kind: 'indexed', dataRows: count }),
    }));
    this.#validateTargets('fit', data, runs[0]!.step);
    if (options.validation !== undefined) this.#validateTargets('fit validation', options.validation, runs[0]!.step);
    const memories = [...inputs.map(memoryOf), memoryOf(data.y)];
    const steps = runs.reduce((total, run) => total + run.steps, 0);
    const order = new Int32Array(count);
    fillInOrder(order);

    return async (epoch, totals) => {
      if (shuffle) await shuffleOrder(order, new Philox(this.#seed, shuffleStream + this.#epochs));
      let finished = 0;
      const report = (loss: number, done: number): void => options.onProgress?.({ epoch, epochs, step: finished + done, steps, loss });
      for (const { begin, rows, steps: runSteps, step } of runs) {
        for (let at = 0; at < runSteps && !control.stopped; at += maxSteps) {
          const chunk = Math.min(maxSteps, runSteps - at);
          const index = this.#scratch.filled('index', order.subarray(begin + at * rows, begin + (at + chunk) * rows));
          const bindings: Binding[] = [
            ...step.inputs.map((slot, i): Binding => [slot, memories[i]!]),
            [step.target, memories.at(-1)!],
            [step.index!, index],
          ];
          finished += await this.#runTraining(step, bindings, chunk, rows, totals, control, debug, options.onProgress && report);
        }
      }
      report(totals.lastLoss, 0);
    };
  }

  /** Trains one epoch on batches as they come. */
  #streamEpochs(source: BatchSource, options: FitOptions, control: Control): RunEpoch {
    if (options.batchSize !== undefined)
      throw new OptionError('fit: expected no batchSize for data that comes in batches, got one. Set the size where the batches are made.');
    return async (epoch, totals) => {
      let step = 0;
      let reported = 0;
      for await (const batch of typeof source === 'function' ? source() : source) {
        if (control.stopped) return;
        this.#check('fit', batch, options.checkFinite ?? false);
        await this.#directStep(batch, totals, control, options.debug ?? false);
        step++;
        if (options.onProgress !== undefined && performance.now() - reported >= progressInterval) {
          reported = performance.now();
          options.onProgress({ epoch, epochs: options.epochs ?? 1, step, steps: undefined, loss: totals.lastLoss });
        }
      }
      if (step === 0)
        throw new DataError(
          `fit: expected at least one batch in epoch ${epoch}, got none. A generator runs only once: pass a function that makes one.`,
        );
      options.onProgress?.({ epoch, epochs: options.epochs ?? 1, step, steps: step, loss: totals.lastLoss });
    };
  }

  async #directStep(batch: Batch, totals: Totals, control: Control, debug: boolean): Promise<void> {
    const rows = this.#check('step', batch, false);
    const inputs = inputList(batch.x);
    const step = this.#trainingProgram(inputs.map(rowType), rowType(batch.y), rows, { kind: 'direct' });
    this.#validateTargets('step', batch, step);
    const bindings: Binding[] = [
      ...step.inputs.map((slot, i): Binding => [slot, this.#scratch.filled(`input ${i}`, inputs[i]!.data)]),
      [step.target, this.#scratch.filled('target', batch.y.data)],
    ];
    await this.#runTraining(step, bindings, 1, rows, totals, control, debug, undefined);
  }

  async #runTraining(
    step: StepProgram,
    bindings: readonly Binding[],
    steps: number,
    rows: number,
    totals: Totals,
    control: Control,
    debug: boolean,
    report: ((loss: number, done: number) => void) | undefined,
  ): Promise<number> {
    const { memory, slot } = this.#model.built;
    const width = step.results.stride / 4;
    const results = this.#scratch.get('results', steps * step.results.stride);
    const scalars = this.#scratch.filled('scalars', this.#scalarValues(steps));
    const slots = this.#optimizerSlots();
    const memories = new Map<MemorySlot, MemoryHandle>([
      ...bindings,
      [slot, memory],
      [slots.slot, slots.memory],
      [step.scalars!, scalars],
      [step.results, results],
    ]);

    const timer =
      report &&
      setInterval(() => {
        const done = control.done;
        if (done === 0) return;
        const last = new Float32Array(1);
        native().readMemory(results, (done - 1) * width * 4, last);
        report(last[0]!, done);
      }, progressInterval);
    try {
      const done = await runSteps(step.program, memories, steps, this.#steps, control, debug);
      const values = this.#scratch.floats('results', done * width);
      native().readMemory(results, 0, values);
      totals.add(values, rows);
      return done;
    } finally {
      clearInterval(timer);
      this.#steps += debug ? steps : control.done;
    }
  }

  /** The optimizer's scalars for the next steps, one row a step. */
  #scalarValues(steps: number): Float32Array {
    const { optimizer } = this.#options;
    const width = optimizer.scalars.length;
    const values = this.#scratch.floats('scalars', steps * width);
    for (let i = 0; i < steps; i++) {
      const step = this.#steps + i;
      optimizer.writeScalars(values, i * width, step, typeof optimizer.lr === 'function' ? optimizer.lr(step) : optimizer.lr);
    }
    return values;
  }

  async #evaluate(data: Batch, batchSize: number, scratch: Scratch = new Scratch()): Promise<Totals> {
    const count = this.#check('evaluate', data, false);
    const inputs = inputList(data.x);
    const { memory, slot } = this.#model.built;
    const totals = new Totals(this.#metrics);
    for (const { begin, rows, steps } of batchRuns(count, Math.min(batchSize, count))) {
      const step = this.#evaluationProgram(inputs.map(rowType), rowType(data.y), rows);
      if (begin === 0) this.#validateTargets('evaluate', data, step);
      const part = (name: string, x: NdArray): MemoryHandle => scratch.filled(name, x.rows(begin, begin + rows * steps).data);
      const results = scratch.get('results', steps * step.results.stride);
      const memories = new Map<MemorySlot, MemoryHandle>([
        ...step.inputs.map((input, i): Binding => [input, part(`input ${i}`, inputs[i]!)]),
        [step.target, part('target', data.y)],
        [step.results, results],
        [slot, memory],
      ]);
      await step.program.run(memories, steps, 0);
      const values = new Float32Array((steps * step.results.stride) / 4);
      native().readMemory(results, 0, values);
      totals.add(values, rows);
    }
    return totals;
  }

  /** Checks the arrays of a batch against each other and the model, building the model if this is the first data it sees. */
  #check(what: string, { x, y }: Batch, finite: boolean): number {
    const inputs = inputList(x);
    const count = countRows(what, [...inputs, y]);
    if (finite) [...inputs, y].forEach((data, i) => checkFiniteData(`${what} ${i < inputs.length ? 'x' : 'y'}`, data));
    this.#model.build(inputs.map(rowType), this.#seed);
    return count;
  }

  #validateTargets(what: string, { y }: Batch, step: StepProgram): void {
    try {
      this.#options.loss.validate(y, step.predictionShape.with(0, y.shape[0]!));
    } catch (error) {
      if (error instanceof Error) error.message = `${what}: ${error.message}`;
      throw error;
    }
  }

  #trainingProgram(types: readonly TensorType[], target: TensorType, rows: number, feed: Feed): StepProgram {
    const key = JSON.stringify(['train', types, target, rows, feed]);
    return this.#cached(key, () => trainingProgram(this.#recipe, this.#optimizerSlots(), types, target, rows, feed));
  }

  #evaluationProgram(types: readonly TensorType[], target: TensorType, rows: number): StepProgram {
    const key = JSON.stringify(['evaluate', types, target, rows]);
    return this.#cached(key, () => evaluationProgram(this.#recipe, types, target, rows));
  }

  #cached(key: string, make: () => StepProgram): StepProgram {
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    if (this.#programs.size >= maxPrograms) this.#programs.delete(this.#programs.keys().next().value!);
    const program = make();
    this.#programs.set(key, program);
    return program;
  }

  /** Marks the model as training while the task runs. @throws StateError if it is already */
  async #exclusively<T>(what: string, task: () => Promise<T>): Promise<T> {
    if (this.#model.busy)
      throw new StateError(`${what}: expected a model that is not training, got one inside another fit. Await that fit or abort it first.`);
    this.#model.busy = true;
    try {
      return await task();
    } finally {
      this.#model.busy = false;
    }
  }
}

type Binding = readonly [MemorySlot, MemoryHandle];

/** Trains one epoch, adding its results to the totals. */
type RunEpoch = (epoch: number, totals: Totals) => Promise<void>;
