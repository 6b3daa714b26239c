// A step inside Trainer.fit.
import type { StepRequest } from '../cases/step.js';
import { serve } from './serve.js';
import { makeTraining } from './training_lanewise.js';

await serve(async (request) => {
  const { train, evaluate, stepsPerEpoch } = makeTraining(request as StepRequest);
  const timed = async (epochs: number): Promise<number> => {
    const start = performance.now();
    await train(epochs);
    return (performance.now() - start) / 1e3 / epochs;
  };
  const before = await evaluate();
  await train(3);
  const after = await evaluate();
  let secondsPerEpoch = await timed(3);
  return {
    check: [before, after],
    time: async (seconds) => {
      secondsPerEpoch = await timed(Math.max(1, Math.round(seconds / secondsPerEpoch)));
      return secondsPerEpoch / stepsPerEpoch;
    },
  };
});
