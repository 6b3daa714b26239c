import assert from 'node:assert/strict';
import { liveBytes, packBlocks, type Block } from '../../lib/compile/arena.js';
import type { CompileOptions, Plan } from '../../lib/compile/plan.js';
import { type Write, build } from '../../lib/compile/program.js';
import { generator } from '../support/random-graph.js';
import * as ops from '../../lib/ops/index.js';
import { networks, trainingStep } from '../support/networks.js';

const plan = (writes: readonly Write[], options?: CompileOptions): Plan => build(writes, options).finish().plan;

describe('the memory plan', () => {
  for (const [name, network] of Object.entries(networks)) {
    for (const fuse of [true, false]) {
      it(`${name}${fuse ? '' : ', unfused'}: at most 10 % over the live set`, () => {
        const { memory } = plan(network().writes, { fuse });
        const live = liveBytes(memory.blocks);
        assert.ok(memory.arenaBytes <= 1.1 * live, `${memory.arenaBytes} bytes for ${live} live`);
      });
    }
    it(`${name}: fusing does not need more memory`, () => {
      const { writes } = network();
      assert.ok(plan(writes).memory.arenaBytes <= 1.02 * plan(writes, { fuse: false }).memory.arenaBytes);
    });
  }

  it('sums what a shared weight receives as it becomes known, however long the sequence', () => {
    const bytes = plan(networks['recurrence over 40 steps']!().writes).memory.arenaBytes;
    // Activations of 40 steps [8, 32], the gradients, and a few products of [32, 32].
    assert.ok(bytes < 40 * 8 * 32 * 4 * 1.6 + 20 * 32 * 32 * 4, `${bytes} bytes`);
  });

  // Floats for each row and step of a sequence, in hidden units; docs/results.md states them.
  for (const [cell, gates, most] of [
    ['elman', 1, 3.1],
    ['gru', 3, 7.1],
    ['lstm', 4, 7.7],
  ] as const) {
    it(`training a sequence takes at most ${most}·H floats for each row and step: ${cell}`, () => {
      const [h, width, classes] = [32, 16, 10];
      const arena = (steps: number, rows: number): number => {
        const network = trainingStep(
          (x, parameter) => {
            const w = parameter('w', [width, gates * h]);
            const [u, wy, h0] = [parameter('u', [h, gates * h]), parameter('wy', [h, classes]), parameter('h0', [rows, h])];
            const g = ops.reshape(ops.matmul(ops.reshape(x, [steps * rows, width]), w), [steps, rows, gates * h]);
            const { y } = cell === 'lstm' ? ops.lstm(g, u, h0, parameter('c0', [rows, h])) : ops[cell](g, u, h0);
            return ops.matmul(ops.reshape(y, [steps * rows, h]), wy);
          },
          [steps, rows, width],
          steps * rows,
        );
        return plan(network.writes).memory.arenaBytes;
      };
      for (const [steps, rows] of [
        [64, 8],
        [256, 8],
        [64, 32],
      ] as const) {
        const each = (arena(2 * steps, rows) - arena(steps, rows)) / (4 * steps * rows * h);
        assert.ok(each > 2 && each <= most, `${each}·H floats at ${steps} steps of ${rows} rows`);
      }
    });
  }

  for (const count of [0, 1, 50, 500, 5000]) {
    it(`blocks that live at once do not overlap: ${count} blocks`, () => {
      const random = generator(count);
      const blocks = Array.from({ length: count }, (): Block => {
        const first = Math.floor(random() * count);
        return { bytes: 1 + Math.floor(random() ** 3 * 10000), first, last: first + Math.floor(random() * 20) };
      });
      const { offsets, bytes } = packBlocks(blocks);
      const byFirst = blocks.map((_, i) => i).sort((a, b) => blocks[a]!.first - blocks[b]!.first);
      byFirst.forEach((i, at) => {
        assert.equal(offsets[i]! % 64, 0);
        assert.ok(offsets[i]! + blocks[i]!.bytes <= bytes);
        for (let k = at + 1; k < count && blocks[byFirst[k]!]!.first <= blocks[i]!.last; k++) {
          const j = byFirst[k]!;
          const apart = offsets[i]! + blocks[i]!.bytes <= offsets[j]! || offsets[j]! + blocks[j]!.bytes <= offsets[i]!;
          assert.ok(apart, `blocks ${i} and ${j}`);
        }
      });
      assert.ok(bytes >= liveBytes(blocks) && bytes <= 1.5 * liveBytes(blocks));
    });
  }
});
