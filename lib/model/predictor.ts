/** Runs a model forward over data, batch after batch. */
import { NdArray } from '../array.js';
import { type Program, prepare } from '../compile/program.js';
import { ShapeError, formatShape } from '../errors.js';
import { MemorySlot } from '../graph/source.js';
import { type Shape, type TensorType, sizeOf } from '../graph/tensor.js';
import type { PredictOptions } from '../layers/layer.js';
import { createMemory } from '../memory.js';
import { type MemoryHandle, native } from '../native.js';
import { cast } from '../ops/elementwise.js';
import { checkOptions, count } from '../options.js';
import { Recent } from '../recent.js';
import { batchRuns, batchSource, countRows, evaluationRows, memoryOf, rowType } from './data.js';
import type { Built, Model } from './model.js';

interface ForwardProgram {
  readonly program: Program;
  readonly inputs: readonly MemorySlot[];
  readonly output: MemorySlot;
  readonly outputShape: Shape;
}

/** A program that only this thread runs, with memories for one batch. */
interface SyncProgram extends ForwardProgram {
  readonly inputMemories: readonly MemoryHandle[];
  readonly outputMemory: MemoryHandle;
  readonly memories: ReadonlyMap<MemorySlot, MemoryHandle>;
}

/** Programs kept for batches of different sizes. */
const maxPrograms = 16;

export class Predictor {
  readonly #model: Model;
  readonly #programs: Programs<ForwardProgram> = new Programs();
  /** Their own, since the others may be running. */
  readonly #syncPrograms: Programs<SyncProgram> = new Programs();

  constructor(model: Model) {
    this.#model = model;
  }

  /** The outputs for all rows. `seed`: of first weights, if there are none. */
  predict(inputs: readonly NdArray[], options: PredictOptions, seed: bigint = this.#model.seed): Promise<NdArray<Float32Array>> {
    return this.#model.trying(() => this.#predict(inputs, options, seed));
  }

  async #predict(inputs: readonly NdArray[], options: PredictOptions, seed: bigint): Promise<NdArray<Float32Array>> {
    checkOptions('predict', options, { batchSize: count });
    const { batchSize = evaluationRows } = options;
    const rowCount = countRows(`${this.#model.name}.predict`, inputs);
    const types = inputs.map(rowType);
    const built = this.#model.build(types, seed);
    // Copied now: the caller may change or transfer its arrays meanwhile.
    const runs = batchRuns(rowCount, batchSize).map((run) => ({
      ...run,
      data: inputs.map((x) => memoryOf(x.rows(run.begin, run.begin + run.rows * run.steps))),
      forward: this.#programs.get(built, types, run.rows, () => this.#compile(types, run.rows)),
    }));
    await this.#model.fillInPieces();
    this.#model.settle();
    const shape = runs[0]!.forward.outputShape.slice(1);
    const width = sizeOf(shape);

    const result = new Float32Array(rowCount * width);
    for (const { begin, rows, steps, data, forward } of runs) {
      const output = createMemory(rows * steps * width * 4);
      await forward.program.run(
        new Map([[forward.output, output], ...forward.inputs.map((input, i) => [input, data[i]!] as const)]),
        steps,
        0,
      );
      native().readMemory(output, 0, result.subarray(begin * width, (begin + rows * steps) * width));
    }
    return new NdArray(result, [rowCount, ...shape]);
  }

  /** The same on this thread. */
  predictSync(inputs: readonly NdArray[], options: PredictOptions, seed: bigint = this.#model.seed): NdArray<Float32Array> {
    return this.#model.tryingSync(() => {
      checkOptions('predictSync', options, { batchSize: count });
      const { batchSize = evaluationRows } = options;
      const rowCount = countRows(`${this.#model.name}.predictSync`, inputs);
      const types = inputs.map(rowType);
      const built = this.#model.build(types, seed);
      const runs = batchRuns(rowCount, batchSize).map((run) => ({
        ...run,
        forward: this.#syncPrograms.get(built, types, run.rows, () => withMemories(this.#compile(types, run.rows))),
      }));
      this.#model.fill();
      this.#model.settle();
      const shape = runs[0]!.forward.outputShape.slice(1);
      const width = sizeOf(shape);
      const result = new Float32Array(rowCount * width);
      for (const { begin, rows, steps, forward } of runs) {
        for (let step = 0; step < steps; step++) {
          const [from, to] = [begin + step * rows, begin + (step + 1) * rows];
          inputs.forEach((x, i) => native().writeMemory(forward.inputMemories[i]!, 0, x.rows(from, to).data));
          forward.program.runSync(forward.memories, 1, step);
          native().readMemory(forward.outputMemory, 0, result.subarray(from * width, to * width));
        }
      }
      return new NdArray(result, [rowCount, ...shape]);
    });
  }

  /** Reads batch after batch from its inputs and writes the outputs one after another. */
  #compile(types: readonly TensorType[], rows: number): ForwardProgram {
    const inputs = types.map((type, i) => batchSource(`input ${i}`, type, rows));
    const { output } = this.#model.trace(
      inputs.map(({ tensor }) => tensor),
      false,
    );
    if (output.shape[0] !== rows) {
      throw new ShapeError(
        `${this.#model.name}: expected an output with one row for each of the ${rows} input rows, got ${formatShape(output.shape)}.`,
      );
    }
    const outputSlot = new MemorySlot('output', output.size * 4, output.size * 4);
    return {
      program: prepare([{ value: cast(output, 'float32'), slot: outputSlot, byteOffset: 0, commit: false }]),
      inputs: inputs.map(({ slot }) => slot),
      output: outputSlot,
      outputShape: output.shape,
    };
  }
}

/** Programs by what they take, made anew when the model is. */
class Programs<T> {
  readonly #known = new WeakMap<Built, Recent<T>>();

  get(built: Built, types: readonly TensorType[], rows: number, make: () => T): T {
    const programs = this.#known.get(built) ?? new Recent<T>(maxPrograms);
    this.#known.set(built, programs);
    return programs.get(JSON.stringify([types, rows]), make);
  }
}

function withMemories(forward: ForwardProgram): SyncProgram {
  const inputMemories = forward.inputs.map(({ bytes }) => createMemory(bytes));
  const outputMemory = createMemory(forward.output.bytes);
  const pairs = forward.inputs.map((slot, i) => [slot, inputMemories[i]!] as const);
  return { ...forward, inputMemories, outputMemory, memories: new Map([[forward.output, outputMemory], ...pairs]) };
}
