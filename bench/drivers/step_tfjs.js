// TensorFlow.js with the backend that BENCH_VARIANT names; the training loop is its own: gather, optimizer.minimize, in a tidy.
import { createRequire } from 'node:module';
import { makeData } from './data.js';
import { serve, timeLoop } from './serve.js';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const backend = process.env.BENCH_VARIANT ?? 'cpu';
if (backend === 'wasm') {
  const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(require.resolve('@tensorflow/tfjs-backend-wasm').replace(/[^/]*$/, ''));
}
await tf.setBackend(backend);
await tf.ready();

function mlp({ sizes, dropout }) {
  return sizes.slice(1).flatMap((units, index) => {
    const last = index === sizes.length - 2;
    const dense = tf.layers.dense({ units, inputShape: [sizes[index]], ...(last ? {} : { activation: 'relu' }) });
    return last || dropout === 0 ? [dense] : [dense, tf.layers.dropout({ rate: dropout })];
  });
}

function rowLstm() {
  const { reshape, lstm, dense } = tf.layers;
  return [reshape({ targetShape: [28, 28], inputShape: [28, 28, 1] }), lstm({ units: 128 }), dense({ units: 10 })];
}

await serve((text) => {
  const request = JSON.parse(text);
  const { sizes, batch, optimizer: kind, learningRate, samples, net } = request;
  const model = tf.sequential({ layers: net === undefined ? mlp(request) : rowLstm() });
  const optimizer = kind === 'adam' ? tf.train.adam(learningRate) : tf.train.sgd(learningRate);
  const data = makeData(request);
  const x = tf.tensor(data.x, [samples, ...(net?.image ?? [sizes[0]])]);
  const y = tf.oneHot(tf.tensor1d(data.y, 'int32'), sizes.at(-1)).toFloat();
  let next = 0;
  const loss = (inputs, targets, training) => tf.losses.softmaxCrossEntropy(targets, model.apply(inputs, { training }));
  const step = () =>
    tf.tidy(() => {
      const ids = Int32Array.from({ length: batch }, (_, i) => (next + i) % samples);
      next = (next + batch) % samples;
      const index = tf.tensor1d(ids, 'int32');
      const [inputs, targets] = [x.gather(index), y.gather(index)];
      optimizer.minimize(() => loss(inputs, targets, true));
    });
  // On one fixed part of the data, which is quick; a step of the recurrent net takes it seconds.
  const [count, leastSteps] = net === undefined ? [Math.min(samples, 512), 20] : [batch, 8];
  const evaluate = () => tf.tidy(() => loss(x.slice(0, count), y.slice(0, count), false).dataSync()[0]);
  const before = evaluate();
  const steps = Math.max(leastSteps, Math.ceil(count / batch)) * (request.data === 'xor' ? 20 : 1);
  for (let i = 0; i < steps; i++) step();
  return { check: [before, evaluate()], time: (seconds) => timeLoop(step, 1, seconds) };
});
