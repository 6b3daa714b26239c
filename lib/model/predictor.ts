/** Runs a model forward over data, batch after batch. */
import { NdArray } from '../array.js';
import { type Program, prepare } from '../compile/program.js';
import { Control } from '../control.js';
import { NativeError, ShapeError, formatShape } from '../errors.js';
import { dependOn } from '../graph/depend.js';
import { type Parts, mapParts, whole } from '../graph/outputs.js';
import { MemorySlot } from '../graph/source.js';
import { type Shape, sizeOf } from '../graph/shape.js';
import type { TensorType } from '../graph/tensor.js';
import type { PredictOptions } from '../layers/layer.js';
import { createMemory, readInPieces } from '../memory.js';
import { type MemoryHandle, native } from '../native.js';
import { cast } from '../ops/elementwise.js';
import { abortSignal, checkOptions, count } from '../options.js';
import { type Pieces, inOneGo, inTurns } from '../pieces.js';
import { type BatchRun, batchRuns, evaluationRows } from './batch-runs.js';
import { batchSource } from './batch-source.js';
import { countRows, rowType } from './data.js';
import { goThrough, memoriesOf } from './data-memories.js';
import type { Model } from './model.js';
import { Programs } from './programs.js';
import { type Reading, noReading } from './state-memory.js';

interface ForwardProgram {
  readonly program: Program;
  readonly inputs: readonly MemorySlot[];
  readonly outputs: Parts<Output>;
}

/** One output of a step, with its rows. */
interface Output {
  readonly slot: MemorySlot;
  readonly shape: Shape;
}

/** Some batches of one size, and their program. */
interface Prediction extends BatchRun {
  readonly forward: ForwardProgram;
}

/** What predict gives. */
export type Predicted = NdArray<Float32Array> | Readonly<Record<string, NdArray<Float32Array>>>;

/** Floating-point operations for each weight in a prediction that takes no longer than a copy of the weights. */
const quickWork = 256;

export class Predictor {
  readonly #model: Model;
  readonly #programs: Programs<ForwardProgram> = new Programs();
  /** Their own, since the others may be running. */
  readonly #syncPrograms: Programs<ForwardProgram> = new Programs();

  constructor(model: Model) {
    this.#model = model;
  }

  /** The outputs for all rows. `seed`: of first weights, if there are none. */
  predict(inputs: readonly NdArray[], options: PredictOptions, seed: bigint = this.#model.seed): Promise<Predicted> {
    return this.#model.trying(() => this.#predict(inputs, options, seed));
  }

