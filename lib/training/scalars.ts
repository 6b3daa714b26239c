/** The optimizers' numbers that change from step to step: one row of float32 a step, one optimizer after the other. */
import { OptionError } from '../errors.js';
import { type MemorySlot, source } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { nonNegative, rangeAdvice } from '../options.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { gotReturned } from '../returned.js';
import { type Recipe, optimizersOf } from './recipe.js';

/** Numbers in a row. */
export function scalarCount(recipe: Recipe): number {
  return optimizersOf(recipe).reduce((n, { scalars }) => n + scalars.length, 0);
}

/** Where each optimizer's numbers begin in a row, the trainer's own first. */
function placesOf(recipe: Recipe): readonly { readonly optimizer: Optimizer; readonly begin: number }[] {
  let end = 0;
  return optimizersOf(recipe).map((optimizer) => {
    const begin = end;
    end += optimizer.scalars.length;
    return { optimizer, begin };
  });
}

/** The numbers of each optimizer by name, as a step reads them from its row. */
export function scalarTensors(recipe: Recipe, slot: MemorySlot): ReadonlyMap<Optimizer, Readonly<Record<string, Tensor>>> {
  return new Map(
    placesOf(recipe).map(({ optimizer, begin }) => [
      optimizer,
      Object.fromEntries(optimizer.scalars.map((name, i) => [name, source(slot, 4 * (begin + i), [])])),
    ]),
  );
}

/** Writes the rows of `steps` updates, the first of number `first`. @returns the learning rate of the last, of the trainer's optimizer */
export function writeScalars(recipe: Recipe, out: Float32Array, first: number, steps: number): number {
  const width = scalarCount(recipe);
  const rates = placesOf(recipe).map(({ optimizer, begin }) => {
    let rate = NaN;
    for (let i = 0; i < steps; i++) {
      const at = i * width + begin;
      rate = rateAt(optimizer.lr, first + i);
      out.fill(NaN, at, at + optimizer.scalars.length);
      optimizer.writeScalars(out, at, first + i, rate);
      checkWritten(optimizer, out, at);
    }
    return rate;
  });
  return rates[0]!;
}

/** @throws OptionError unless each of its scalars, from `begin` on, is a number */
function checkWritten({ scalars, constructor }: Optimizer, values: Float32Array, begin: number): void {
  const missing = scalars.find((_, i) => Number.isNaN(values[begin + i]));
  if (missing !== undefined)
    throw new OptionError(`${constructor.name}: expected writeScalars to write a number for ${missing}, got none.`);
}

/** @throws OptionError if it is anything but a number ≥ 0 */
function rateAt(lr: Optimizer['lr'], step: number): number {
  const rate: unknown = typeof lr === 'function' ? lr(step) : lr;
  if (nonNegative.accepts(rate)) return rate as number;
  const got = typeof rate === 'number' ? String(rate) : undefined;
  const from = typeof lr === 'function' ? `from the schedule of lr for step ${step}` : 'for lr';
  throw new OptionError(`Trainer: expected ${nonNegative.expected} ${from}, ${gotReturned(rate, rangeAdvice(rate), got)}`);
}
