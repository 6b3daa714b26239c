/** Readings of values that runs are changing: those of a step between the call and the end of the run it is made in. */
import assert from 'node:assert/strict';
import { Layout } from '../../lib/model/layout.js';
import { type Place, PlacedWeights } from '../../lib/model/placed-weights.js';
import { type Reading, StateMemory } from '../../lib/model/state-memory.js';
import { readFloats } from '../../lib/memory.js';
import type { MemoryHandle } from '../../lib/native.js';
import { inOneGo } from '../../lib/pieces.js';
import { zeros } from '../../lib/index.js';

const size = 8;

/** What a run writes in place, once it may. */
async function change(memories: readonly StateMemory[], value: number): Promise<void> {
  await StateMemory.leaveToReadings(memories);
  for (const memory of memories) inOneGo(memory.writeInPieces(new Float32Array(size).fill(value), 0));
}

async function valueOf(reading: Reading): Promise<number> {
  await reading.ready();
  const values = handlesOf(reading).map((memory) => readFloats(memory, 1)[0]!);
  reading.end();
  assert.equal(new Set(values).size, 1);
  return values[0]!;
}

function handlesOf({ weights }: Reading): readonly MemoryHandle[] {
  return weights.map(([, memory]) => memory);
}

function weightsOf(paths: readonly string[], shared?: PlacedWeights): PlacedWeights {
  const layout = Layout.of(paths.map((path) => ({ path, kind: 'parameter', shape: [size], init: zeros(), lazy: false })));
  const places = new Map(shared?.layout.entries.map(({ path }): [string, Place] => [path, shared.place(path)]));
  // eslint-disable-next-line require-yield
  const weights = PlacedWeights.of(layout, places, function* () {
    return new Float32Array(size);
  });
  weights.fill();
  return weights;
}

for (const [count, make] of [
  [1, () => weightsOf(['a'])],
  [2, () => weightsOf(['a', 'b'], weightsOf(['a']))],
] as const)
  describe(`weights in ${count} ${count === 1 ? 'memory' : 'memories'} that a run is changing`, () => {
    let weights: PlacedWeights;
    const begin = (): void => weights.memories.forEach((memory) => memory.beginRun());
    const end = (): void => weights.memories.forEach((memory) => memory.endRun());
    beforeEach(() => {
      weights = make();
      assert.equal(weights.memories.length, count);
      begin();
    });

    it('are copied before the next run changes them', async () => {
      const reading = weights.read();
      end();
      await change(weights.memories, 1);
      assert.equal(await valueOf(reading), 0);
    });

    it('are not those of before in a reading that begins after the run', async () => {
      const [first, second] = [weights.read(), weights.read()];
      for (const memory of weights.memories) inOneGo(memory.writeInPieces(new Float32Array(size).fill(1), 0));
      end();
      begin();
      const later = weights.read();
      assert.deepEqual(handlesOf(second), handlesOf(first));
      assert.notEqual(handlesOf(later)[0], handlesOf(first)[0]);
      assert.equal(await valueOf(later), 1);
    });

    it('are not waited for again once they are copied', async () => {
      const holds = (): boolean => weights.memories.some(({ holdsRuns }) => holdsRuns);
      const reading = weights.read();
      assert.equal(holds(), true);
      await reading.ready();
      assert.equal(holds(), false);
      await change(weights.memories, 1);
      assert.equal(await valueOf(reading), 0);
    });

    it('are copied at once on this thread', async () => {
      const reading = weights.readSync();
      const values = weights.values();
      await change(weights.memories, 1);
      assert.equal(await valueOf(reading), 0);
      for (const { data } of values.values()) assert.deepEqual(data, new Float32Array(size));
    });
  });

describe('a loose reading', () => {
  it('is waited for once the training it begins in is over', async () => {
    const memory = new StateMemory('values', size);
    const reading = memory.read('loose');
    assert.equal(memory.holdsRuns, false);
    memory.endTraining();
    const changed = change([memory], 1);
    assert.equal(await valueOf(reading), 0);
    await changed;
    assert.equal(memory.holdsRuns, false);
  });
});
