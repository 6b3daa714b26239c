import type { NdArray } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';

type Result = 'y' | 'h' | 'c';
type Operand = 'g' | 'u' | 'h0' | 'c0' | 'recurrentBias';

interface Case extends Partial<Readonly<Record<Result | Operand | `d${Result}` | `d${Operand}` | 'lengths', Packed>>> {
  readonly cell: 'elman' | 'elmanRelu' | 'lstm' | 'gru';
  readonly reverse: boolean;
}

type Values<Name extends string> = Partial<Record<Name, Tensor>>;

function run({ cell, reverse }: Case, x: Values<Operand | 'lengths'>): Values<Result> {
  const [g, u, h0] = [x.g!, x.u!, x.h0!];
  const options = { reverse, ...(x.lengths && { lengths: x.lengths }) };
  switch (cell) {
    case 'elman':
      return ops.elman(g, u, h0, options);
    case 'elmanRelu':
      return ops.elman(g, u, h0, { ...options, nonlinearity: 'relu' });
    case 'lstm':
      return ops.lstm(g, u, h0, x.c0!, options);
    case 'gru':
      return ops.gru(g, u, h0, { ...options, recurrentBias: x.recurrentBias! });
    default:
      return cell satisfies never;
  }
}

/** Six steps of some ten roundings each, and gradients of U that add up 24 of them; values are up to about 8. */
const ulps = 100;

describe('recurrent sequences against PyTorch', () => {
  for (const fixture of readFixture<readonly Case[]>('recurrences')) {
    it(`${fixture.cell}${fixture.reverse ? ', reversed' : ''}${fixture.lengths ? ', lengths' : ''}`, () => {
      const present = <Name extends keyof Case>(...names: readonly Name[]): readonly Name[] => names.filter((name) => fixture[name] !== undefined); // prettier-ignore
      const operands = present('g', 'u', 'h0', 'c0', 'recurrentBias');
      const results = present('y', 'h', 'c');
      const given = [...operands, ...present('lengths'), ...results.map((name) => `d${name}` as const)];
      const computed = compile((...tensors: readonly Tensor[]) => {
        const x: Values<(typeof given)[number]> = Object.fromEntries(given.map((name, i) => [name, tensors[i]!]));
        const values = run(fixture, x);
        const loss = results.map((name) => ops.sum(ops.mul(values[name]!, x[`d${name}`]!))).reduce((a, b) => ops.add(a, b));
        return [...results.map((name) => values[name]!), ...gradients(loss, operands.map((name) => x[name]!))]; // prettier-ignore
      }).sync(...given.map((name): NdArray => unpack(fixture[name]!)));
      [...results, ...operands.map((name) => `d${name}` as const)].forEach((name, i) =>
        assertClose(computed[i]!, fixture[name]!, ulps, name),
      );
    });
  }
});
