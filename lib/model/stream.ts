/** A model run one step at a time, on this thread. */
import { NdArray } from '../array.js';
import { checkArray, checkIntact } from '../array-check.js';
import { type Program, build } from '../compile/program.js';
import { DTypeError, ShapeError, StateError, formatShape } from '../errors.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Shape, type TensorType, byteSize, sameShape, sizeOf } from '../graph/tensor.js';
import { createMemory, memoryWith, readFloats } from '../memory.js';
import { type MemoryHandle, native } from '../native.js';
import { cast } from '../ops/elementwise.js';
import { check, checkOptions, count } from '../options.js';
import { CarriedState } from './carried-state.js';
import { arrayList, arrayMap, formatRows } from './data.js';
import type { Model } from './model.js';

/** Options of {@link Layer.stream}. */
export interface StreamOptions {
  /** Sequences that go on side by side, each with a state of its own. Default: 1. */
  readonly rows?: number | undefined;
  /**
   * Further inputs of the model, in the order of forward, which stay the same from step to step: what a decoder looks at, [rows, …], and its lengths.
   * They are copied. Default: none; the model is then called with the sequence alone.
   */
  readonly given?: readonly NdArray[] | undefined;
}

/** An input that stays the same. */
interface Given {
  readonly type: TensorType;
  readonly slot: MemorySlot;
  readonly memory: MemoryHandle;
}

/**
 * A model of sequences that is fed one step at a time: the state of every recurrent layer goes on from step to step. Nothing is compiled
 * or allocated per step but the result, and a step takes the same time however long the sequence is. It computes on this thread, because
 * a step takes less time than a promise. The weights are always the model's own, during a fit those of some finished step.
 *
 * The layers between must work on single steps: recurrent and linear layers, embeddings, activations, normalisation of features, and those that keep what
 * they look back on, MultiHeadAttention and causal convolutions; not what looks along the sequence otherwise, such as pooling over time, which is
 * refused, or attention and causal convolutions made of operations, of which only its layer can tell (`looksAlongTime`). The model has one output. The first input is fed, others
 * are `given` once; a model that is trained with lengths of the sequence must do without them, as the recurrent layers do. For models of single rows there
 * is predictSync.
 * ```ts
 * const memory = await translator.encoder.predict(source);
 * const stream = translator.decoder.stream({ given: [memory] }); // forward(x, memory, scope), with CrossAttention to the memory
 * for (let word = first; word !== last;) word = sampleLogits(stream.step(array(Int32Array.of(word))), { random })[0]!;
 * ```
 */
export class Stream {
  readonly rows: number;
  readonly #name: string;
  readonly #input: TensorType;
  readonly #output: Shape;
  readonly #program: Program;
  readonly #state: CarriedState = new CarriedState();
  readonly #memories: ReadonlyMap<MemorySlot, MemoryHandle>;
  readonly #inputMemory: MemoryHandle;
  readonly #outputMemory: MemoryHandle;
  readonly #given: readonly Given[];

  /** @internal Use `model.stream()`. */
  constructor(model: Model, options: StreamOptions) {
    checkOptions('stream', options, { rows: count, given: arrayList });
    this.rows = options.rows ?? 1;
    this.#name = `${model.name}.stream`;
    const { seed } = model.built;
    const inputs = model.rows;
    model.fill();
    model.keep();
    const [input] = inputs;
    if (input!.shape.length < 1)
      throw new ShapeError(
        `${this.#name}: expected a model of sequences [N, T, …], got ${inputs.map(formatRows).join(' and ')}. For single rows there is predictSync().`,
      );
    const { dtype } = input!;
    const features = input!.shape.slice(1);
    this.#input = { shape: [this.rows, ...features], dtype };
    const inputSlot = new MemorySlot('step', byteSize(this.#input));
    const x = source(inputSlot, 0, [this.rows, 1, ...features], dtype);
    this.#given = this.#taken(options.given ?? [], inputs.slice(1));
    const held = this.#given.map(({ slot, type: { shape, dtype } }) => source(slot, 0, shape, dtype));
    const traced = this.#working(inputs, () => model.trace([x, ...held], false, seed, this.#state.carry));
    for (const [path, { layer, inputs }] of traced.layers) {
      if (!layer.looksAlongTime(inputs?.[0]?.shape ?? [])) continue;
      throw new StateError(
        `${this.#name}: expected layers that work on single steps, got ${layer.constructor.name}${path && ` "${path}"`}, which looks along the sequence. Give whole sequences to predict().`,
      );
    }
    if (traced.outputs.length > 1) {
      const names = traced.outputs.map(([name]) => name).join(', ');
      throw new ShapeError(
        `${this.#name}: expected a model with one output, got ${names}. Stream a layer within it that gives the one you need.`,
      );
    }
    const [, output] = traced.outputs[0]!;
    const outputSlot = new MemorySlot('output', output.size * 4);
    this.#output = output.rank > 2 && output.shape[1] === 1 ? output.shape.toSpliced(1, 1) : output.shape;
    this.#program = build([
      { value: cast(output, 'float32'), slot: outputSlot, byteOffset: 0, commit: false },
      ...this.#state.writes(traced),
    ]);
    this.#inputMemory = createMemory(inputSlot.bytes);
    this.#outputMemory = createMemory(outputSlot.bytes);
    this.#memories = new Map([
      [inputSlot, this.#inputMemory],
      [outputSlot, this.#outputMemory],
      ...this.#given.map(({ slot, memory }) => [slot, memory] as const),
    ]);
  }

  /**
   * The output of the next step. x [rows, …] is one step of each sequence, without the time dimension, and so is the output:
   * ids [rows] through an embedding, an LSTM and Linear(C) give [rows, C].
   * @throws ShapeError, DTypeError, StateError, DataError if x does not fit; the state is then what it was
   */
  step(x: NdArray): NdArray<Float32Array> {
    this.#check(x);
    native().writeMemory(this.#inputMemory, 0, x.data);
    this.#program.runSync(this.#memories, 1, 0);
    return new NdArray(readFloats(this.#outputMemory, sizeOf(this.#output)), this.#output);
  }

  /**
   * Back to the beginning of a sequence: all states 0. With other inputs `given`, of the shapes there were, it is that of another one.
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

  /** Copies of all states, by path: 'lstm.h0' [rows, H]. */
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
      const type: TensorType = { shape: x.shape, dtype };
      return { type, slot: new MemorySlot(`given ${i}`, byteSize(type)), memory: memoryWith(x.data) };
    });
  }

  /** @throws ShapeError saying what a stream is for, where a single step does not fit the layers */
  #working<T>(inputs: readonly TensorType[], task: () => T): T {
    try {
      return task();
    } catch (cause) {
      if (!(cause instanceof ShapeError)) throw cause;
      throw new ShapeError(
        `${this.#name}: expected a model of sequences [N, T, …] that works on single steps, got one of ${inputs.map(formatRows).join(' and ')}: ${cause.message} For single rows there is predictSync().`,
        { cause },
      );
    }
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
