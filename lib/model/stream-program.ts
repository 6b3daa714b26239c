/** One step of a model, compiled for all streams of it that have the same rows and given inputs of the same types. */
import { type Binding, type Program, build } from '../compile/program.js';
import { ShapeError, StateError, formatShape } from '../errors.js';
import { MemorySlot, source } from '../graph/source.js';
import { type Shape, sameShape } from '../graph/shape.js';
import { type Tensor, type TensorType, byteSize } from '../graph/tensor.js';
import { createMemory, readFloats } from '../memory.js';
import { type MemoryHandle, native } from '../native.js';
import { cast } from '../ops/elementwise.js';
import { CarriedState } from './carried-state.js';
import { formatInputs } from './data.js';
import type { Built } from './build.js';
import type { Model } from './model.js';
import { Programs } from './programs.js';
import type { Trace } from './trace.js';
import { type IdRange, type Run, checkTwoSteps } from './two-steps.js';

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

/** An input that stays the same. */
export interface Given {
  readonly type: TensorType;
  readonly memory: MemoryHandle;
}

/** @throws ShapeError, StateError naming `what` if the model does not work on single steps */
export function streamProgram(what: string, model: Model, rows: number, given: readonly Given[]): StreamProgram {
  return programs.get(model.built, [rows, given.map(({ type }) => type)], () => make(what, model, rows, given));
}

/** What a comparison in two steps found: what is called for each step. Other weights, as zeros, may show less. */
interface Compared {
  readonly along: ReadonlySet<string>;
  readonly changes: number;
}

/** Of models, by what was given but for its rows. */
const compared = new WeakMap<Built, Map<string, Compared>>();

function make(what: string, model: Model, rows: number, given: readonly Given[]): StreamProgram {
  const [{ shape, dtype }] = model.rows as [TensorType];
  const slots = given.map(({ type }, i) => new MemorySlot(`given ${i}`, byteSize(type)));
  const held = slots.map((slot, i) => source(slot, 0, given[i]!.type.shape, given[i]!.type.dtype));
  const typeOf = (count: number): TensorType => ({ shape: [rows, count, ...shape.slice(1)], dtype });
  const steps = (count: number, along: ReadonlySet<string> = new Set()): Steps => {
    const type = typeOf(count);
    const input = new MemorySlot('step', byteSize(type));
    const x = source(input, 0, type.shape, dtype);
    const states = new CarriedState();
    const traced = model.trace([x, ...held], { carry: { ...states.carry, given: held, along } });
    return { input, x, states, traced, along };
  };
  const known = compared.get(model.built) ?? new Map<string, Compared>();
  const key = JSON.stringify(given.map(({ type }) => [type.shape.slice(1), type.dtype]));
  const last = known.get(key);
  const { changes } = model;
  const { one, two }: Pair =
    last?.changes === changes ? { one: working(what, model, () => steps(1, last.along)) } : oneAndTwo(what, model, held, steps);
  const { outputs } = one.traced;
  if (outputs.length > 1) {
    const names = outputs.map(([name]) => name).join(', ');
    throw new ShapeError(`${what}: expected a model with one output, got ${names}. Stream a layer within it that gives the one you need.`);
  }
  const program = compiled(one, slots);
  // Built for single steps it may do with more what it likes.
  if (two !== undefined && shape[0] !== 1) {
    const bindings = given.map(({ memory }, i) => [slots[i]!, memory] as const);
    checkTwoSteps(what, typeOf(2), idsOf(one), runOf(one, program, bindings), runOf(two, compiled(two, slots), bindings));
  }
  compared.set(model.built, known.set(key, { along: one.along, changes }));
  return program;
}

function compiled({ input, states, traced }: Steps, given: readonly MemorySlot[]): StreamProgram {
  const { output: value } = traced;
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
    given,
    states,
  };
}

function runOf({ traced }: Steps, { program, input, output, bindings, states }: StreamProgram, given: readonly Binding[]): Run {
  return {
    output: traced.output,
    outputs: (inputs) => {
      const memories = new Map([...bindings, ...states.fresh(), ...given]);
      return inputs.map((x) => {
        native().writeMemory(input, 0, x);
        program.runSync(memories, 1, 0);
        return readFloats(output, traced.output.size);
      });
    },
  };
}

/** Some steps of a model as one piece. */
interface Steps {
  readonly input: MemorySlot;
  readonly x: Tensor;
  readonly states: CarriedState;
  readonly traced: Trace;
  readonly along: ReadonlySet<string>;
}

interface Pair {
  readonly one: Steps;
  /** Two at once; none of a model that is made for single steps, or was compared before. */
  readonly two?: Steps | undefined;
}

/**
 * One step, as it is in a sequence. Two at once tell what is called for each step although its inputs are the same, and whether states are passed on
 * from step to step as they are.
 */
function oneAndTwo(
  what: string,
  model: Model,
  given: readonly Tensor[],
  steps: (count: number, along?: ReadonlySet<string>) => Steps,
): Pair {
  const one = working(what, model, () => steps(1));
  checkLayers(what, one.traced);
  const two = unlessMisshapen(() => steps(2));
  if (two === undefined) return { one };
  checkStates(what, one, two);
  checkGiven(what, given, one, two);
  const calls = one.traced.layers;
  const along = [...two.traced.layers].flatMap(([path, { still }]) => (still.join() === calls.get(path)?.still.join() ? [] : [path]));
  if (along.length === 0) return { one, two };
  const [going, both] = [steps(1, new Set(along)), steps(2, new Set(along))];
  checkLayers(what, going.traced);
  checkStates(what, going, both);
  return { one: going, two: both };
}

/** What layers expect of the ids that are fed; 0 and 1 where they say nothing. */
function idsOf({ x, traced }: Steps): IdRange {
  const ranges = traced.expectations.filter(({ tensor }) => tensor === x);
  if (ranges.length === 0) return { least: 0, most: 1 };
  return { least: Math.max(...ranges.map(({ least }) => least)), most: Math.min(...ranges.map(({ most }) => most)) };
}

/** @throws StateError for one that is lengths of the sequence that is fed: what is expected of it depends on how many steps there are */
function checkGiven(what: string, given: readonly Tensor[], one: Steps, two: Steps): void {
  const most = ({ traced }: Steps, x: Tensor): readonly string[] =>
    traced.expectations.flatMap(({ tensor, layer, most }) => (tensor === x ? [`${layer} ${most}`] : []));
  const lengths = given.findIndex((x) => most(one, x).join() !== most(two, x).join());
  if (lengths < 0) return;
  throw new StateError(
    `${what}: expected given inputs that stay the same however many steps there are, got lengths of the sequence that is fed as given ${lengths}. Leave them out: every step that is fed counts.`,
  );
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
    const advice =
      model.rows.length > 1
        ? 'Inputs that are the same in every step are given by stream({ given: […] }).'
        : 'For single rows there is predictSync().';
    throw new ShapeError(
      `${what}: expected a model of sequences [N, T, …] that works on single steps, got one of ${formatInputs(model.rows)}: ${cause.message} ${advice}`,
      { cause },
    );
  }
}
