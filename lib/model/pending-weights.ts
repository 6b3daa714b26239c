/** Weights that are set on a model before its layout is known. */
import type { NdArray } from '../array.js';
import type { Layout } from './layout.js';
import { checkPaths, checkValues } from './weights.js';

/** The weights of one call. */
interface Call {
  /** The call, as errors name it. */
  readonly what: string;
  readonly weights: ReadonlyMap<string, NdArray>;
  readonly strict: boolean;
  /** countChange() of it. */
  readonly since: number;
}

/** A value that was set before there was a place for it. */
export interface Given {
  readonly value: NdArray;
  /** countChange() of the call. */
  readonly since: number;
}

export class PendingWeights {
  /** In order, later ones in place of earlier ones. */
  #given: readonly Call[] = [];
  /** The one whose paths the latest layout did not have. */
  #strange: Call | undefined;

  /** They are all that a model has. */
  get areWhole(): boolean {
    return this.#given.some(({ strict }) => strict);
  }

  set(what: string, weights: ReadonlyMap<string, NdArray>, strict: boolean, since: number): void {
    const others = strict ? [] : this.#given.filter((one) => one !== this.#strange);
    this.#given = [...others, { what, weights, strict, since }];
  }

  clear(): void {
    this.#given = [];
  }

  /**
   * Those of a layout, of each path the last. What is refused stays, as the layout may be that of a wrong input; but what is refused by its paths, of
   * which later weights may have none, only until others are set.
   * @throws as checkWeights, in the name of the call
   */
  of(layout: Layout): ReadonlyMap<string, Given> {
    for (const one of this.#given) {
      this.#strange = one;
      checkPaths(one.what, layout, one.weights, one.strict);
    }
    this.#strange = undefined;
    const values = new Map<string, Given>();
    for (const { what, weights, strict, since } of this.#given.toReversed()) {
      const left = new Map([...weights].filter(([path]) => layout.get(path) !== undefined && !values.has(path)));
      checkValues(what, layout, left, strict);
      for (const [path, value] of left) values.set(path, { value, since });
    }
    return values;
  }
}
