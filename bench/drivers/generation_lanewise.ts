// Steps of a stream, each fed the likeliest character of the one before.
import { array, setThreads } from 'lanewise';
import type { GenerationRequest } from '../cases/text.js';
import { serve, timeLoop } from './serve.js';
import { textNet } from './text_net.js';

const checkedSteps = 50;
/** Steps timed from the position asked for. */
const block = 50;

setThreads(Number(process.env.BENCH_THREADS ?? 1));
await serve(async (text) => {
  const request = JSON.parse(text) as GenerationRequest;
  const { vocabulary, position } = request;
  const model = textNet(request, checkedSteps).build([checkedSteps], { dtypes: ['int32'] });
  const stream = model.stream();
  const likeliest = (logits: Float32Array): number => {
    let best = 0;
    for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
    return best;
  };
  const id = new Int32Array(1);
  const input = array(id, [1]);
  const step = (): Float32Array => {
    const { data } = stream.step(input);
    id[0] = likeliest(data);
    return data;
  };

  const fed: number[] = [];
  const stepped: number[] = [];
  for (let t = 0; t < checkedSteps; t++) {
    fed.push(id[0]!);
    stepped.push(...step());
  }
  const { data: whole } = await model.predict(array(Int32Array.from(fed), [1, checkedSteps]));
  const different = whole.findIndex((value, i) => value !== stepped[i]);
  if (different >= 0) throw new Error(`step ${Math.floor(different / vocabulary)} is not the same as in the whole sequence`);

  for (let t = checkedSteps; t < position; t++) step();
  const state = stream.state();
  const next = id[0]!;
  return {
    time: (seconds) =>
      timeLoop(
        () => {
          for (let i = 0; i < block; i++) step();
        },
        block,
        seconds,
        () => {
          stream.setState(state);
          id[0] = next;
        },
      ),
  };
});
