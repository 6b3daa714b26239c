/** Compiled programs of a model, by what they are for. */
import type { Program } from '../compile/program.js';
import { LruCache } from '../lru-cache.js';
import type { Built } from './model.js';

/** Programs kept, and more while all of them take no more than so many bytes. */
const maxPrograms = 16;
const programRoom = 2 ** 26;

/** Made anew when the model is. */
export class Programs<T extends { readonly program: Program }> {
  readonly #known = new WeakMap<Built, LruCache<T>>();

  /** @param purpose told apart as JSON */
  get(built: Built, purpose: unknown, make: () => T): T {
    const programs =
      this.#known.get(built) ?? new LruCache<T>(maxPrograms, { bytes: programRoom, bytesOf: ({ program }) => program.bytes });
    this.#known.set(built, programs);
    return programs.get(JSON.stringify(purpose), make);
  }
}
