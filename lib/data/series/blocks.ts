import type { Pieces } from '../../pieces.js';

/** Numbers that come one by one, kept in blocks: however many there are, none of them is moved before the end. */
export class Blocks<T extends Float32Array | Int32Array> {
  readonly #make: (length: number) => T;
  readonly #blocks: T[] = [];
  #last: T;
  #used = 0;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#last = make(0);
  }

  push(value: number): void {
    if (this.#used === this.#last.length) {
      this.#last = this.#make(2 ** 15);
      this.#blocks.push(this.#last);
      this.#used = 0;
    }
    this.#last[this.#used++] = value;
  }

  /** All of them as one array, each changed by `change`; yields after each block. */
  *joined(change?: (value: number) => number): Pieces<T> {
    const length = this.#blocks.length === 0 ? 0 : (this.#blocks.length - 1) * this.#last.length + this.#used;
    const all = this.#make(length);
    for (const [i, block] of this.#blocks.entries()) {
      const begin = i * block.length;
      const part = block.subarray(0, length - begin);
      all.set(change === undefined ? part : part.map(change), begin);
      yield;
    }
    return all;
  }
}
