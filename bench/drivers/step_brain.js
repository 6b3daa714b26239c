// brain.js: it knows neither batches nor cross-entropy nor dropout; as many single-sample updates as a batch has samples count as a step.
import { createRequire } from 'node:module';
import { makeData } from './data.js';
import { serve, timeLoop } from './serve.js';

const brain = createRequire(import.meta.url)('brain.js');

await serve((text) => {
  const request = JSON.parse(text);
  const { sizes, batch, learningRate } = request;
  const net = new brain.NeuralNetwork({ hiddenLayers: sizes.slice(1, -1), activation: 'sigmoid', learningRate });
  const samples = Math.max(batch, 64);
  const { x, y } = makeData({ ...request, samples });
  const data = Array.from({ length: samples }, (_, n) => ({
    input: x.subarray(n * sizes[0], (n + 1) * sizes[0]),
    output: Float32Array.from({ length: sizes.at(-1) }, (_, c) => (c === y[n] ? 1 : 0)),
  }));
  const train = (iterations) => net.train(data, { iterations, errorThresh: 1e-12, learningRate }).error;
  const before = train(1);
  const after = train(20);
  // One call runs many epochs, so that preparing the data is not in the time of a step.
  const epochs = 20;
  return { check: [before, after], time: (seconds) => timeLoop(() => train(epochs), (epochs * samples) / batch, seconds) };
});
