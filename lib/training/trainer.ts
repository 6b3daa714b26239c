import type { NdArray } from '../array.js';
import { arrayMap, copyArrays } from '../array-check.js';
import { DataError, OptionError, StateError } from '../errors.js';
import type { Outputs } from '../graph/outputs.js';
import type { Tensor } from '../graph/tensor.js';
import { type ArraysOf, Layer, type PredictOptions } from '../layers/layer.js';
import { type Inputs, inputList } from '../model/data.js';
import { inputsMetadata } from '../model/file.js';
import { loadInTurn } from '../model/load-in-turn.js';
import type { Model } from '../model/model.js';
import { check, kindOf } from '../options.js';
import { type Path, pathOf } from '../paths.js';
import { checkArrays, checkBatch, dataKind } from './batch-checks.js';
import { BatchReader } from './batches.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { Control } from '../control.js';
import { arrayEpochs, streamEpochs } from './epochs.js';
import { Equipment } from './equipment.js';
import { evaluationOf } from './evaluation.js';
import { type Batch, type BatchSource, type Targets, copyBatch, isBatch, isData } from './batch.js';
import { engage, runFit } from './fit.js';
import { givenGradients } from './given-gradients.js';
import type { Figures, History } from './history.js';
import {
  type EvaluateOptions,
  type FitOptions,
  type TrainStepOptions,
  type TrainerOptions,
  checkEvaluateOptions,
  checkFitOptions,
  checkTrainStepOptions,
  checkTrainerOptions,
} from './options.js';
import { StepRunner } from './step-runner.js';
import { trainingTotals } from './totals.js';
import { Validation } from './validation.js';

/**
 * Trains a model: owns the step count, the optimizer's slots, schedules, clipping and shuffling.
 * Steps run on threads of their own; the event loop only starts them and reads the results. The data of fit, evaluate and predict are copied as these
 * begin, 4 MiB and less before the call returns, more while the event loop goes on: leave those as they are until `onStart` of a callback is called, or the
 * call is over.
 */
export class Trainer<Output extends Outputs = Tensor> {
  readonly #model: Model;
  readonly #equipment: Equipment;
  readonly #runner: StepRunner;
  /** The last of the steps and updates under way, settled when it has ended; undefined if there is none. */
  #last: Promise<unknown> | undefined;

  /** @throws OptionError for unknown options or options out of range */
  constructor(model: Layer<never, Output>, options: TrainerOptions<NoInfer<Output>>) {
    checkTrainerOptions(options);
    if (!(model instanceof Layer))
      throw new OptionError(`Trainer: expected a layer for model, got ${kindOf(model)}. Give one, or a Sequential of several.`);
    this.#model = model.model;
    this.#equipment = new Equipment(model.model, options);
    this.#runner = new StepRunner(this.#equipment);
  }

  /** Training steps done so far, over all fits and calls of step. */
  get steps(): number {
    return this.#runner.steps;
  }

  /** Updates of the weights so far: fewer than steps where several make one. Schedules and the optimizer's own corrections count these. */
  get updates(): number {
    return this.#runner.updates;
  }

  /** Epochs so far, over all fits, of which a step at least was done: of one that was aborted the rest is not made up for. */
  get epochs(): number {
    return this.#runner.epochs;
  }

