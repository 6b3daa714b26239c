/** Training steps: runs them and counts them. */
import { setImmediate } from 'node:timers/promises';
import type { NdArray } from '../array.js';
import type { Binding, DebugReport, Program } from '../compile/program.js';
import { DataError } from '../errors.js';
import { pathIn } from '../graph/label.js';
import type { MemorySlot } from '../graph/source.js';
import type { Entry } from '../model/layout.js';
import { StateMemory } from '../model/state-memory.js';
import type { MemoryHandle } from '../native.js';
import { checkValues } from './batch-checks.js';
import { Control } from '../control.js';
import type { Equipment, TrainingOptions } from './equipment.js';
import { bindBatch, feedOf } from './feed.js';
import type { Batch, Targets } from './batch.js';
import type { FitOptions } from './options.js';
import type { TrainingProgram, UpdateProgram } from './programs.js';
import { type StepReport, reportSteps } from './progress.js';
import { scalarCount, writeScalars } from './scalars.js';
import { Scratch } from './scratch.js';
import type { Totals } from './totals.js';

/** How a stretch of steps is watched and stopped. */
export interface Watch {
  readonly control: Control;
  /** One instruction at a time, with the layer of the first NaN or infinity. */
  readonly debug: boolean;
  readonly report: StepReport | undefined;
}

export class StepRunner {
  readonly equipment: Equipment;
  /** Training steps done so far. */
  steps = 0;
  /** Updates of the weights so far. */
  updates = 0;
  /** Batches whose gradients wait for an update. */
  waiting = 0;
  /** Learning rate of the last update, of the trainer's optimizer. */
  rate = NaN;
  /** Epochs in which a step was done. */
  epochs = 0;
  /** A fit is at an epoch, or before its first callback. */
  isStepping = false;
  readonly #scratch: Scratch = new Scratch();
  /** What becomes of the gradients that wait. */
  #update: UpdateProgram | undefined;

  constructor(equipment: Equipment) {
    this.equipment = equipment;
  }

  /** `steps` training steps. @returns the number finished: fewer if stopped */
  async run(program: TrainingProgram, bindings: readonly Binding[], steps: number, totals: Totals, watch: Watch): Promise<number> {
    const { model } = this.equipment.recipe;
    const { width } = program.results;
    const { control, debug, report } = watch;
    const results = this.#scratch.get('results', steps * program.results.slot.stride);
    const scalars = this.#scratch.filled('scalars', program.update ? this.#firstOf(steps) : this.#scalarValues(steps));
    const memories = new Map<MemorySlot, MemoryHandle>([...bindings, [program.scalars, scalars], [program.results.slot, results]]);
    if (program.update) this.#update = program.update;
    const programs = program.update ? [program.program, program.update.program] : [program.program];
    if (!(await model.settleToTrain(programs, control))) return 0;
    control.done = 0;
    const timer = report && reportSteps(report, control, results, width);
    try {
      const done = await this.#changing(() =>
        debug
          ? debugSteps(program.program, memories, steps, this.steps, control)
          : program.program.run(memories, steps, this.steps, control.words),
      );
      totals.add(this.#scratch.read('results', done * width), program.results);
      return done;
    } finally {
      this.steps += control.done;
      if (program.update) this.waiting += control.done;
      else this.updates += control.done;
      clearInterval(timer);
    }
  }

  /** The gradients that wait, by path. */
  gradients(): Map<string, NdArray<Float32Array>> {
    const { gradients, recipe } = this.equipment;
    return gradients.read(this.#update!.entries, recipe.loss.reduction === 'sum');
  }

  /** The update with these gradients instead of any that wait. @returns as update */
  async updateWith(gradients: ReadonlyMap<Entry, NdArray>): Promise<number | undefined> {
    this.#update = this.equipment.updateProgram([...gradients.keys()]);
    await this.equipment.recipe.model.settleToTrain([this.#update.program], new Control());
    this.equipment.gradients.write(gradients);
    this.waiting = 0;
    return this.update(false);
  }

  /** The update with the gradients that wait. @returns their norm, if asked for */
  async update(debug: boolean): Promise<number | undefined> {
    const { program, scalars, norm } = this.#update!;
    const memories = new Map<MemorySlot, MemoryHandle>([[scalars, this.#scratch.filled('scalars', this.#scalarValues(1))]]);
    if (norm !== undefined) memories.set(norm, this.#scratch.get('norm', norm.bytes));
    await this.#changing(() =>
      debug ? debugSteps(program, memories, 1, this.updates, new Control()) : program.run(memories, 1, this.updates),
    );
    this.waiting = 0;
    this.updates++;
    return norm && this.#scratch.read('norm', 1)[0];
  }

  /** One step on a batch of its own, which `checkBatch` has seen. */
  async runBatch(
    what: string,
    batch: Batch<Targets>,
    totals: Totals,
    control: Control,
    options: TrainingOptions & Pick<FitOptions, 'debug' | 'checkFinite'>,
  ): Promise<void> {
    const program = this.equipment.trainingProgram(feedOf(batch), options);
    checkValues(what, batch, { recipe: this.equipment.recipe, program, checkFinite: options.checkFinite ?? false });
    const bindings = bindBatch(program.data, batch, this.#scratch);
    await this.run(program, bindings, 1, totals, { control, debug: options.debug ?? false, report: undefined });
  }

  /** A run that changes weights and slots. Who reads those of this moment keeps them. */
  async #changing<T>(run: () => Promise<T>): Promise<T> {
    const { recipe, slots } = this.equipment;
    const memories = [...recipe.model.trained, slots.memory];
    for (const memory of memories) memory.beginRun();
    try {
      await StateMemory.leaveToReadings(memories);
      return await run();
    } finally {
      for (const memory of memories) memory.endRun();
    }
  }

  /** Rows of an order a data set is gone through in, for the steps that follow. */
  bindIndex(program: TrainingProgram, order: Int32Array): Binding {
    return [program.index!, this.#scratch.filled('index', order)];
  }

  /** 1 for the step whose gradients none before are added to, 0 for the others. */
  #firstOf(steps: number): Float32Array {
    const values = this.#scratch.floats('scalars', steps).fill(0);
    if (this.waiting === 0) values[0] = 1;
    return values;
  }

  /** The optimizers' scalars for the next updates, one row each. */
  #scalarValues(steps: number): Float32Array {
    const { recipe } = this.equipment;
    const values = this.#scratch.floats('scalars', steps * scalarCount(recipe));
    this.rate = writeScalars(recipe, values, this.updates, steps);
    return values;
  }
}

/** One instruction at a time on this thread, with an error that names the layer of the first NaN or infinity. */
async function debugSteps(
  program: Program,
  memories: ReadonlyMap<MemorySlot, MemoryHandle>,
  steps: number,
  firstStep: number,
  control: Control,
): Promise<number> {
  await setImmediate(); // For timers and signals: what follows holds up the event loop.
  const report = program.runDebug(memories, steps, firstStep);
  control.done = report?.step ?? steps;
  if (report !== undefined) throw notFinite(report, firstStep);
  return steps;
}

function notFinite({ label, step, operation }: DebugReport, firstStep: number): DataError {
  const error = new DataError(
    `${label || 'model'}: expected finite numbers, got the first NaN or infinity in step ${firstStep + step}, in ${operation}. Lower the learning rate, clip gradients, or check the data.`,
  );
  error.layer = pathIn(label);
  return error;
}