  async #predict(inputs: readonly NdArray[], options: PredictOptions, seed: bigint): Promise<Predicted> {
    const { batchSize = evaluationRows, signal } = checkOptions('predict', options, { batchSize: count, signal: abortSignal });
    signal?.throwIfAborted();
    const { runs, results } = this.#plan('predict', inputs, batchSize, seed, this.#programs);
    const control = new Control();
    const unfollow = control.follow(signal);
    const letGo = this.#model.hold();
    const reading = this.#read(runs);
    try {
      const parts = runs.flatMap(({ begin, rows, steps }) => inputs.map((x) => x.rows(begin, begin + rows * steps)));
      const data = [
        ...(await goThrough(
          parts,
          memoriesOf('predict', inputs, parts, () => control.stopped),
        )),
      ];
      signal?.throwIfAborted();
      await this.#model.settleFor(
        runs.map(({ forward }) => forward.program),
        control,
      );
      await control.unlessStopped(() => reading.ready());
      for (const { begin, rows, steps, forward } of runs) {
        signal?.throwIfAborted();
        const outputs = forward.outputs.map(([, { slot }]) => [slot, createMemory(steps * slot.stride)] as const);
        const bound = new Map([...reading.weights, ...outputs, ...forward.inputs.map((input) => [input, data.shift()!] as const)]);
        await control.unlessStopped(() => forward.program.run(bound, steps, 0, control.words));
        signal?.throwIfAborted();
        await inTurns(results.read(outputs.map(([, memory]) => memory), begin, rows * steps)); // prettier-ignore
      }
    } finally {
      reading.end();
      letGo();
      unfollow();
    }
    signal?.throwIfAborted();
    return results.whole();
  }

  /** The same on this thread. */
  predictSync(inputs: readonly NdArray[], options: Omit<PredictOptions, 'signal'>, seed: bigint = this.#model.seed): Predicted {
    return this.#model.tryingSync(() => {
      const { batchSize = evaluationRows } = checkOptions('predictSync', options, { batchSize: count });
      const { runs, results } = this.#plan('predictSync', inputs, batchSize, seed, this.#syncPrograms);
      this.#model.fill();
      this.#model.settle();
      // Nothing comes between: only a fit on other threads, which changes the weights from step to step.
      const reading = isOne(runs) ? noReading : this.#model.readSync();
      try {
        for (const { begin, rows, steps, forward } of runs) {
          const { program } = forward;
          const data = forward.inputs.map((slot) => program.ownMemory(slot));
          const outputs = forward.outputs.map(([, { slot }]) => program.ownMemory(slot));
          const bound = new Map(reading.weights);
          for (let step = 0; step < steps; step++) {
            const from = begin + step * rows;
            inputs.forEach((x, i) => native().writeMemory(data[i]!, 0, x.rows(from, from + rows).data));
            program.runSync(bound, 1, step);
            inOneGo(results.read(outputs, from, rows));
          }
        }
      } finally {
        reading.end();
      }
      return results.whole();
    });
  }

  /** Batches with their programs, and room for what they give. */
  #plan(
    what: string,
    inputs: readonly NdArray[],
    batchSize: number,
    seed: bigint,
    programs: Programs<ForwardProgram>,
  ): { readonly runs: readonly Prediction[]; readonly results: Results } {
    const rowCount = countRows(`${this.#model.name}.${what}`, inputs);
    const types = inputs.map(rowType);
    const built = this.#model.build(types, seed, Math.min(rowCount, batchSize));
    const runs = batchRuns(rowCount, batchSize).map((run) => ({
      ...run,
      forward: programs.get(built, [types, run.rows], () => this.#compile(types, run.rows)),
    }));
    return { runs, results: new Results(what, runs[0]!.forward.outputs, rowCount) };
  }

  #read(runs: readonly Prediction[]): Reading {
    const { program } = runs[0]!.forward;
    return this.#model.read(isOne(runs) && program.isCompiled && program.flops < quickWork * this.#model.layout.size);
  }

  /** Reads batch after batch from its inputs and writes the outputs one after another. */
  #compile(types: readonly TensorType[], rows: number): ForwardProgram {
    const inputs = types.map((type, i) => batchSource(`input ${i}`, type, rows));
    const tensors = inputs.map(({ tensor }) => tensor);
    const { outputs } = this.#model.trace(tensors);
    const placed = mapParts(outputs, (value, name) => {
      if (value.shape[0] !== rows) {
        const what = name === '' ? 'an output' : `output "${name}"`;
        const advice = dependOn([value], tensors)
          ? ''
          : ' Leave a parameter of the loss to a layer around this one: train that, and predict by this one.';
        throw new ShapeError(
          `${this.#model.name}: expected ${what} with one row for each of the ${rows} input rows, got ${formatShape(value.shape)}. Repeat what is of the whole batch by broadcastTo(y, [N, …]) with N = x.shape[0].${advice}`,
        );
      }
      return { value, shape: value.shape, slot: new MemorySlot(name || 'output', value.size * 4, value.size * 4) };
    });
    return {
      program: prepare(placed.map(([, { value, slot }]) => ({ value: cast(value, 'float32'), slot, byteOffset: 0, commit: false }))),
      inputs: inputs.map(({ slot }) => slot),
      outputs: mapParts(placed, ({ slot, shape }) => ({ slot, shape })),
    };
  }
}

function isOne(runs: readonly Prediction[]): boolean {
  return runs.length === 1 && runs[0]!.steps === 1;
}

/** The outputs of all rows, filled batch by batch. */
class Results {
  readonly #arrays: Parts<NdArray<Float32Array>>;

  /** @throws NativeError if there is no room for them */
  constructor(what: string, outputs: Parts<Output>, rows: number) {
    this.#arrays = mapParts(outputs, ({ shape }) => {
      const all = [rows, ...shape.slice(1)];
      return new NdArray(floatsFor(what, all), all);
    });
  }

  /** The next rows, from a memory for each output. */
  *read(memories: readonly MemoryHandle[], begin: number, rows: number): Pieces<void> {
    for (const [i, [, array]] of this.#arrays.entries()) {
      yield* readInPieces(memories[i]!, array.rows(begin, begin + rows).data);
    }
  }

  whole(): Predicted {
    return whole(this.#arrays);
  }
}

function floatsFor(what: string, shape: Shape): Float32Array {
  try {
    return new Float32Array(sizeOf(shape));
  } catch (cause) {
    throw new NativeError(
      `${what}: expected room for outputs of shape ${formatShape(shape)}, got none: that is more than one array can hold here. Predict fewer rows at a time.`,
      { cause },
    );
  }
}
