/** Copies of values that runs are changing: those of a step between the call and the end of the run it is made in. */
import assert from 'node:assert/strict';
import { type Reading, StateMemory } from '../../lib/model/state-memory.js';
import { readFloats } from '../../lib/memory.js';
import type { MemoryHandle } from '../../lib/native.js';
import { inOneGo } from '../../lib/pieces.js';

const size = 8;

/** What a run writes in place, once it may. */
async function change(memory: StateMemory, value: number): Promise<void> {
  if (memory.holdsRuns) await memory.leaveToReadings();
  inOneGo(memory.writeInPieces(new Float32Array(size).fill(value), 0));
}

async function valueOf(reading: Reading): Promise<number> {
  await reading.ready();
  const [value] = readFloats(memoryOf(reading), size);
  reading.end();
  return value!;
}

function memoryOf({ weights }: Reading): MemoryHandle {
  return weights[0]![1];
}

describe('a copy begun while a run changes the values', () => {
  let memory: StateMemory;
  beforeEach(() => {
    memory = new StateMemory('values', size);
    memory.beginRun();
  });

  it('is made before the next run changes them', async () => {
    const reading = memory.read();
    memory.endRun();
    await change(memory, 1);
    assert.equal(await valueOf(reading), 0);
  });

  it('is of no reading that begins after the run', async () => {
    const [first, second] = [memory.read(), memory.read()];
    inOneGo(memory.writeInPieces(new Float32Array(size).fill(1), 0));
    memory.endRun();
    memory.beginRun();
    const later = memory.read();
    assert.equal(memoryOf(second), memoryOf(first));
    assert.notEqual(memoryOf(later), memoryOf(first));
    assert.equal(await valueOf(later), 1);
  });

  it('is not waited for again once it is made', async () => {
    const reading = memory.read();
    assert.equal(memory.holdsRuns, true);
    await reading.ready();
    assert.equal(memory.holdsRuns, false);
    await change(memory, 1);
    assert.equal(await valueOf(reading), 0);
  });
});

describe('a loose reading', () => {
  it('is waited for once the training it begins in is over', async () => {
    const memory = new StateMemory('values', size);
    const reading = memory.read('loose');
    assert.equal(memory.holdsRuns, false);
    memory.endTraining();
    const changed = change(memory, 1);
    assert.equal(await valueOf(reading), 0);
    await changed;
    assert.equal(memory.holdsRuns, false);
  });
});
