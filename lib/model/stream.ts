/** A model run one step at a time, on this thread. */
import { NdArray, checkIntact } from '../array.js';
import { arrayList, arrayMap, checkArray } from '../array-check.js';
import { DTypeError, ShapeError, formatShape } from '../errors.js';
import type { MemorySlot } from '../graph/source.js';
import { sameShape, sizeOf } from '../graph/shape.js';
import type { TensorType } from '../graph/tensor.js';
import { memoryWith, readFloats } from '../memory.js';
import { type MemoryHandle, native } from '../native.js';
import { check, checkOptions, count } from '../options.js';
import type { CarriedState } from './carried-state.js';
import { formatInputs } from './data.js';
import type { Model } from './model.js';
import { type Given, type StreamProgram, streamProgram } from './stream-program.js';

/** Options of {@link Layer.stream}. */
export interface StreamOptions {
  /** Sequences that go on side by side, each with a state of its own. Default: 1. */
  readonly rows?: number | undefined;
  /**
   * Further inputs of the model, in the order of forward, which stay the same from step to step: what a decoder looks at, [rows, …], and its lengths.
   * They are copied. What is made of them alone, as by an encoder in the model, is computed anew in each step, with no state, unless it is repeated for
   * each step: to encode once, give what the encoder predicts to a stream of the decoder. Default: none; the model is then called with the sequence alone.
   */
  readonly given?: readonly NdArray[] | undefined;
}

/**
 * A model of sequences that is fed one step at a time: the state of every recurrent layer goes on from step to step, from zeros or from one it is given at first.
 * Nothing is compiled or allocated per step but the result, and a step takes the same time however long the sequence is. It computes on this thread, because
 * a step takes less time than a promise. The first stream of a model compiles it, and two steps at once for a comparison; further ones with the same rows and given shapes take little more than
 * their states, those of other rows a compilation of one step. The weights are always the model's own, during a fit those of some finished step.
 *
 * The layers between must work on single steps: recurrent and linear layers, embeddings, activations, normalisation of features, and those that keep what
 * they look back on, MultiHeadAttention and causal convolutions; not what looks along the sequence otherwise, such as pooling over time, a softmax
 * or a loop over the steps that keeps no state. That is refused, by what layers say (`looksAlongTime`) and by a comparison of two drawn steps, one after the other and at once, with the weights there are
 * when the first stream is made: what weights of 0 hide then, or weighs less than a thousandth, is not seen, and a model built for sequences of one step is taken as it is. Sequences within a step, such as the
 * characters of a word, begin anew in each where they go through `scope.apart()`. Of what is `given` anything may be made. The model has one output. The first input is fed, others
 * are `given` once; a model that is trained with lengths of the sequence must do without them, as the recurrent layers do. For models of single rows there
 * is predictSync.
 * ```ts
 * const memory = await translator.encoder.predict(source);
 * const stream = translator.decoder.stream({ given: [memory] }); // forward(x, memory, scope), with CrossAttention to the memory
 * for (let word = first, said = 0; word !== last && said < 100; said++) word = sampleLogits(stream.step(array(Int32Array.of(word))), { random })[0]!;
 * ```
 */
export class Stream {
  readonly rows: number;
  readonly #name: string;
  readonly #input: TensorType;
  readonly #given: readonly Given[];
  readonly #step: StreamProgram;
  readonly #state: CarriedState;
  readonly #memories: ReadonlyMap<MemorySlot, MemoryHandle>;

  /** @internal Use `model.stream()`. */
  constructor(model: Model, options: StreamOptions) {
    checkOptions('stream', options, { rows: count, given: arrayList });
    this.rows = options.rows ?? 1;
    this.#name = `${model.name}.stream`;
    const [{ shape, dtype }, ...others] = model.rows as [TensorType, ...TensorType[]];
    model.fill();
    model.settle();
    if (shape.length < 1)
      throw new ShapeError(
        `${this.#name}: expected a model of sequences [N, T, …], got ${formatInputs(model.rows)}. For single rows there is predictSync().`,
      );
    this.#input = { shape: [this.rows, ...shape.slice(1)], dtype };
    this.#given = this.#taken(options.given ?? [], others);
    this.#step = streamProgram(this.#name, model, this.rows, this.#given);
    this.#state = this.#step.states.another();
    const given = this.#given.map(({ memory }, i) => [this.#step.given[i]!, memory] as const);
    this.#memories = new Map([...this.#step.bindings, ...this.#state.bindings(), ...given]);
  }

