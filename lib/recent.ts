/** The values made last, by key: where there are more than `limit`, the one that was not asked for longest goes. */
export class Recent<Value> {
  readonly #values = new Map<string, Value>();

  constructor(readonly limit: number) {}

  /** The value of this key, made if it is not there. */
  get(key: string, make: () => Value): Value {
    const known = this.#values.has(key);
    const value = known ? this.#values.get(key)! : make();
    this.#values.delete(key);
    if (!known && this.#values.size >= this.limit) this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(key, value);
    return value;
  }
}
