import assert from 'node:assert/strict';
import { compile } from '../../lib/compile/compile.js';
import { randomUniform } from '../../lib/ops/index.js';
import { evaluate, float64 } from '../support/evaluate.js';

describe('randomUniform', () => {
  const draw = (): ReturnType<typeof randomUniform> => randomUniform([3, 7], 0x123456789abcdefn, 5);

  it('gives the same numbers as the reference, other ones in every call', () => {
    const f = compile(() => draw());
    for (let step = 0; step < 3; step++) assert.deepEqual([...f.sync().data], [...evaluate([draw()], new Map(), { ...float64, step })[0]!]);
  });
  it('gives equal draws once', () => {
    assert.match(compile(() => [draw(), draw()] as const).describe(), /random .*\n.*copy .*\n2 instructions/);
  });
});
