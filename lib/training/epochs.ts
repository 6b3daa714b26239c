/** One epoch over arrays, or over batches as they come. */
import type { Binding } from '../compile/program.js';
import { type BatchRun, batchRuns } from '../model/batch-runs.js';
import { Philox } from '../random.js';
import { hostStreams } from '../streams.js';
import { checkBatch } from './batch-checks.js';
import type { BatchReader } from './batches.js';
import type { Control } from '../control.js';
import { type Batch, type Targets, arraysOf } from './batch.js';
import { feedOf } from './feed.js';
import { takeIn } from './intake.js';
import { type FitOptions, checkFitOptionsForBatches, checkFitOptionsForRows } from './options.js';
import { EpochProgress } from './progress.js';
import { SameRows, checkWholeBatches } from './same-rows.js';
import { fillInOrder, shuffleOrder } from './shuffle.js';
import type { StepRunner } from './step-runner.js';
import { type Totals, trainingTotals } from './totals.js';
import type { Validation } from './validation.js';

/** The epochs of a fit. */
export interface Epochs {
  /** Once the data are taken in, before the first. @throws what is wrong with their values */
  readonly ready: Promise<unknown>;
  /** Trains one. `shuffle` tells the orders of different epochs apart, over all fits. */
  run(epoch: number, shuffle: number): Promise<Totals>;
}

/** Most steps handed to the native side at once; bounds the memory for scalars and results. */
const maxSteps = 4096;

/** Epochs over all rows of data that are checked, and copied once. */
export function arrayEpochs(
  runner: StepRunner,
  data: Batch<Targets>,
  options: FitOptions,
  validation: Validation | undefined,
  control: Control,
): Epochs {
  const {
    epochs = 1,
    batchSize = 32,
    carryState = false,
    shuffle = !carryState,
    debug = false,
    dropLast = false,
    checkFinite = false,
    keepSteps = false,
    accumulate = 1,
    onProgress,
  } = options;
  checkFitOptionsForRows(options);
  const { equipment } = runner;
  const { seed } = equipment.recipe;
  const count = checkBatch('fit', data, equipment, { augment: options.augment, batchSize });
  if (carryState && !dropLast) checkWholeBatches('fit', count, batchSize);
  const size = Math.min(batchSize, count);
  const kept = batchRuns(count, size).filter(({ rows }) => !dropLast || rows === size);
  const runs = kept.map((run) => ({
    ...run,
    program: equipment.trainingProgram(feedOf(data, run.rows, count), { ...options, accumulates: accumulate > 1 }),
  }));
  const validates = validation?.prepare(control, carryState ? size : options.batchSize);
  const memories = takeIn('fit', data, arraysOf(data), { recipe: equipment.recipe, program: runs[0]!.program, checkFinite }, control);
  const order = new Int32Array(count);
  fillInOrder(order);
  const total = runs.reduce((sum, { steps }) => sum + steps, 0);
  const most = (): number => Math.min(debug ? 1 : maxSteps, accumulate > 1 ? accumulate - runner.waiting : Infinity);

  const run = async (epoch: number, shuffleIndex: number): Promise<Totals> => {
    const totals = trainingTotals(equipment.recipe, keepSteps);
    const data = await memories;
    if (shuffle) await shuffleOrder(order, new Philox(seed, hostStreams.shuffles + shuffleIndex));
    equipment.resetStates();
    const progress = onProgress && new EpochProgress(onProgress, { epoch, epochs, steps: total }, control);
    let finished = 0;
    const report = progress && ((loss: number, done: number) => progress.tell(finished + done, loss));
    for (const { program, begin, rows, steps } of chunks(runs, most)) {
      if (control.stopped) break;
      const bindings: Binding[] = [
        ...program.data.map((slot, i): Binding => [slot, data[i]!]),
        runner.bindIndex(program, order.subarray(begin, begin + rows * steps)),
      ];
      finished += await runner.run(program, bindings, steps, totals, { control, debug, report });
      await updateAfter(accumulate, runner, totals, control, debug);
      progress?.tellIfDue(finished, totals.lastLoss);
    }
    await updateAfter(1, runner, totals, control, debug);
    await progress?.tellEnd(total, totals.lastLoss);
    return totals;
  };
  return { ready: Promise.all([memories, validates]), run };
}

/** The same steps some at a time, `most` of them in one go. */
function* chunks<Run extends BatchRun>(runs: readonly Run[], most: () => number): Generator<Run> {
  for (const run of runs) {
    let { begin, steps: left } = run;
    while (left > 0) {
      const steps = Math.min(most(), left);
      yield { ...run, begin, steps };
      begin += steps * run.rows;
      left -= steps;
    }
  }
}

/** Epochs over batches as they come. */
export function streamEpochs(
  runner: StepRunner,
  batches: BatchReader,
  options: FitOptions,
  validation: Validation | undefined,
  control: Control,
): Epochs {
  const { epochs = 1, augment = [], carryState = false, debug = false, keepSteps = false } = options;
  const { stepsPerEpoch, prefetch = false, accumulate = 1, onProgress } = options;
  const { equipment } = runner;
  checkFitOptionsForBatches(options);
  // With carryState the rows of a batch must be known first.
  const ready = carryState ? undefined : validation?.prepare(control);
  /** Steps of the epoch before. */
  let before: number | undefined;
  let sameRows = new SameRows('fit');
  const run = async (epoch: number): Promise<Totals> => {
    const totals = trainingTotals(equipment.recipe, keepSteps);
    const { passes } = batches;
    let step = 0;
    let next = await batches.first(`fit epoch ${epoch}`);
    // Where the source goes on, so do the states.
    if (batches.passes !== passes) {
      equipment.resetStates();
      sameRows = new SameRows('fit');
    }
    const steps = stepsPerEpoch ?? batches.length ?? before;
    const progress = onProgress && new EpochProgress(onProgress, { epoch, epochs, steps }, control, true);
    while (next.done !== true) {
      const rows = checkBatch('fit', next.value, equipment, { augment });
      if (carryState) sameRows.check(rows);
      if (carryState) await validation?.prepare(control, rows);
      // The batch is copied when this returns, so the source may fill its arrays anew while the step runs.
      const run = runner.runBatch('fit', next.value, totals, control, { ...options, accumulates: accumulate > 1 });
      const isLast = ++step === stepsPerEpoch;
      const ahead = prefetch && !isLast ? batches.next() : undefined;
      ahead?.catch(() => undefined); // What goes wrong there is told after the step.
      await run;
      await updateAfter(accumulate, runner, totals, control, debug);
      progress?.tellIfDue(step, totals.lastLoss);
      if (isLast) break;
      next = await (ahead ?? batches.next());
    }
    await updateAfter(1, runner, totals, control, debug);
    before = step;
    await progress?.tellEnd(step, totals.lastLoss);
    return totals;
  };
  return { ready: Promise.resolve(ready), run };
}

/** The update, once the gradients of so many batches wait for it; none after a stop. */
async function updateAfter(batches: number, runner: StepRunner, totals: Totals, control: Control, debug: boolean): Promise<void> {
  if (runner.waiting >= batches && !control.stopped) totals.addNorm(await runner.update(debug));
}
