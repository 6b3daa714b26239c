import assert from 'node:assert/strict';
import { array, compile, matmul, softmax } from '../../lib/index.js';
import { createMemory } from '../../lib/memory.js';

const message = (what: string): string =>
  `memory: expected ${what}, got none: this machine cannot provide them. Make the model or the batches smaller.`;

describe('more memory than any machine has is refused', () => {
  for (const bytes of [2 ** 50, 2 ** 60]) {
    it(`as one of ${bytes} bytes`, () => assert.throws(() => createMemory(bytes), { name: 'NativeError', message: message(`${bytes} bytes`) }));
  }

  it('for what a compiled function keeps while it runs', async () => {
    const n = 2 ** 23;
    const a = array(new Float32Array(n), [n, 1]);
    const square = compile((x, y) => matmul(softmax(matmul(x, y)), x));
    await assert.rejects(square(a, array(a.data, [1, n])), {
      name: 'NativeError',
      message: message(`${4 * n * n} bytes for intermediate results`),
    });
  });
});
