// How long the event loop is kept waiting while a net trains flat out.
import type { StepRequest } from '../cases/step.js';
import { delayP99 } from './delay.js';
import { serve } from './serve.js';
import { makeTraining } from './training_lanewise.js';

await serve(async (request) => {
  const { train, evaluate } = makeTraining(JSON.parse(request) as StepRequest);
  const before = await evaluate();
  await train(1);
  const after = await evaluate();
  return {
    check: [before, after],
    time: async (seconds) => {
      const end = new AbortController();
      const training = train(1e6, end.signal);
      const delay = await delayP99(seconds);
      end.abort();
      await training.catch((error: unknown) => {
        if ((error as Error).name !== 'AbortError') throw error;
      });
      return delay;
    },
  };
});