  /**
   * Trains on all rows of { x, y }, or on batches as they come, for some epochs.
   * @returns the figures of each epoch
   * @throws before anything is changed: ShapeError, DTypeError, DataError, OptionError for data and options that do not fit; StateError if
   *   the model is training already, or another that shares layers with it. Rejects with `signal.reason` when aborted; the weights are then those of the last finished step.
   */
  async fit(data: Batch<Targets> | BatchSource, options: FitOptions = {}): Promise<History> {
    const own = checkFitOptions(options);
    checkData('fit', data);
    own.signal?.throwIfAborted();
    return this.#exclusively('fit', async () => {
      const control = new Control();
      const batches = isBatch(data) ? undefined : new BatchReader(data, control);
      const release = engage(own.callbacks ?? []);
      const unfollow = control.follow(own.signal);
      let letGo: (() => void) | undefined;
      let hasBegun = false;
      try {
        this.#runner.isStepping = true;
        const validation = own.validation && new Validation(this.#equipment, own.validation, own);
        const epochs = isBatch(data)
          ? arrayEpochs(this.#runner, data, own, validation, control)
          : streamEpochs(this.#runner, batches!, own, validation, control);
        letGo = this.#model.hold();
        await epochs.ready;
        own.signal?.throwIfAborted();
        hasBegun = true;
        this.#runner.waiting = 0;
        const history = await runFit(this.#runner, epochs, validation, own, control);
        await batches?.close();
        return history;
      } finally {
        this.#runner.isStepping = false;
        release();
        // What an abort leaves waiting is of no later step. A fit that was refused has touched nothing.
        if (hasBegun) this.#runner.waiting = 0;
        letGo?.();
        control.ended = true;
        control.stop(); // What is still taken in of data nobody needs.
        this.#equipment.resetStates();
        await batches?.close().catch(() => undefined); // What went wrong before is told.
        unfollow();
      }
    });
  }

  /**
   * One step on one batch. Steps of one trainer that are called at the same time wait for each other, in the order of the calls; their
   * batches are copied before the call returns. Steps of two trainers whose models share layers do not wait: await one before the other. A program is compiled for each number of rows, and the last 16 are kept: give all batches the same.
   * @returns the loss, with the penalties, the metrics and, if asked for, gradientNorm of that batch, before the update (of all that were waiting; NaN without an update)
   * @throws as fit
   */
  async step(batch: Batch<Targets>, options: TrainStepOptions = {}): Promise<Figures> {
    const own = checkTrainStepOptions(options);
    if (this.#last === undefined) return this.#inTurn(() => this.#step(batch, own));
    const ownBatch = ownBatchOf(batch);
    return this.#inTurn(() => this.#step(ownBatch, own));
  }

  /**
   * The gradients that wait for an update after steps with `update: false`, by path: of the mean over all their batches, or of the sum with a loss that is
   * one, before clipping. Only of parameters that the loss depends on.
   * @throws StateError if none wait, or while a step runs or waits for its turn, or an epoch of fit
   */
  gradients(): Map<string, NdArray<Float32Array>> {
    this.#checkStill('Trainer.gradients');
    this.#checkWaiting('Trainer.gradients');
    return this.#runner.gradients();
  }

  /**
   * Forgets the gradients that wait for an update, if any do: of a batch whose loss was not finite, or once `gradients()` has given them.
   * @throws StateError while a step runs or waits for its turn, or an epoch of fit
   */
  zeroGradients(): void {
    this.#checkStill('Trainer.zeroGradients');
    this.#runner.waiting = 0;
  }

  /**
   * The update alone, clipping included: with the gradients that wait, or with these instead, by path. They may come from elsewhere, as the mean of the
   * `gradients()` of several processes, or have been changed; parameters without one keep their values and their state,
   * while what an optimizer counts (Adam's corrections) are all updates of the trainer. In turn with steps that are called at the same time.
   * ```ts
   * await trainer.step(batch, { update: false });
   * const gradients = trainer.gradients();
   * await trainer.update(await meanOverProcesses(gradients));
   * ```
   * @returns gradientNorm, if asked for
   * @throws StateError if none wait and none are given; OptionError, ShapeError, DTypeError for gradients that are not those of trained parameters
   */
  async update(gradients?: ReadonlyMap<string, NdArray>): Promise<Record<string, number>> {
    if (gradients !== undefined) check('update', 'gradients', gradients, arrayMap);
    const own = gradients && copyArrays('update', gradients);
    return this.#inTurn(() => this.#update(own));
  }

  /** The states that steps with carryState go on with are zeros again. @throws StateError while the model is training */
  resetStates(): void {
    this.#model.checkIdle('Trainer.resetStates');
    this.#equipment.resetStates();
  }

  /**
   * Loss and metrics over all rows of { x, y }, or over batches as they come, in evaluation mode (no dropout, no penalties), all with
   * the weights there are as it begins, whatever trains or sets them meanwhile; within a fit they are those of some finished step. In a model that is
   * not built, batches must first tell its sizes: then those there are at the first batch.
   * @throws ShapeError, DTypeError, DataError, OptionError for data and options that do not fit; `signal.reason` when aborted
   */
  async evaluate(data: Batch<Targets> | BatchSource, options: EvaluateOptions = {}): Promise<Figures> {
    const own = checkEvaluateOptions(options, isBatch(data));
    checkData('evaluate', data);
    const { signal } = own;
    signal?.throwIfAborted();
    const control = new Control();
    const unfollow = control.follow(signal);
    try {
      return await this.#model.trying(async () => {
        const evaluation = evaluationOf('evaluate', data, this.#equipment, own, control);
        const totals = await evaluation.run(control, () => this.#model.read());
        signal?.throwIfAborted();
        return { loss: totals.loss, ...totals.metrics() };
      });
    } finally {
      unfollow();
    }
  }

  /**
   * Outputs of the model for all rows, as its own predict gives them.
   * @throws ShapeError, DTypeError, DataError for x that does not fit; OptionError for wrong options; `signal.reason` if aborted
   */
  async predict(x: Inputs, options: PredictOptions = {}): Promise<ArraysOf<Output>> {
    return (await this.#model.predictor.predict(inputList(x), options, this.#equipment.recipe.seed)) as ArraysOf<Output>;
  }

  /**
   * The same on this thread, as the model's own predictSync gives them.
   * @throws ShapeError, DTypeError, DataError for x that does not fit; OptionError for wrong options
   */
  predictSync(x: Inputs, options: Omit<PredictOptions, 'signal'> = {}): ArraysOf<Output> {
    return this.#model.predictor.predictSync(inputList(x), options, this.#equipment.recipe.seed) as ArraysOf<Output>;
  }

  /**
   * Writes weights, optimizer slots and the counts of steps and epochs, in one piece or not at all, so that training can go on in another process:
   * with the same bits if it is saved between epochs, inside fit from a callback's onEpoch, unless states go on from epoch to epoch
   * (`carryState` with `stepsPerEpoch`). After an abort within an epoch the weights are saved as they
   * are, but the rest of that epoch is not gone through: the next fit begins with the next one. Not written are states that steps carry, which are zeros
   * after load as at the start of an epoch, gradients that wait for an update, a learning rate set by hand, and what callbacks remember.
   * @throws StateError while a step or update runs or waits for its turn, from the call of fit on until its callbacks start, and within an epoch of it
   *   until its last step is done; FileError
   */
  async save(path: Path): Promise<void> {
    const file = pathOf('Trainer.save', 'path', path);
    this.#checkStill('Trainer.save');
    const { slots, recipe } = this.#equipment;
    const { steps, updates, epochs } = this.#runner;
    const slotsByPath = recipe.groups.length === 0 ? undefined : slots.byPath;
    const inputs = inputsMetadata(this.#model);
    // All of this moment: no step is running, the next leaves these memories alone, and what else is built has others.
    const [weights, values] = await Promise.all([this.#model.snapshot(), slots.snapshot()]);
    await writeCheckpoint(file, inputs, { weights, slots: values, slotsByPath, steps, updates, epochs });
  }

  /**
   * Reads what save wrote, which builds a model not built yet. The optimizers must keep the same slots for the same parameters (those of Adam and
   * AdamW are the same). The weights alone are read by `model.load(path)`.
   * @throws FileError, StateError, ShapeError, DTypeError; nothing is changed then
   */
  async load(path: Path): Promise<void> {
    const file = pathOf('Trainer.load', 'path', path);
    const what = `Trainer.load of ${file}`;
    const read = (): ReturnType<typeof readCheckpoint> => readCheckpoint(file);
    await loadInTurn('Trainer.load', this.#model, read, async ({ sizes, weights, slots, slotsByPath, steps, updates, epochs }, check) => {
      check();
      if (sizes !== undefined && !this.#model.isBuilt) this.#model.buildFor(sizes);
      const letGo = this.#model.hold();
      try {
        this.#equipment.slots.check(slots, slotsByPath);
        const setWeights = await this.#model.weightsToSet(weights, {}, what);
        const setSlots = await this.#equipment.slots.toSet(slots, [...weights.keys()]);
        return () => {
          setWeights();
          setSlots();
          this.#runner.steps = steps;
          this.#runner.updates = updates;
          this.#runner.waiting = 0;
          this.#runner.epochs = epochs;
          this.#equipment.resetStates();
        };
      } finally {
        letGo();
      }
    });
  }

  /** Runs what trains after what was called before it. */
  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last === undefined ? task() : this.#last.then(task);
    const last = run.catch(() => undefined);
    this.#last = last;
    try {
      return await run;
    } finally {
      if (this.#last === last) this.#last = undefined;
    }
  }

  #step(batch: Batch<Targets>, options: TrainStepOptions): Promise<Figures> {
    return this.#exclusively('step', async () => {
      const totals = trainingTotals(this.#equipment.recipe);
      const { augment, carryState, update = true, checkFinite } = options;
      checkBatch('step', batch, this.#equipment, { augment });
      const accumulates = !update || this.#runner.waiting > 0;
      await this.#runner.runBatch('step', batch, totals, new Control(), { augment, carryState, accumulates, checkFinite });
      if (accumulates && update) totals.addNorm(await this.#runner.update(false));
      return { loss: totals.loss, ...totals.metrics() };
    });
  }

  #update(gradients: ReadonlyMap<string, NdArray> | undefined): Promise<Record<string, number>> {
    return this.#exclusively('update', async () => {
      if (gradients === undefined) this.#checkWaiting('update');
      const norm = await (gradients === undefined
        ? this.#runner.update(false)
        : this.#runner.updateWith(givenGradients('update', this.#equipment.recipe, gradients)));
      return norm === undefined ? {} : { gradientNorm: norm };
    });
  }

  #checkWaiting(what: string): void {
    if (this.#runner.waiting === 0)
      throw new StateError(`${what}: expected gradients that wait for an update, got none. Call step(batch, { update: false }) first.`);
  }

  /** @throws StateError while a step of this trainer is under way or waits for its turn, or one of another changes the model */
  #checkStill(what: string): void {
    if (this.#model.isChanging || this.#last !== undefined || this.#runner.isStepping)
      throw new StateError(`${what}: expected no step to be running, got one. Await the fit, or call it from a callback.`);
  }

  /** Marks the model as training while the task runs. @throws StateError if it is already */
  async #exclusively<T>(what: string, task: () => Promise<T>): Promise<T> {
    this.#model.beginTraining(what, this.#equipment.recipe.frozen);
    try {
      return await this.#model.trying(task);
    } finally {
      this.#model.endTraining();
    }
  }
}

/** A copy of a batch that must wait for its step. */
function ownBatchOf(batch: Batch<Targets>): Batch<Targets> {
  checkArrays('step', batch);
  return copyBatch(batch);
}

/** @throws DataError unless it is { x, y } or something that gives batches */
function checkData(what: string, data: unknown): void {
  if (isData(data)) return;
  throw new DataError(`${what}: expected { x, y } of arrays, or batches as they come, got ${dataKind(data)}.`);
}
