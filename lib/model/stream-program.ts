/** One step of a model, compiled for all streams of it that have the same rows and given inputs of the same types. */
import { type Binding, type Program, build } from '../compile/program.js';
import { ShapeError, StateError, formatShape } from '../errors.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Shape, sameShape } from '../graph/shape.js';
import { type TensorType, byteSize } from '../graph/tensor.js';
import { createMemory } from '../memory.js';
import type { MemoryHandle } from '../native.js';
import { cast } from '../ops/elementwise.js';
import { CarriedState } from './carried-state.js';
import { formatInputs } from './data.js';
import type { Model } from './model.js';
import { Programs } from './programs.js';
import type { Trace } from './trace.js';

/** Only one thread runs it, one step at a time: what a step takes and gives may lie in the same memories for all streams. */
export interface StreamProgram {
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

const programs = new Programs<StreamProgram>();

/** @throws ShapeError, StateError naming `what` if the model does not work on single steps */
export function streamProgram(what: string, model: Model, rows: number, given: readonly TensorType[]): StreamProgram {
  return programs.get(model.built, [rows, given], () => make(what, model, rows, given));
}

function make(what: string, model: Model, rows: number, given: readonly TensorType[]): StreamProgram {
  const [{ shape, dtype }] = model.rows as [TensorType];
  const slots = given.map((held, i) => new MemorySlot(`given ${i}`, byteSize(held)));
  const held = slots.map((slot, i) => source(slot, 0, given[i]!.shape, given[i]!.dtype));
  const steps = (count: number, along?: ReadonlySet<string>): Steps => {
    const type: TensorType = { shape: [rows, count, ...shape.slice(1)], dtype };
    const input = new MemorySlot('step', byteSize(type));
    const states = new CarriedState();
    const carry = { ...states.carry, given: held, along };
    return { input, states, traced: model.trace([source(input, 0, type.shape, dtype), ...held], false, model.built.seed, carry) };
  };
  const { input, states, traced } = oneStep(what, model, steps);
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

/** Some steps of a model as one piece. */
interface Steps {
  readonly input: MemorySlot;
  readonly states: CarriedState;
  readonly traced: Trace;
}

/**
 * One step, as it is in a sequence. Two at once tell what is called for each step although its inputs are the same, and whether states are passed on
 * from step to step as they are.
 */
function oneStep(what: string, model: Model, steps: (count: number, along?: ReadonlySet<string>) => Steps): Steps {
  const one = working(what, model, () => steps(1));
  checkLayers(what, one.traced);
  const two = unlessMisshapen(() => steps(2));
  if (two === undefined) return one;
  checkStates(what, one, two);
  const calls = one.traced.layers;
  const along = [...two.traced.layers].flatMap(([path, { still }]) => (still.join() === calls.get(path)?.still.join() ? [] : [path]));
  if (along.length === 0) return one;
  const [going, both] = [steps(1, new Set(along)), steps(2, new Set(along))];
  checkLayers(what, going.traced);
  checkStates(what, going, both);
  return going;
}

/** @throws StateError for a state of each step that is fed */
function checkStates(what: string, one: Steps, two: Steps): void {
  const shapes = two.states.shapes();
  for (const [path, shape] of one.states.shapes()) {
    const longer = shapes.get(path) ?? shape;
    if (sameShape(shape, longer)) continue;
    throw new StateError(
      `${what}: expected states of one shape however many steps there are, got "${path}" ${formatShape(shape)} for one step and ${formatShape(longer)} for two. Call a layer over sequences within a step through scope.apart().`,
    );
  }
}

/** The result, or nothing for a model that is made for single steps. */
function unlessMisshapen<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
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
      `${what}: expected a model of sequences [N, T, …] that works on single steps, got one of ${formatInputs(model.rows)}: ${cause.message} For single rows there is predictSync().`,
      { cause },
    );
  }
}
