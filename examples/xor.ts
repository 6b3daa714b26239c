/**
 * The exclusive-or of two inputs: what a single-layer perceptron cannot learn, and a multilayer perceptron can.
 * Every network is trained by gradient descent, on the full batch or row by row (stochastic).
 *
 *   npm run xor
 */
import type { Layer } from 'lanewise';
import { BCEWithLogitsLoss, Linear, type Loss, MSELoss, SGD, Sequential, Sigmoid, Tanh, Trainer, array } from 'lanewise';
import { flags } from './support/flags.js';

flags('npm run xor: what a single layer cannot learn and two can; it has no flags', {});

const x = array([
  [0, 0, 1],
  [0, 1, 1],
  [1, 0, 1],
  [1, 1, 1],
]);
const y = array([[0], [1], [1], [0]]);

/** Rows that come out on the right side of one half. */
async function right(model: Layer, threshold: number): Promise<number> {
  const outputs = await model.predict(x);
  return outputs.data.filter((value, i) => value > threshold === (y.data[i] === 1)).length;
}

async function train(title: string, model: Layer, loss: Loss, threshold: number, batchSize: number, lr: number): Promise<number> {
  const trainer = new Trainer(model, { loss, optimizer: new SGD({ lr }) });
  const history = await trainer.fit({ x, y }, { epochs: 5000, batchSize });
  const count = await right(model, threshold);
  const outputs = [...(await model.predict(x)).data].map((value) => value.toFixed(3)).join('  ');
  console.log(`${title.padEnd(52)} loss ${history.last!.loss.toFixed(4)}  ${count} of 4 right   ${outputs}`);
  return count;
}

const perceptron = (): Layer => new Sequential([new Linear(1), new Sigmoid()], { seed: 1 });
const mlp = (): Layer => new Sequential([new Linear(8), new Tanh(), new Linear(1), new Sigmoid()], { seed: 1 });
const mlpLogits = (): Layer => new Sequential([new Linear(8), new Tanh(), new Linear(1)], { seed: 1 });

const results = [
  await train('single layer, MSE, full-batch gradient descent', perceptron(), new MSELoss(), 0.5, 4, 1),
  await train('single layer, MSE, stochastic gradient descent', perceptron(), new MSELoss(), 0.5, 1, 0.5),
  await train('two layers, MSE, full-batch gradient descent', mlp(), new MSELoss(), 0.5, 4, 1),
  await train('two layers, MSE, stochastic gradient descent', mlp(), new MSELoss(), 0.5, 1, 0.5),
  await train('two layers, cross-entropy, full-batch gradient descent', mlpLogits(), new BCEWithLogitsLoss(), 0, 4, 0.5),
  await train('two layers, cross-entropy, stochastic', mlpLogits(), new BCEWithLogitsLoss(), 0, 1, 0.2),
];
const [linearBatch, linearStochastic, ...deep] = results;
if (linearBatch! === 4 || linearStochastic! === 4) throw new Error('a single layer separated XOR: impossible');
if (deep.some((count) => count !== 4)) throw new Error('a multilayer perceptron did not learn XOR');
console.log('\nNo line separates the two classes, so one layer stays at 3 of 4 or fewer; one hidden layer is enough.');
