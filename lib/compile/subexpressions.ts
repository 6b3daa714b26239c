import { Source } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { numbering } from '../numbering.js';
import { rewrite, withInputs } from './rewrite.js';

/** Computes equal expressions once. Random numbers of one stream and step are equal too. */
export function shareSubexpressions(roots: readonly Tensor[]): readonly Tensor[] {
  const known = new Map<string, readonly Tensor[]>();
  const id = numbering();
  return rewrite(roots, (node, inputs) => {
    const { op } = node;
    const operands = inputs.map(id);
    // The two operations in which the operands may change places without changing a bit.
    if (op.name === 'add' || op.name === 'mul') operands.sort((a, b) => a - b);
    const place = op instanceof Source ? id(op.slot) : '';
    const key = `${id(op.constructor)}:${op.name}:${place}:${operands.join()}:${op.key()}`;
    let outputs = known.get(key);
    if (outputs === undefined) known.set(key, (outputs = withInputs(node, inputs).outputs));
    return outputs;
  });
}
