/** Compiled programs of a model, by what they are for. */
import { programCache } from '../compile/program-cache.js';
import type { Program } from '../compile/program.js';
import type { LruCache } from '../lru-cache.js';
import type { Built } from './build.js';

/** Made anew when the model is. */
export class Programs<T extends { readonly program: Program }> {
  readonly #known = new WeakMap<Built, LruCache<T>>();

  /** @param purpose told apart as JSON */
  get(built: Built, purpose: unknown, make: () => T): T {
    const programs = this.#known.get(built) ?? programCache<T>();
    this.#known.set(built, programs);
    return programs.get(JSON.stringify(purpose), make);
  }
}
