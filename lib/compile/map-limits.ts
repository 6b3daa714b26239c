/** The sizes of one map, native/kernels/args.h, and runs of nodes cut so that each keeps to them. */
import type { Tensor } from '../graph/tensor.js';
import { numberKey, numbering } from '../numbering.js';
import { constantValue, inputKey } from './map.js';
import type { Vertex } from './vertex.js';

export const maxInputs = 24;
export const maxConstants = 24;
export const maxSteps = 64;
export const maxOutputs = 8;

/** Cuts a run of nodes, inputs before users, into the fewest runs from the front that each fit into one map. */
export function splitToFit(part: readonly Vertex[], delivered: ReadonlyMap<Vertex, unknown>): readonly (readonly Vertex[])[] {
  const chunks: Vertex[][] = [];
  for (let begin = 0; begin < part.length;) {
    const length = longestFit(part, begin, delivered);
    chunks.push(part.slice(begin, begin + length));
    begin += length;
  }
  return chunks;
}

function longestFit(part: readonly Vertex[], begin: number, delivered: ReadonlyMap<Vertex, unknown>): number {
  const inside = new Map<Vertex, number>();
  const inputs = new Set<string>();
  const constants = new Set<string>();
  const id = numbering();
  const computed = new Set<Tensor>();
  let steps = 0;
  let outputs = 0;
  let fits = 1;
  for (let i = begin; i < part.length; i++) {
    const v = part[i]!;
    for (const view of v.space!.inputs) {
      const value = constantValue(view);
      if (value !== undefined) constants.add(numberKey(value));
      else if (!computed.has(view.base)) inputs.add(inputKey(view, id));
    }
    steps++;
    if (inputs.size > maxInputs || constants.size > maxConstants || steps > maxSteps) break;
    // A tensor is an output until every reader of it is inside; one the program delivers stays one.
    computed.add(v.node.outputs[0]!);
    inside.set(v, v.uses.length + (delivered.has(v) ? 1 : 0));
    outputs++;
    for (const { from } of v.dependsOn) {
      const left = inside.get(from);
      if (left === undefined) continue;
      inside.set(from, left - 1);
      if (left === 1) outputs--;
    }
    if (outputs <= maxOutputs) fits = i - begin + 1;
  }
  return fits;
}
