// A step inside Trainer.fit; with BENCH_MEASURE=memory the peak resident memory of this process instead of a time.
import { readFileSync } from 'node:fs';
import type { StepRequest } from '../cases/step.js';
import { serve } from './serve.js';
import { makeTraining } from './training_lanewise.js';

/** Bytes of physical memory that this process has had at most. */
function peakMemory(): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

await serve(async (request) => {
  const { train, stepsPerEpoch } = makeTraining(request as StepRequest);
  const timed = async (epochs: number): Promise<number> => {
    const start = performance.now();
    await train(epochs);
    return (performance.now() - start) / 1e3 / epochs;
  };
  const { loss: before } = (await train(1)).last!;
  const { loss: after } = (await train(2)).last!;
  if (process.env.BENCH_MEASURE === 'memory') return { check: [before, after], time: peakMemory };
  let secondsPerEpoch = await timed(1);
  return {
    check: [before, after],
    time: async (seconds) => {
      secondsPerEpoch = await timed(Math.max(1, Math.round(seconds / secondsPerEpoch)));
      return secondsPerEpoch / stepsPerEpoch;
    },
  };
});
