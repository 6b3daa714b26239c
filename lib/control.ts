/** Runs that can be stopped. */

/** Words of the control array. */
const stopWord = 0;
const doneWord = 1;

/** Those that one signal stops, by one listener: a signal may be that of many calls. */
interface Followers {
  readonly controls: Set<Control>;
  readonly listener: () => void;
}

const followers = new WeakMap<AbortSignal, Followers>();

function followersOf(signal: AbortSignal): Followers {
  const known = followers.get(signal);
  if (known !== undefined) return known;
  const controls = new Set<Control>();
  const listener = (): void => controls.forEach((control) => control.stop());
  signal.addEventListener('abort', listener, { once: true });
  followers.set(signal, { controls, listener });
  return { controls, listener };
}

/** Stops the runs it is given to; `done` counts the finished steps of the present one. */
export class Control {
  readonly words: Int32Array = new Int32Array(new SharedArrayBuffer(8));
  /** Called when stopped, to wake those who wait. */
  readonly #waiters = new Set<() => void>();
  /** Its fit is over. */
  ended = false;
  #failure: { readonly error: unknown } | undefined;

  get done(): number {
    return Atomics.load(this.words, doneWord);
  }

  set done(steps: number) {
    Atomics.store(this.words, doneWord, steps);
  }

  get stopped(): boolean {
    return Atomics.load(this.words, stopWord) !== 0;
  }

  stop(): void {
    Atomics.store(this.words, stopWord, 1);
    this.#waiters.forEach((wake) => wake());
  }

  /** What the task gives, or undefined where this is stopped first. */
  async unlessStopped<T>(task: () => Promise<T>): Promise<T | undefined> {
    let wake = (): void => undefined;
    try {
      return await new Promise<T | undefined>((resolve, reject) => {
        wake = () => resolve(undefined);
        this.#waiters.add(wake);
        task().then(resolve, reject);
        if (this.stopped) wake(); // the task itself may have stopped it
      });
    } finally {
      this.#waiters.delete(wake);
    }
  }

  /** Stops as soon as the signal is aborted. @returns what ends that */
  follow(signal: AbortSignal | undefined): () => void {
    if (signal === undefined) return () => undefined;
    if (signal.aborted) this.stop();
    const { controls, listener } = followersOf(signal);
    controls.add(this);
    return () => {
      controls.delete(this);
      if (controls.size > 0) return;
      signal.removeEventListener('abort', listener);
      followers.delete(signal);
    };
  }

  /** Stops because of an error; `check()` throws the first. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.stop();
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
