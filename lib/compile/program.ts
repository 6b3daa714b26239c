/** A compiled step: bound to memories, run any number of times. */
import type { Control } from '../control.js';
import { StateError } from '../errors.js';
import type { MemorySlot } from '../graph/source.js';
import { createMemory, memoryWith } from '../memory.js';
import { type MemoryHandle, type ProgramHandle, native } from '../native.js';
import { inPieces } from '../pieces.js';
import { type CompileOptions, type Plan, plan } from './plan.js';
import { type ProgramDescription, describeItem, flopsOf, formatDescription, labelOf, operationOf } from './describe.js';
import { encode } from './encode.js';
import { explainFailure } from './explain-failure.js';
import { type Instruction, writesOf } from './instructions/index.js';
import type { Item } from './lower.js';
import type { Write } from './place.js';

export type { CompileOptions } from './plan.js';
export type { Write } from './place.js';

/** A memory for a slot of a program. */
export type Binding = readonly [MemorySlot, MemoryHandle];

/** The first value of a debug run that is NaN or infinite. */
export interface DebugReport {
  readonly instruction: number;
  /** From 0 within the run. */
  readonly step: number;
  readonly label: string;
  readonly operation: string;
}

/** Compiles one step that delivers `writes`. Those that outlive the step come last, and see the values from before it. */
export function build(writes: readonly Write[], options: CompileOptions = {}): Program {
  const program = prepare(writes, options);
  program.finish();
  return program;
}

/** The same, but compiled when the program is first needed: before a run off this thread in pieces, between which others have their turn. */
export function prepare(writes: readonly Write[], options: CompileOptions = {}): Program {
  return new Program(passes(writes, options));
}

/** A plan and its stream. */
interface Output {
  readonly plan: Plan;
  readonly instructions: readonly Instruction[];
  /** The encoded stream: docs/instruction-stream.md. */
  readonly stream: Float64Array;
}

/** About what JavaScript keeps of one. */
const instructionBytes = 4096;

function* passes(writes: readonly Write[], options: CompileOptions): Generator<void, Output, void> {
  const compiled = yield* plan(writes, options);
  yield;
  const instructions = compiled.items.map((item) => item.instruction);
  return { plan: compiled, instructions, stream: encode(instructions, compiled.memory, compiled.commit) };
}

export class Program {
  readonly #passes: Generator<void, Output, void>;
  #output: Output | undefined;
  #failure: Error | undefined;
  #flops: number | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #native: { readonly program: ProgramHandle; readonly constants: readonly MemoryHandle[] } | undefined;
  readonly #own = new Map<MemorySlot, MemoryHandle>();

  /** @internal Use `build()` or `prepare()`. */
  constructor(passes: Generator<void, Output, void>) {
    this.#passes = passes;
  }

  get isCompiled(): boolean {
    return this.#output !== undefined;
  }

