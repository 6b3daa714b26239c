import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { opcodes } from '../../lib/compile/encode.js';

const text = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const camelCase = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const kernels = [...text('native/kernels.def').matchAll(/^LW_KERNEL\((\w+),/gm)].map(([, name]) => camelCase(name!));

describe("an opcode is its kernel's place in kernels.def", () => {
  it('in the documentation', () => {
    const rows = [...text('docs/instruction-stream.md').matchAll(/^\| (\d+) \| (\w+) \|/gm)].map(([, opcode, name]) => [Number(opcode), name]);
    assert.ok(kernels.length > 0);
    assert.deepEqual(
      rows,
      kernels.map((name, i) => [i + 1, name]),
    );
  });
  for (const [name, opcode] of Object.entries(opcodes)) it(`${name} is ${opcode}`, () => assert.equal(kernels[opcode - 1], name));
});
