/** Parameters with optimizers of their own, and those that are trained at all. */
import { OptionError } from '../errors.js';
import { type Entry, type Layout, isWithin } from '../model/layout.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { gotReturned } from '../returned.js';
import type { ParameterGroup } from './options.js';
import type { Recipe } from './recipe.js';

/** The parameters at or below these paths. @throws OptionError if there is nothing below a path, not even running state */
function parametersBelow(what: string, layout: Layout, paths: readonly string[]): readonly Entry[] {
  const { entries, parameters } = layout;
  const isBelow = ({ path }: Entry, root: string): boolean => layout.rootsOf(root).some((own) => isWithin(path, own));
  const unknown = paths.find((root) => !entries.some((entry) => isBelow(entry, root)));
  if (unknown !== undefined) {
    const known = entries.map(({ path }) => `"${path}"`).join(', ');
    throw new OptionError(`Trainer: expected paths of layers or parameters among ${known} for ${what}, got "${unknown}".`);
  }
  return parameters.filter((entry) => paths.some((root) => isBelow(entry, root)));
}

/**
 * The optimizer of each parameter: of the first group that it belongs to, or the trainer's.
 * @throws OptionError for a group of nothing, or of nothing that it would update
 */
export function optimizersByEntry(layout: Layout, { optimizer, groups, frozen }: Recipe): ReadonlyMap<Entry, Optimizer> {
  const owners = new Map<Entry, Optimizer>();
  const kept = new Set(parametersBelow('frozen', layout, frozen));
  for (const [i, group] of groups.entries()) {
    const chosen = chosenBy(`groups[${i}]`, layout, group);
    if (chosen.length === 0) throw new OptionError('Trainer: expected parameters in each of groups, got a choice that takes none.');
    if (chosen.every((entry) => kept.has(entry) || owners.has(entry))) {
      const paths = chosen.map(({ path }) => `"${path}"`).join(', ');
      throw new OptionError(
        `Trainer: expected parameters to update in each of groups, got only those frozen or in a group before it in groups[${i}]: ${paths}. Leave it out, or put it first.`,
      );
    }
    for (const entry of chosen) if (!owners.has(entry)) owners.set(entry, group.optimizer);
  }
  return new Map(layout.parameters.map((entry) => [entry, owners.get(entry) ?? optimizer]));
}

/** @throws OptionError as parametersBelow, and for a choice that is neither true nor false */
function chosenBy(what: string, layout: Layout, { parameters }: ParameterGroup): readonly Entry[] {
  if (typeof parameters !== 'function') return parametersBelow('groups', layout, parameters);
  return layout.parameters.filter(({ path, shape }) => {
    const isChosen: unknown = parameters(path, shape);
    if (typeof isChosen === 'boolean') return isChosen;
    throw new OptionError(`Trainer: expected true or false from parameters of ${what} for "${path}", ${gotReturned(isChosen)}`);
  });
}

/** The parameters that are not frozen. @throws OptionError if a path is none, or if nothing is left to train */
export function trainedParameters(model: string, layout: Layout, frozen: readonly string[]): readonly Entry[] {
  const kept = new Set(parametersBelow('frozen', layout, frozen));
  const trained = layout.parameters.filter((entry) => !kept.has(entry));
  if (trained.length === 0) throw new OptionError(`Trainer: expected something left to train in ${model}, got all of it frozen.`);
  return trained;
}