  /** About what it keeps beside its memories: nothing before it is compiled. */
  get bytes(): number {
    if (this.#output === undefined) return 0;
    const { plan, stream, instructions } = this.#output;
    return plan.memory.constants.byteLength + stream.byteLength + instructions.length * instructionBytes;
  }

  /** Of the memories it has now: the arena, the constants, and those of slots. */
  get memoryBytes(): number {
    const fixed = this.#native === undefined ? 0 : this.arenaBytes + this.constants.byteLength;
    return [...this.#own.keys()].reduce((total, { bytes }) => total + bytes, fixed);
  }

  /** Gives its memories back, as soon as no run is in them; the next run makes others. */
  release(): void {
    this.#native = undefined;
    this.#own.clear();
  }

  /** A memory that runs on this thread have for a slot to which none is bound, until the next release. */
  ownMemory(slot: MemorySlot): MemoryHandle {
    const memory = this.#own.get(slot) ?? createMemory(slot.bytes);
    this.#own.set(slot, memory);
    return memory;
  }

  /** Memories to bind, in the order of the stream. */
  get slots(): readonly MemorySlot[] {
    return this.finish().plan.memory.slots;
  }

  get arenaBytes(): number {
    return this.finish().plan.memory.arenaBytes;
  }

  get instructions(): readonly Instruction[] {
    return this.finish().instructions;
  }

  /** The encoded stream: docs/instruction-stream.md. */
  get stream(): Float64Array {
    return this.finish().stream;
  }

  /** Floating-point operations of one step. */
  get flops(): number {
    return (this.#flops ??= this.instructions.reduce((total, instruction) => total + flopsOf(instruction), 0));
  }

  /** Constants of the graph: the content of the last memory of the stream, if not empty. */
  get constants(): Uint8Array {
    return this.finish().plan.memory.constants;
  }

  /** Compiles what is left to compile. */
  finish(): Output {
    while (this.#output === undefined) this.#pass();
    return this.#output;
  }

  /** The same, giving other work its turn, until it is stopped. */
  async compiled(control?: Control): Promise<void> {
    await inPieces(() => control?.stopped !== true && this.#pass());
  }

  /** One pass; after one that failed it fails again. @returns whether there are more */
  #pass(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#output !== undefined) return false;
    try {
      const { done, value } = this.#passes.next();
      if (done === true) this.#output = value;
      return done !== true;
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }

  /**
   * Runs `steps` steps off this thread and resolves to the number finished: fewer if stopped.
   * @param control two words on a SharedArrayBuffer: [0] set to 1 asks to stop, [1] counts finished steps
   * @throws DataError for an index out of range, NativeError for anything else; the message names the layer and the operation
   */
  async run(memories: ReadonlyMap<MemorySlot, MemoryHandle>, steps: number, firstStep: number, control?: Int32Array): Promise<number> {
    if (this.#output === undefined) await this.compiled();
    const { program, bound } = this.#bind(memories);
    const words = control ?? new Int32Array(new SharedArrayBuffer(8));
    const start = (): Promise<number> =>
      new Promise((resolve, reject) => {
        native().run(program, bound, steps, firstStep, words, (error, finished) =>
          error === undefined ? resolve(finished) : reject(error),
        );
      });
    // A program has one arena, so its runs wait for each other. One that is stopped meanwhile does nothing when its turn comes.
    const run = this.#last.then(start, start);
    this.#last = run;
    try {
      return await run;
    } catch (error) {
      throw explainFailure(error, this.#items);
    }
  }

  /** The same on this thread. */
  runSync(memories: ReadonlyMap<MemorySlot, MemoryHandle>, steps: number, firstStep: number): number {
    const { program, bound } = this.#bind(memories);
    try {
      return native().runSync(program, bound, steps, firstStep);
    } catch (error) {
      throw explainFailure(error, this.#items);
    }
  }

  /** The same instructions one at a time, on this thread, up to the first that writes a NaN or an infinity that is not meant. */
  runDebug(memories: ReadonlyMap<MemorySlot, MemoryHandle>, steps: number, firstStep: number): DebugReport | undefined {
    const { program, bound } = this.#bind(memories);
    try {
      const { instruction, step } = native().runDebug(program, bound, steps, firstStep);
      if (instruction < 0) return undefined;
      const item = this.#items[instruction]!;
      return { instruction, step, label: labelOf(item), operation: operationOf(item) };
    } catch (error) {
      throw explainFailure(error, this.#items);
    }
  }

  /** Every instruction with its layer, shapes, work and place. */
  describe(): ProgramDescription {
    const { items, memory } = this.finish().plan;
    const instructions = items.map((item) => describeItem(item, writesOf(item.instruction).map(memory.address)));
    return { instructions, arenaBytes: this.arenaBytes, flops: this.flops };
  }

  /** The description as a table. */
  toString(): string {
    return formatDescription(this.describe());
  }

  get #items(): readonly Item[] {
    return this.finish().plan.items;
  }

  #bind(memories: ReadonlyMap<MemorySlot, MemoryHandle>): { program: ProgramHandle; bound: readonly MemoryHandle[] } {
    const bound = this.slots.map((slot) => {
      const memory = memories.get(slot) ?? slot.memory ?? this.#own.get(slot);
      if (memory === undefined)
        throw new StateError(
          `Program: expected a memory for "${slot.name}" (${slot.bytes} bytes), got none. Bind every slot before a run; in layers, keep no tensor of one call of forward for the next.`,
        );
      return memory;
    });
    this.#native ??= this.#load();
    const { program, constants } = this.#native;
    return { program, bound: [...bound, ...constants] };
  }

  #load(): { program: ProgramHandle; constants: readonly MemoryHandle[] } {
    const { constants } = this;
    try {
      return { program: native().createProgram(this.stream), constants: constants.length === 0 ? [] : [memoryWith(constants)] };
    } catch (error) {
      throw explainFailure(error, this.#items);
    }
  }
}
