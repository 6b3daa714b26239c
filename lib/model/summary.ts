/** What a model is made of. */
import { build } from '../compile/program.js';
import { formatShape } from '../errors.js';
import type { Parts } from '../graph/outputs.js';
import { MemorySlot } from '../graph/source.js';
import { type Shape, sizeOf } from '../graph/shape.js';
import { cast } from '../ops/elementwise.js';
import { check, count } from '../options.js';
import { inputTensors } from './batch-source.js';
import type { Model } from './model.js';

/** One call of a layer in a {@link Summary}. */
export interface LayerSummary {
  /** 'features.3'; '' for the root. */
  readonly path: string;
  readonly layer: string;
  /** Of several the first. */
  readonly output: Shape;
  /** All by name, where there are several or what a layer entered gave has names. */
  readonly outputs: Readonly<Record<string, Shape>>;
  /** Elements of the parameters this layer asked for itself, not its parts. */
  readonly parameters: number;
}

/** The layers of a model for inputs of one size, as {@link Layer.summary} gives them. */
export class Summary {
  constructor(
    readonly layers: readonly LayerSummary[],
    /** Elements of all parameters. */
    readonly parameters: number,
    /** Floating-point operations of one forward pass over the batch. */
    readonly flops: number,
    /** Bytes of memory one forward pass needs beside the parameters. */
    readonly arenaBytes: number,
  ) {}

  /** As a table. */
  toString(): string {
    const rows = [
      ['layer', 'output', 'parameters'],
      ...this.layers.map((l) => [
        l.path === '' ? l.layer : `${l.path} (${l.layer})`,
        formatOutputs(Object.entries(l.outputs)),
        l.parameters.toLocaleString('en'),
      ]),
    ];
    const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
    const line = (row: readonly string[]): string =>
      `${row[0]!.padEnd(widths[0]!)}  ${row[1]!.padEnd(widths[1]!)}  ${row[2]!.padStart(widths[2]!)}`;
    const total = `${this.parameters.toLocaleString('en')} parameters, ${this.flops.toLocaleString('en')} FLOPs, ${this.arenaBytes.toLocaleString('en')} bytes of activations`;
    return [line(rows[0]!), '-'.repeat(line(rows[0]!).length), ...rows.slice(1).map(line), total].join('\n');
  }
}

function formatOutputs(outputs: Parts<Shape>): string {
  const [[, shape]] = outputs as [[string, Shape]];
  return outputs.length === 1 ? formatShape(shape) : outputs.map(([name, one]) => `${name} ${formatShape(one)}`).join(', ');
}

/** @internal */
export function summarize(model: Model, rows: number = model.built.count): Summary {
  check(`${model.name}.summary`, 'rows', rows, count);
  const { layout } = model;
  const inputs = inputTensors(model.rows, rows);
  const { outputs, calls } = model.trace(inputs);
  const program = build(
    outputs.map(([name, value]) => {
      const slot = new MemorySlot(name, value.size * 4, value.size * 4);
      return { value: cast(value, 'float32'), slot, byteOffset: 0, commit: false };
    }),
  );
  const own = (path: string): number =>
    layout.parameters
      .filter((entry) => entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('.'))) === path)
      .reduce((n, entry) => n + sizeOf(entry.shape), 0);
  const layers = calls.map(({ path, layer, outputs: shapes }) => ({
    path,
    layer,
    output: shapes[0]![1],
    outputs: Object.fromEntries(shapes),
    parameters: own(path),
  }));
  return new Summary(
    layers,
    layout.parameters.reduce((n, entry) => n + sizeOf(entry.shape), 0),
    program.flops,
    program.arenaBytes,
  );
}
