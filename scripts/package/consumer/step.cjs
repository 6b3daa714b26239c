// The first training step of a program that requires.
const assert = require('node:assert/strict');
const { CrossEntropyLoss, Linear, SGD, Sequential, Trainer, array } = require('lanewise');

const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) });
const data = { x: array([1, 0, 0, 1], [2, 2]), y: array(new Int32Array([0, 1])) };
(async () => {
  const first = await trainer.step(data);
  const second = await trainer.step(data);
  assert(second.loss < first.loss);
  console.log(`loss ${first.loss.toFixed(4)}, then ${second.loss.toFixed(4)}`);
})();
