import { OptionError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { checkOptions, kindOf, wideSeed } from '../options.js';
import { Layer } from './layer.js';
import type { Scope } from './scope.js';

/** Options of {@link Sequential}. */
export interface SequentialOptions {
  /** Decides initial values and dropout when this is the whole model. Default: 0. */
  readonly seed?: number | bigint | undefined;
}

/**
 * Applies layers one after another.
 *
 * y = layerₙ(… layer₁(x)).   Layers given as a list are named '0', '1', …; as an object, by its keys.
 *
 * @throws OptionError if there is no list or object, no layer in it, an entry is no layer, a name is empty or has a dot, or an option is wrong
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 */
export class Sequential extends Layer {
  readonly layers: ReadonlyMap<string, Layer>;
  override readonly seed: number | bigint;

  constructor(layers: readonly Layer[] | Readonly<Record<string, Layer>>, options: SequentialOptions = {}) {
    super();
    if (typeof layers !== 'object' || layers === null || layers instanceof Layer) {
      throw new OptionError(
        `Sequential: expected a list of layers, or an object of them by name, got ${kindOf(layers)}. Put them in one: new Sequential([a, b]).`,
      );
    }
    this.seed = checkOptions('Sequential', options, { seed: wideSeed }).seed ?? 0;
    // Holes are looked at too.
    this.layers = new Map(Object.entries(Array.isArray(layers) ? Array.from<Layer>(layers) : layers));
    if (this.layers.size === 0) throw new OptionError('Sequential: expected at least one layer, got none.');
    for (const [name, layer] of this.layers) {
      if (!(layer instanceof Layer)) {
        throw new OptionError(
          `Sequential: expected a layer for '${name}', got ${kindOf(layer)}. Make it with new, or wrap a function in Lambda.`,
        );
      }
      if (name === '' || name.includes('.')) {
        throw new OptionError(`Sequential: expected names that are not empty and without dots, got '${name}'.`);
      }
    }
  }

  forward(x: Tensor, scope: Scope): Tensor {
    let y = x;
    for (const [name, layer] of this.layers) y = scope.call(name, layer, y);
    return y;
  }
}
