// A step of a few layers inside Trainer.fit.
import { Adam, array, BCEWithLogitsLoss, MSELoss, setThreads, Trainer } from 'lanewise';
import type { LayersRequest } from '../cases/layers.js';
import { layerNet } from './layer_nets.js';
import { batches, makeInputs } from './layers.js';
import { serve, serveEpochs } from './serve.js';

setThreads(Number(process.env.BENCH_THREADS ?? 1));
await serve((text) => {
  const request = JSON.parse(text) as LayersRequest;
  const { name, input } = request;
  const [batch, ...rest] = input as [number, ...number[]];
  const rows = batches * batch;
  const x = array(makeInputs(request), [rows, ...rest]);
  const model = layerNet(name);
  const shape = [rows, ...model.predictSync(x.rows(0, 1)).shape.slice(1)];
  const size = shape.reduce((product, n) => product * n, 1);
  const y = array(new Float32Array(new SharedArrayBuffer(4 * size)), shape);
  const loss = name.includes('cross-entropy') ? new BCEWithLogitsLoss() : new MSELoss();
  const trainer = new Trainer(model, { loss, optimizer: new Adam({ lr: 0.01 }) });
  return serveEpochs((epochs) => trainer.fit({ x, y }, { epochs, batchSize: batch }), batches);
});
