/** Loss and metrics over all data, over arrays or over batches as they come. */
import type { NdArray } from '../array.js';
import type { Binding } from '../compile/program.js';
import { batchRuns, evaluationRows, memoryOf } from '../model/data.js';
import type { Model } from '../model/model.js';
import { type Reading, noReading } from '../model/weight-memory.js';
import type { MemoryHandle } from '../native.js';
import { SameRows, checkBatch, checkValues, checkWholeBatches, naming } from './batch-checks.js';
import { batchesOf } from './batches.js';
import type { Control } from './control.js';
import type { Equipment } from './equipment.js';
import { arraysOf, bindBatch, feedOf } from './feed.js';
import { type Batch, type BatchSource, type FitOptions, isBatch, type Targets } from './options.js';
import type { StepProgram } from './programs.js';
import type { Recipe } from './recipe.js';
import { Scratch } from './scratch.js';
import { Totals } from './totals.js';

/** @param read called as the first run begins. Default: each run sees the weights there are then. */
export type Evaluation = (control: Control, read?: () => Reading) => Promise<Totals>;

/** Of {@link FitOptions}, where `batchSize` is 256 by default. */
export type EvaluationOptions = Pick<FitOptions, 'batchSize' | 'carryState' | 'checkFinite'>;

/** Arrays are checked, copied and compiled for at once, batches as they come one by one in each evaluation. */
export function evaluationOf(
  what: string,
  data: Batch<Targets> | BatchSource,
  equipment: Equipment,
  options: EvaluationOptions,
): Evaluation {
  return isBatch(data) ? ofArrays(what, data, equipment, options) : ofBatches(what, data, equipment, options);
}

function ofArrays(what: string, batch: Batch<Targets>, equipment: Equipment, options: EvaluationOptions): Evaluation {
  const { batchSize = evaluationRows, carryState = false, checkFinite = false } = options;
  const count = checkBatch(what, batch, equipment, { checkFinite });
  if (carryState) checkWholeBatches(what, count, batchSize);
  const programs = batchRuns(count, Math.min(batchSize, count)).map((run) => ({
    ...run,
    program: naming(what, () => equipment.evaluationProgram(feedOf(batch, run.rows), carryState)),
  }));
  checkValues(what, batch, equipment.recipe, programs[0]!.program);
  // Copied now: the caller may change or transfer its arrays meanwhile.
  const runs = programs.map(({ program, begin, rows, steps }) => {
    const part = (x: NdArray): MemoryHandle => memoryOf(x.rows(begin, begin + rows * steps));
    return { program, data: arraysOf(batch).map((x, i): Binding => [program.data[i]!, part(x)]), steps };
  });
  return async (control, read) => {
    const evaluator = new Evaluator(equipment.recipe, control, read);
    try {
      for (const { program, data, steps } of runs) await evaluator.run(program, data, steps);
    } finally {
      evaluator.end();
    }
    return evaluator.totals;
  };
}

function ofBatches(what: string, source: BatchSource, equipment: Equipment, options: EvaluationOptions): Evaluation {
  const { carryState = false, checkFinite = false } = options;
  return async (control, read) => {
    const evaluator = new Evaluator(equipment.recipe, control, read);
    const sameRows = new SameRows(what);
    const copies = new Scratch();
    try {
      for await (const batch of batchesOf(what, source, control)) {
        const rows = checkBatch(what, batch, equipment, { checkFinite });
        if (carryState) sameRows.check(rows);
        const program = naming(what, () => equipment.evaluationProgram(feedOf(batch), carryState));
        checkValues(what, batch, equipment.recipe, program);
        await evaluator.run(program, bindBatch(program.data, batch, copies), 1);
      }
    } finally {
      evaluator.end();
    }
    return evaluator.totals;
  };
}

/** One evaluation: runs steps and adds up their results. */
class Evaluator {
  readonly totals: Totals;
  readonly #model: Model;
  readonly #control: Control;
  readonly #read: () => Reading;
  #reading: Reading | undefined;
  readonly #scratch: Scratch = new Scratch();
  /** Of this evaluation alone. */
  #states: readonly Binding[] | undefined;

  constructor(recipe: Recipe, control: Control, read = (): Reading => noReading) {
    this.totals = new Totals(recipe);
    this.#read = read;
    this.#model = recipe.model;
    this.#control = control;
  }

  async run({ program, results, carried }: StepProgram, data: readonly Binding[], steps: number): Promise<void> {
    const figures = this.#scratch.get('results', steps * results.slot.stride);
    this.#states ??= carried?.fresh() ?? [];
    await this.#model.settleFor([program]);
    this.#reading ??= this.#read();
    const memories = new Map([...this.#reading.weights, ...data, ...this.#states, [results.slot, figures]]);
    const done = await program.run(memories, steps, 0, this.#control.words);
    this.totals.add(this.#scratch.read('results', done * results.width), results);
  }

  end(): void {
    this.#reading?.end();
  }
}
