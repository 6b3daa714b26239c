/** What values beyond the limit may take. */
export interface Room<Value> {
  readonly bytes: number;
  readonly bytesOf: (value: Value) => number;
}

/**
 * The values used last, by key. Where there are more than `limit`, and all together take more bytes than there is room for, the one
 * unused for longest goes.
 */
export class LruCache<Value> {
  readonly #values = new Map<string, Value>();
  readonly #limit: number;
  readonly #room: Room<Value> | undefined;

  /** @param room default: none beyond the limit */
  constructor(limit: number, room?: Room<Value>) {
    this.#limit = limit;
    this.#room = room;
  }

  /** The value of this key, made if it is not there. */
  get(key: string, make: () => Value): Value {
    const known = this.#values.has(key);
    const value = known ? this.#values.get(key)! : make();
    this.#values.delete(key);
    if (!known) while (this.#values.size >= this.#limit && !this.#hasRoom()) this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(key, value);
    return value;
  }

  #hasRoom(): boolean {
    if (this.#room === undefined) return false;
    const { bytes, bytesOf } = this.#room;
    return [...this.#values.values()].reduce((total, value) => total + bytesOf(value), 0) <= bytes;
  }
}
