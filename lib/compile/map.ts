/** Makes one map instruction of connected elementwise nodes. */
import { Constant } from '../graph/source.js';
import type { Shape } from '../graph/shape.js';
import type { Node, Tensor } from '../graph/tensor.js';
import { numberKey, numbering } from '../numbering.js';
import type { Elementwise } from '../ops/elementwise.js';
import type { Map as MapInstruction, MapInput, MapOutput, MapStep } from './instructions/index.js';
import { type Register, type Step, joinProducts } from './join-products.js';
import type { View } from './view.js';

/** An elementwise node with its inputs as views over the group's index space. */
export interface Member {
  readonly node: Node;
  readonly op: Elementwise;
  readonly inputs: readonly View[];
}

/** Elementwise nodes over one index space, inputs before users. */
export interface Group {
  readonly dims: Shape;
  readonly members: readonly Member[];
}

/** Identifies what a register is loaded from. */
export function inputKey(view: View, id: (t: Tensor) => number): string {
  return `${id(view.base)}:${view.offset}:${view.strides.join()}`;
}

/** The value of an input that is a number known now, as float32. */
export function constantValue(view: View): number | undefined {
  const { op } = view.base.node;
  return op instanceof Constant ? Math.fround(op.value) : undefined;
}

/** @param isOutput which of the group's tensors are read elsewhere */
export function buildMap(group: Group, isOutput: (t: Tensor) => boolean): MapInstruction {
  const inputs: MapInput[] = [];
  const constants: number[] = [];
  const steps: Step[] = [];
  const computed = new Map<Tensor, Register>();
  const known = new Map<string, Register>();
  const id = numbering();

  const load = (view: View): Register => {
    const inside = computed.get(view.base);
    if (inside !== undefined) return inside;
    const value = constantValue(view);
    const key = value === undefined ? inputKey(view, id) : numberKey(value);
    let register = known.get(key);
    if (register === undefined) {
      register =
        value === undefined
          ? { kind: 'input', index: inputs.push({ tensor: view.base, offset: view.offset, strides: view.strides }) - 1 }
          : { kind: 'constant', index: constants.push(value) - 1 };
      known.set(key, register);
    }
    return register;
  };

  for (const { node, op, inputs: views } of group.members) {
    const registers = views.map(load);
    computed.set(
      node.outputs[0]!,
      op.name === 'identity' ? registers[0]! : { kind: 'step', index: steps.push({ op: op.name, registers }) - 1 },
    );
  }

  const outputs = group.members.filter(({ node }) => isOutput(node.outputs[0]!)).map(({ node }) => node.outputs[0]!);
  const joined = joinProducts(
    steps,
    outputs.map((tensor) => computed.get(tensor)!),
  );
  const first = { input: 0, constant: inputs.length, step: inputs.length + constants.length };
  const number = (register: Register | undefined): number => (register === undefined ? -1 : first[register.kind] + register.index);
  return {
    kind: 'map',
    dims: group.dims,
    inputs,
    constants,
    steps: joined.steps.map(({ op, registers: [a, b, c] }): MapStep => ({ op, a: number(a), b: number(b), c: number(c) })),
    outputs: outputs.map((tensor, i): MapOutput => ({ tensor, register: number(joined.outputs[i]) })),
  };
}