  /**
   * The output of the next step. x [rows, …] is one step of each sequence, without the time dimension, and so is the output:
   * ids [rows] through an embedding, an LSTM and Linear(C) give [rows, C].
   * @throws ShapeError, DTypeError, StateError, DataError if x does not fit; the state is then what it was
   */
  step(x: NdArray): NdArray<Float32Array> {
    this.#check(x);
    const { program, input, output, outputShape } = this.#step;
    native().writeMemory(input, 0, x.data);
    program.runSync(this.#memories, 1, 0);
    return new NdArray(readFloats(output, sizeOf(outputShape)), outputShape);
  }

  /**
   * Back to the beginning of a sequence: all states 0, and first states count again. With other inputs `given`, of the shapes there were, it is that of another one.
   * @throws ShapeError, DTypeError, StateError, DataError if they do not fit; nothing is reset then
   */
  reset(given?: readonly NdArray[]): void {
    if (given !== undefined) {
      check(`${this.#name}.reset`, 'given', given, arrayList);
      const types = this.#given.map(({ type }) => type);
      if (given.length !== types.length || !given.every((x, i) => x.dtype === types[i]!.dtype && sameShape(x.shape, types[i]!.shape))) {
        const list = (of: readonly TensorType[]): string =>
          of.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join(', ') || 'none';
        throw new ShapeError(
          `${this.#name}.reset: expected given inputs ${list(types)}, got ${list(given)}. Make another stream for other shapes.`,
        );
      }
      given.forEach((x, i) => checkIntact(`${this.#name}.reset`, `given ${i}`, x));
      given.forEach((x, i) => native().writeMemory(this.#given[i]!.memory, 0, x.data));
    }
    this.#state.reset();
  }

  /** Copies of all states, by path: 'lstm.h0' [rows, H], and 'lstm.h0.started' [rows, 1] where a first one is given. A row of zeros is at its beginning. */
  state(): Map<string, NdArray<Float32Array>> {
    return this.#state.read();
  }

  /** Goes on from states that `state()` gave. @throws StateError or ShapeError if they are not those of this stream; none is set then */
  setState(states: ReadonlyMap<string, NdArray>): void {
    check(`${this.#name}.setState`, 'states', states, arrayMap);
    this.#state.write(`${this.#name}.setState`, states);
  }

  /** @throws ShapeError, DTypeError, StateError unless they are further inputs of the model, with a row for each sequence */
  #taken(given: readonly NdArray[], types: readonly TensorType[]): readonly Given[] {
    if (given.length > types.length)
      throw new ShapeError(
        `${this.#name}: expected at most ${types.length} given inputs, as the model has beside the sequence, got ${given.length}.`,
      );
    return given.map((x, i) => {
      checkIntact(this.#name, `given ${i}`, x);
      const { dtype } = types[i]!;
      if (x.dtype !== dtype)
        throw new DTypeError(`${this.#name}: expected given ${i} of ${dtype} as the model was built with, got ${x.dtype}.`);
      if (x.shape[0] !== this.rows)
        throw new ShapeError(
          `${this.#name}: expected given ${i} of ${this.rows} rows, one for each sequence, got ${formatShape(x.shape)}. Set rows to how many there are.`,
        );
      return { type: { shape: x.shape, dtype }, memory: memoryWith(x.data) };
    });
  }

  #check(x: NdArray): void {
    const { shape, dtype } = this.#input;
    checkArray(this.#name, 'one step', x);
    if (!sameShape(x.shape, shape)) {
      throw new ShapeError(
        `${this.#name}: expected one step of shape ${formatShape(shape)}, got ${formatShape(x.shape)}. Leave the time dimension out.`,
      );
    }
    if (x.dtype !== dtype) throw new DTypeError(`${this.#name}: expected ${dtype} as the model was built with, got ${x.dtype}.`);
  }
}
