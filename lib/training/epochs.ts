/** One epoch over arrays, or over batches as they come. */
import { OptionError } from '../errors.js';
import { batchRuns, evaluationRows, memoryOf } from '../model/data.js';
import { Philox } from '../random.js';
import { arraysOf } from './batch-types.js';
import { batchesOf } from './batches.js';
import type { Batch, BatchSource, FitOptions, Progress } from './options.js';
import type { Control } from './session.js';
import { fillInOrder, shuffleOrder } from './shuffle.js';
import { type Binding, SameRows, type Stepper, checkWholeBatches, progressInterval } from './stepper.js';
import type { Totals } from './totals.js';
import type { Validation } from './validation.js';

/** Trains one epoch, adding its results to the totals. `shuffle` tells the orders of different epochs apart, over all fits. */
export type Epoch = (epoch: number, shuffle: number, totals: Totals) => Promise<void>;

/** Most steps handed to the native side at once; bounds the memory for scalars and results. */
const maxSteps = 4096;
/** Streams of the host that shuffles use, far from those of initial values. */
const shuffleStream = 0x4000_0000;

/** Checks all data, copies it once, and gives a function that trains one epoch on it. */
export function arrayEpochs(
  stepper: Stepper,
  data: Batch,
  options: FitOptions,
  validation: Validation | undefined,
  control: Control,
): Epoch {
  const { epochs = 1, batchSize = 32, carryState = false, shuffle = !carryState, augment = [], debug = false } = options;
  const { checkFinite = false, dropLast = false } = options;
  const tell = reporter(options, control);
  const count = stepper.check('fit', data, checkFinite, augment);
  if (carryState) checkWholeBatches('fit', count, batchSize);
  const size = Math.min(batchSize, count);
  const kept = batchRuns(count, size).filter(({ rows }) => !dropLast || rows === size);
  const runs = kept.map((run) => ({
    ...run,
    program: stepper.trainingProgram(data, run.rows, { kind: 'indexed', dataRows: count }, { augmentations: augment, carryState }),
  }));
  stepper.checkValues('fit', data, runs[0]!.program);
  validation?.prepare(runs[0]!.rows);
  const memories = arraysOf(data).map(memoryOf);
  const order = new Int32Array(count);
  fillInOrder(order);
  const steps = runs.reduce((total, run) => total + run.steps, 0);

  return async (epoch, shuffleIndex, totals) => {
    if (shuffle) await shuffleOrder(order, new Philox(stepper.seed, shuffleStream + shuffleIndex));
    stepper.resetStates();
    let finished = 0;
    let reported = performance.now();
    const report =
      tell &&
      ((loss: number, done: number): Promise<unknown> => {
        reported = performance.now();
        return tell({ epoch, epochs, step: finished + done, steps, loss });
      });
    for (const { begin, rows, steps: runSteps, program } of runs) {
      const most = debug ? 1 : maxSteps;
      for (let at = 0; at < runSteps && !control.stopped; at += most) {
        const chunk = Math.min(most, runSteps - at);
        const bindings: Binding[] = [
          ...program.data.map((slot, i): Binding => [slot, memories[i]!]),
          stepper.bindIndex(program, order.subarray(begin + at * rows, begin + (at + chunk) * rows)),
        ];
        finished += await stepper.train(program, bindings, chunk, rows, totals, { control, debug, report });
        if (performance.now() - reported >= progressInterval) void report?.(totals.lastLoss, 0);
      }
    }
    if (!control.stopped) await report?.(totals.lastLoss, 0);
  };
}

/** Gives a function that trains one epoch on batches as they come. */
export function streamEpochs(
  stepper: Stepper,
  source: BatchSource,
  options: FitOptions,
  validation: Validation | undefined,
  control: Control,
): Epoch {
  const { epochs = 1, augment = [], carryState = false, debug = false, checkFinite = false } = options;
  const tell = reporter(options, control);
  if (options.batchSize !== undefined) {
    throw new OptionError('fit: expected no batchSize for data that comes in batches, got one. Set the size where the batches are made.');
  }
  if (options.dropLast !== undefined)
    throw new OptionError('fit: expected no dropLast for data that comes in batches, got one. Leave batches out where they are made.');
  if (options.shuffle === true) {
    throw new OptionError('fit: expected no shuffle for data that comes in batches, got true. Shuffle where the batches are made.');
  }
  // With carryState the rows of a batch must be known first.
  if (!carryState) validation?.prepare(evaluationRows);
  return async (epoch, _shuffleIndex, totals) => {
    stepper.resetStates();
    const sameRows = new SameRows('fit');
    let step = 0;
    let reported = 0;
    for await (const batch of batchesOf(`fit epoch ${epoch}`, source, control)) {
      const rows = stepper.check('fit', batch, checkFinite, augment);
      if (carryState) sameRows.check(rows);
      validation?.prepare(rows);
      await stepper.trainBatch('fit', batch, rows, totals, { control, debug, report: undefined }, { augmentations: augment, carryState });
      step++;
      if (performance.now() - reported < progressInterval) continue;
      reported = performance.now();
      void tell?.({ epoch, epochs, step, steps: undefined, loss: totals.lastLoss });
    }
    if (!control.stopped) await tell?.({ epoch, epochs, step, steps: step, loss: totals.lastLoss });
  };
}

/** Calls `onProgress`; what goes wrong there, at once or later, fails the control. */
function reporter({ onProgress }: FitOptions, control: Control): ((progress: Progress) => Promise<unknown>) | undefined {
  if (onProgress === undefined) return undefined;
  return (progress) => new Promise<unknown>((resolve) => resolve(onProgress(progress))).catch((error: unknown) => control.fail(error));
}
