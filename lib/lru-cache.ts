/** So many values of one size that take turns, and two more, keep their memories: buckets of sequences. */
const leastRoom = 4;

/** What a value takes, and gives back. */
export interface Kept {
  /** About what it keeps beside its memories. */
  readonly bytes: number;
  /** What its memories take now. */
  readonly memoryBytes: number;
  /** Gives its memories back: they are made anew when it is used. */
  release(): void;
}

/** For values that take much. */
export interface Room<Value> {
  /** For all values beside their memories. */
  readonly bytes: number;
  readonly memoryBytes: number;
  readonly of: (value: Value) => Kept;
}

/**
 * The values used last, by key. Where there are more than `limit`, and all together take more bytes than there is room for, the one
 * unused for longest goes. Of memories the two used last have theirs; those unused for longest give theirs back where there is no room, which is
 * four times the largest at least.
 */
export class LruCache<Value> {
  readonly #values = new Map<string, Value>();
  readonly #limit: number;
  readonly #room: Room<Value> | undefined;
  #hasGrown = false;

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
    if (this.#room !== undefined) {
      const makesMemories = this.#room.of(value).memoryBytes === 0;
      // Those got before may have made theirs only since.
      if (makesMemories || this.#hasGrown) this.#release(this.#room);
      this.#hasGrown = makesMemories;
    }
    return value;
  }

  #hasRoom(): boolean {
    if (this.#room === undefined) return false;
    const { bytes, of } = this.#room;
    return [...this.#values.values()].reduce((total, value) => total + of(value).bytes, 0) <= bytes;
  }

  /** Of all but the two used last. */
  #release({ memoryBytes, of }: Room<Value>): void {
    const all = [...this.#values.values()].map(of);
    let left = Math.max(memoryBytes, leastRoom * Math.max(...all.map(({ memoryBytes }) => memoryBytes)));
    for (const kept of all.slice(0, -2).reverse()) {
      if (kept.memoryBytes > left) kept.release();
      else left -= kept.memoryBytes;
    }
  }
}
