import type { NdArray } from '../array.js';
import { DTypeError, OptionError, ShapeError, formatShape } from '../errors.js';
import { sameShape } from '../graph/shape.js';
import type { Entry } from '../model/layout.js';
import { trainedParameters } from './groups.js';
import type { Recipe } from './recipe.js';

/**
 * Gradients that come from outside, with the parameters they belong to, in the order of these.
 * @throws OptionError, ShapeError, DTypeError unless each is that of a parameter that is trained
 */
export function givenGradients(
  what: string,
  { model, frozen }: Recipe,
  gradients: ReadonlyMap<string, NdArray>,
): ReadonlyMap<Entry, NdArray> {
  const trained = trainedParameters(model.name, model.layout, frozen);
  const unknown = [...gradients.keys()].find((path) => !trained.some((entry) => entry.path === path));
  if (unknown !== undefined || gradients.size === 0) {
    const known = trained.map(({ path }) => `"${path}"`).join(', ');
    throw new OptionError(
      `${what}: expected gradients of parameters that are trained, of ${known}, got ${unknown === undefined ? 'none' : `one of "${unknown}"`}.`,
    );
  }
  const given = trained.flatMap((entry): [Entry, NdArray][] => {
    const gradient = gradients.get(entry.path);
    return gradient === undefined ? [] : [[entry, gradient]];
  });
  for (const [{ path, shape }, gradient] of given) {
    if (gradient.dtype !== 'float32') throw new DTypeError(`${what}: expected a float32 gradient of "${path}", got ${gradient.dtype}.`);
    if (!sameShape(gradient.shape, shape)) {
      throw new ShapeError(
        `${what}: expected a gradient ${formatShape(shape)} of "${path}", got ${formatShape(gradient.shape)}. Give it the shape of the parameter.`,
      );
    }
  }
  return new Map(given);
}
