/** Weights that are set on a model before its layout is known. */
import type { NdArray } from '../array.js';
import type { Layout } from './layout.js';
import { checkPaths, checkValues } from './weights.js';

/** The weights of one call. */
interface Given {
  /** The call, as errors name it. */
  readonly what: string;
  readonly weights: ReadonlyMap<string, NdArray>;
  readonly strict: boolean;
}

export class PendingWeights {
  /** In order, later ones in place of earlier ones. */
  #given: readonly Given[] = [];

  get isEmpty(): boolean {
    return this.#given.length === 0;
  }

  /** They are all that a model has. */
  get areWhole(): boolean {
    return this.#given.some(({ strict }) => strict);
  }

  set(what: string, weights: ReadonlyMap<string, NdArray>, strict: boolean): this {
    this.#given = [...(strict ? [] : this.#given), { what, weights, strict }];
    return this;
  }

  clear(): void {
    this.#given = [];
  }

  /**
   * Those of a layout, of each path the last. A call of which the layout has no path sets nothing, so it is refused once and left out from then on. What
   * is refused otherwise stays: the layout may be that of a wrong input.
   * @throws as checkWeights, in the name of the call
   */
  of(layout: Layout): ReadonlyMap<string, NdArray> {
    for (const one of this.#given) {
      const isOfOther = !one.strict && layout.entries.every(({ path }) => !one.weights.has(path));
      if (isOfOther) this.#given = this.#given.filter((other) => other !== one);
      checkPaths(one.what, layout, one.weights, one.strict);
    }
    const values = new Map<string, NdArray>();
    for (const { what, weights, strict } of this.#given.toReversed()) {
      const left = new Map([...weights].filter(([path]) => layout.get(path) !== undefined && !values.has(path)));
      checkValues(what, layout, left, strict);
      for (const [path, value] of left) values.set(path, value);
    }
    return values;
  }
}
