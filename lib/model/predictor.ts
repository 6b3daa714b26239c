/** Runs a model forward over data, batch after batch. */
import { NdArray } from '../array.js';
import { type Program, prepare } from '../compile/program.js';
import { ShapeError, formatShape } from '../errors.js';
import { MemorySlot } from '../graph/source.js';
import { type Shape, type TensorType, sizeOf } from '../graph/tensor.js';
import type { PredictOptions } from '../layers/layer.js';
import { createMemory } from '../memory.js';
import { native } from '../native.js';
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

/** Programs kept for batches of different sizes. */
const maxPrograms = 16;

export class Predictor {
  readonly #model: Model;
  readonly #programs = new WeakMap<Built, Recent<ForwardProgram>>();

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
    this.#model.build(inputs.map(rowType), seed);
    // Copied now: the caller may change or transfer its arrays meanwhile.
    const runs = batchRuns(rowCount, batchSize).map((run) => ({
      ...run,
      data: inputs.map((x) => memoryOf(x.rows(run.begin, run.begin + run.rows * run.steps))),
      forward: this.#program(inputs.map(rowType), run.rows),
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

  /** Reads batch after batch from its inputs and writes the outputs one after another. */
  #program(types: readonly TensorType[], rows: number): ForwardProgram {
    const { built } = this.#model;
    const programs = this.#programs.get(built) ?? new Recent(maxPrograms);
    this.#programs.set(built, programs);
    return programs.get(JSON.stringify([types, rows]), () => this.#compile(types, rows));
  }

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
