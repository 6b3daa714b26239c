/** Loss and metrics over all data, over arrays or over batches as they come. */
import type { Binding } from '../compile/program.js';
import { batchRuns, evaluationRows } from '../model/batch-runs.js';
import type { Model } from '../model/model.js';
import { type Reading, noReading } from '../model/state-memory.js';
import { checkBatch, checkValues } from './batch-checks.js';
import { batchesOf } from './batches.js';
import type { Control } from '../control.js';
import type { Equipment } from './equipment.js';
import { type Batch, type BatchSource, type Targets, arraysOf, isBatch } from './batch.js';
import { bindBatch, feedOf } from './feed.js';
import { takeIn } from './intake.js';
import { naming } from '../naming.js';
import type { FitOptions } from './options.js';
import type { StepProgram } from './programs.js';
import type { Recipe } from './recipe.js';
import { SameRows, checkWholeBatches } from './same-rows.js';
import { Scratch } from './scratch.js';
import { Totals } from './totals.js';

/** Of some data, once or several times. */
export interface Evaluation {
  /** Once the data are copied; each run waits for it. */
  readonly ready: Promise<unknown>;
  /** @param read called at once, or once the first batch has told the sizes of the model. Default: each run sees the weights there are then. */
  run(control: Control, read?: () => Reading): Promise<Totals>;
}

/** Of {@link FitOptions}, where `batchSize` is 256 by default. */
export type EvaluationOptions = Pick<FitOptions, 'batchSize' | 'carryState' | 'checkFinite'>;

/**
 * Arrays are checked at once and copied, batches as they come one by one in each evaluation.
 * @param control of the copies
 */
export function evaluationOf(
  what: string,
  data: Batch<Targets> | BatchSource,
  equipment: Equipment,
  options: EvaluationOptions,
  control: Control,
): Evaluation {
  return isBatch(data) ? ofArrays(what, data, equipment, options, control) : ofBatches(what, data, equipment, options);
}

function ofArrays(what: string, batch: Batch<Targets>, equipment: Equipment, options: EvaluationOptions, control: Control): Evaluation {
  const { batchSize = evaluationRows, carryState = false, checkFinite = false } = options;
  const count = checkBatch(what, batch, equipment, { batchSize });
  if (carryState) checkWholeBatches(what, count, batchSize);
  const programs = batchRuns(count, Math.min(batchSize, count)).map((run) => ({
    ...run,
    program: naming(what, () => equipment.evaluationProgram(feedOf(batch, run.rows), carryState)),
  }));
  const arrays = arraysOf(batch);
  const parts = programs.flatMap(({ begin, rows, steps }) => arrays.map((x) => x.rows(begin, begin + rows * steps)));
  const copies = takeIn(what, batch, parts, { recipe: equipment.recipe, program: programs[0]!.program, checkFinite }, control);
  return {
    ready: copies,
    async run(control, read) {
      const evaluator = new Evaluator(equipment.recipe, control, read);
      try {
        const memories = [...(await copies)];
        for (const { program, steps } of programs) {
          const data = program.data.map((slot): Binding => [slot, memories.shift()!]);
          await evaluator.run(program, data, steps);
        }
      } finally {
        evaluator.end();
      }
      return evaluator.totals;
    },
  };
}

function ofBatches(what: string, source: BatchSource, equipment: Equipment, options: EvaluationOptions): Evaluation {
  const { carryState = false, checkFinite = false } = options;
  return {
    ready: Promise.resolve(),
    async run(control, read) {
      const evaluator = new Evaluator(equipment.recipe, control, read);
      const sameRows = new SameRows(what);
      const copies = new Scratch();
      try {
        for await (const batch of batchesOf(what, source, control)) {
          const rows = checkBatch(what, batch, equipment);
          if (carryState) sameRows.check(rows);
          const program = naming(what, () => equipment.evaluationProgram(feedOf(batch), carryState));
          checkValues(what, batch, { recipe: equipment.recipe, program, checkFinite });
          await evaluator.run(program, bindBatch(program.data, batch, copies), 1);
        }
      } finally {
        evaluator.end();
      }
      return evaluator.totals;
    },
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
  readonly #letGo: () => void;
  /** Of this evaluation alone. */
  #states: readonly Binding[] | undefined;

  constructor(recipe: Recipe, control: Control, read = (): Reading => noReading) {
    this.totals = new Totals(recipe);
    this.#read = read;
    this.#model = recipe.model;
    this.#control = control;
    this.#letGo = recipe.model.hold();
    if (this.#model.isBuilt) this.#reading = read();
  }

  async run({ program, results, carried }: StepProgram, data: readonly Binding[], steps: number): Promise<void> {
    const figures = this.#scratch.get('results', steps * results.slot.stride);
    this.#states ??= carried?.fresh() ?? [];
    if (this.#control.stopped || !(await this.#model.settleFor([program], this.#control))) return;
    const reading = (this.#reading ??= this.#read());
    await this.#control.unlessStopped(() => reading.ready());
    const memories = new Map([...reading.weights, ...data, ...this.#states, [results.slot, figures]]);
    const done = await this.#control.unlessStopped(() => program.run(memories, steps, 0, this.#control.words));
    if (done === undefined) return;
    this.totals.add(this.#scratch.read('results', done * results.width), results);
  }

  end(): void {
    this.#reading?.end();
    this.#letGo();
  }
}
