// A step inside Trainer.fit; with BENCH_MEASURE=memory the peak resident memory of this process instead of a time.
import { readFileSync } from 'node:fs';
import type { StepRequest } from '../cases/step.js';
import { serve, serveEpochs } from './serve.js';
import { makeTraining } from './training_lanewise.js';

/** Bytes of physical memory that this process has had at most. */
function peakMemory(): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

await serve(async (request) => {
  const { train, stepsPerEpoch } = makeTraining(JSON.parse(request) as StepRequest);
  const prepared = await serveEpochs(train, stepsPerEpoch);
  return process.env.BENCH_MEASURE === 'memory' ? { ...prepared, time: peakMemory } : prepared;
});
