/** One fit: its epochs, and the callbacks that watch them. */
import { NdArray } from '../array.js';
import { StateError, formatShape } from '../errors.js';
import { sameShape } from '../graph/shape.js';
import type { Layout } from '../model/layout.js';
import { kindOf } from '../options.js';
import type { Callback, FitContext, Snapshot } from './callback.js';
import type { Control } from '../control.js';
import type { Epochs } from './epochs.js';
import type { Equipment } from './equipment.js';
import { type EpochRecord, History, validationName } from './history.js';
import type { FitOptions } from './options.js';
import { optimizersOf } from './recipe.js';
import type { StepRunner } from './step-runner.js';
import { type Totals, trainingFigures } from './totals.js';
import type { Validation } from './validation.js';

/** Goes through the epochs. @throws what a callback throws, and the reason of an abort */
export async function runFit(
  runner: StepRunner,
  epochs: Epochs,
  validation: Validation | undefined,
  options: FitOptions,
  control: Control,
): Promise<History> {
  const { epochs: count = 1, callbacks = [], signal } = options;
  const history = new History();
  let stop = false;
  const context = contextOf(runner.equipment, () => (stop = true), validation !== undefined, control);
  const check = (): void => {
    signal?.throwIfAborted();
    control.check();
  };
  // A callback that hangs does not hold up an abort.
  const call = async (what: (callback: Callback) => void | Promise<void>): Promise<void> => {
    for (const callback of callbacks) {
      const done = what(callback);
      if (done !== undefined) await control.unlessStopped(async () => done);
      check();
    }
  };
  runner.isStepping = false;
  await call((callback) => callback.onStart(context));
  for (let epoch = 1; epoch <= count && !stop; epoch++) {
    check();
    const begin = performance.now();
    const { steps } = runner;
    runner.isStepping = true;
    const totals = await epochs.run(epoch, runner.epochs).finally(() => {
      runner.isStepping = false;
      if (runner.steps > steps) runner.epochs++;
    });
    check();
    const record = await recordOf(epoch, totals, runner.rate, begin, validation, control);
    check();
    history.epochs.push(record);
    await call((callback) => callback.onEpoch(record, context));
  }
  check();
  if (stop) history.stopped = 'early';
  await call((callback) => callback.onEnd(context));
  return history;
}

async function recordOf(
  epoch: number,
  totals: Totals,
  lr: number,
  begin: number,
  validation: Validation | undefined,
  control: Control,
): Promise<EpochRecord> {
  const metrics = totals.metrics();
  const unseen = await validation?.run(control);
  if (unseen !== undefined) Object.assign(metrics, { valLoss: unseen.loss }, unseen.metrics(validationName));
  const steps = totals.steps();
  return { epoch, loss: totals.loss, metrics, lr, seconds: (performance.now() - begin) / 1000, ...(steps && { steps }) };
}

function contextOf({ recipe }: Equipment, stop: () => void, validates: boolean, control: Control): FitContext {
  const { model } = recipe;
  const loss = { name: 'loss', better: 'min' } as const;
  const unseen = [loss, ...recipe.metrics].map(({ name, better }) => ({ name: validationName(name), better }));
  const reported = [loss, ...trainingFigures(recipe), ...(validates ? unseen : [])];
  return {
    model: model.root,
    optimizers: optimizersOf(recipe),
    stop,
    figures: reported.map(({ name }) => name),
    better: Object.fromEntries(reported.map(({ name, better }) => [name, better])),
    snapshot: (): Snapshot => ({ weights: model.weights() }),
    restore: (snapshot) => {
      if (control.ended) throw new StateError('restore: expected a fit that is under way, got one that has ended. Use setWeights() there.');
      model.restore(weightsOf(snapshot, model.layout));
    },
  };
}

/** @throws StateError unless they are those of a model laid out like this one */
function weightsOf(snapshot: Snapshot, { entries }: Layout): Snapshot['weights'] {
  const refuse = (got: string): never => {
    throw new StateError(`restore: expected a snapshot of this model, got ${got}. Give one that snapshot() made in a fit of it.`);
  };
  const weights: unknown = snapshot?.weights;
  if (!(weights instanceof Map)) return refuse(kindOf(weights));
  for (const { path, shape } of entries) {
    const value: unknown = weights.get(path);
    if (!(value instanceof NdArray) || !sameShape(value.shape, shape)) return refuse(`one without "${path}" ${formatShape(shape)}`);
  }
  return weights.size === entries.length ? weights : refuse(`one of ${weights.size} weights, not ${entries.length}`);
}

const engaged = new WeakSet<Callback>();

/** Callbacks serve one fit at a time. @throws StateError if one is in another. @returns what lets them go */
export function engage(callbacks: readonly Callback[]): () => void {
  const twice = callbacks.find((callback, i) => engaged.has(callback) || callbacks.indexOf(callback) !== i);
  if (twice !== undefined)
    throw new StateError(`fit: expected callbacks that serve no other fit now, got ${twice.constructor.name} twice. Make one for each.`);
  for (const callback of callbacks) engaged.add(callback);
  return () => {
    for (const callback of callbacks) engaged.delete(callback);
  };
}
