/** One step of a model, compiled for all streams of it that have the same rows and given inputs of the same types. */
import { type Binding, type Program, build } from '../compile/program.js';
import { ShapeError, StateError } from '../errors.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Shape, type TensorType, byteSize } from '../graph/tensor.js';
import { createMemory } from '../memory.js';
import type { MemoryHandle } from '../native.js';
import { cast } from '../ops/elementwise.js';
import { Recent } from '../recent.js';
import { CarriedState } from './carried-state.js';
import { formatRows } from './data.js';
import type { Built, Model } from './model.js';
import type { Trace } from './trace.js';

/** Only one thread runs it, one step at a time: what a step takes and gives may lie in the same memories for all streams. */
export interface StepProgram {
  readonly program: Program;
  /** x [rows, …] of one step. */
  readonly input: MemoryHandle;
  readonly output: MemoryHandle;
  readonly outputShape: Shape;
  /** Of input and output. */
  readonly bindings: readonly Binding[];
  readonly given: readonly MemorySlot[];
  /** Of which each stream has its own. */
  readonly states: CarriedState;
}

/** Programs kept for other rows and other given inputs. */
const maxPrograms = 16;
const programs = new WeakMap<Built, Recent<StepProgram>>();

/** @throws ShapeError, StateError naming `what` if the model does not work on single steps */
export function stepProgram(what: string, model: Model, rows: number, given: readonly TensorType[]): StepProgram {
  const { built } = model;
  const known = programs.get(built) ?? new Recent<StepProgram>(maxPrograms);
  programs.set(built, known);
  return known.get(JSON.stringify([rows, given]), () => make(what, model, rows, given));
}

function make(what: string, model: Model, rows: number, given: readonly TensorType[]): StepProgram {
  const [{ shape, dtype }] = model.rows as [TensorType];
  const type: TensorType = { shape: [rows, 1, ...shape.slice(1)], dtype };
  const input = new MemorySlot('step', byteSize(type));
  const slots = given.map((held, i) => new MemorySlot(`given ${i}`, byteSize(held)));
  const x = source(input, 0, type.shape, dtype);
  const held = slots.map((slot, i) => source(slot, 0, given[i]!.shape, given[i]!.dtype));
  const states = new CarriedState();
  const carry = { ...states.carry, given: held };
  const traced = working(what, model, () => model.trace([x, ...held], false, model.built.seed, carry));
  checkLayers(what, traced);
  if (traced.outputs.length > 1) {
    const names = traced.outputs.map(([name]) => name).join(', ');
    throw new ShapeError(`${what}: expected a model with one output, got ${names}. Stream a layer within it that gives the one you need.`);
  }
  const [, value] = traced.outputs[0]!;
  const output = new MemorySlot('output', value.size * 4);
  const program = build([{ value: cast(value, 'float32'), slot: output, byteOffset: 0, commit: false }, ...states.writes(traced)]);
  const [inputMemory, outputMemory] = [createMemory(input.bytes), createMemory(output.bytes)];
  return {
    program,
    input: inputMemory,
    output: outputMemory,
    outputShape: value.rank > 2 && value.shape[1] === 1 ? value.shape.toSpliced(1, 1) : value.shape,
    bindings: [
      [input, inputMemory],
      [output, outputMemory],
    ],
    given: slots,
    states,
  };
}

/** @throws StateError for a layer that looks along the sequence that is fed */
function checkLayers(what: string, { layers }: Trace): void {
  for (const [path, { layer, inputs, carries }] of layers) {
    if (!carries || !layer.looksAlongTime(inputs?.[0]?.shape ?? [])) continue;
    throw new StateError(
      `${what}: expected layers that work on single steps, got ${layer.constructor.name}${path && ` "${path}"`}, which looks along the sequence. Give whole sequences to predict().`,
    );
  }
}

/** @throws ShapeError saying what a stream is for, where a single step does not fit the layers */
function working<T>(what: string, model: Model, task: () => T): T {
  try {
    return task();
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    throw new ShapeError(
      `${what}: expected a model of sequences [N, T, …] that works on single steps, got one of ${model.rows.map(formatRows).join(' and ')}: ${cause.message} For single rows there is predictSync().`,
      { cause },
    );
  }
}
