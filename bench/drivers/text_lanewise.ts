// A step of a model of characters inside Trainer.fit.
import { Adam, array, CrossEntropyLoss, setThreads, Trainer } from 'lanewise';
import type { TextRequest } from '../cases/text.js';
import { serve, serveEpochs } from './serve.js';
import { makeText } from './text.js';
import { textNet } from './text_net.js';

setThreads(Number(process.env.BENCH_THREADS ?? 1));
await serve((text) => {
  const request = JSON.parse(text) as TextRequest;
  const { batch, steps, sequences, learningRate } = request;
  const trainer = new Trainer(textNet(request, steps), { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: learningRate }) });
  const { x, y } = makeText(request);
  const set = { x: array(x, [sequences, steps]), y: array(y, [sequences, steps]) };
  return serveEpochs((epochs) => trainer.fit(set, { epochs, batchSize: batch }), sequences / batch);
});
