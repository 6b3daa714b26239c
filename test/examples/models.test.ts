import assert from 'node:assert/strict';
import { kerasConvnet } from '../../examples/models/keras-convnet.js';
import { Lecun1989 } from '../../examples/models/lecun1989.js';
import { lenet5 } from '../../examples/models/lenet5.js';
import { resnet18 } from '../../examples/models/resnet18.js';
import { smallResnet } from '../../examples/models/small-resnet.js';
import { vgg } from '../../examples/models/vgg.js';
import { CrossEntropyLoss, type Layer, Philox, SGD, type Shape, Trainer, array } from '../../lib/index.js';

/** Published counts, or those of the same net in PyTorch. */
const models: readonly (readonly [name: string, make: () => Layer, image: Shape, parameters: number])[] = [
  ['the digit network of 1989', () => new Lecun1989({ output: 'scores' }), [16, 16, 1], 9_760],
  ['LeNet-5', () => lenet5(), [28, 28, 1], 61_706],
  ["Keras's convolutional net", () => kerasConvnet(), [28, 28, 1], 1_199_882],
  ['VGG for 32 × 32 pixels', () => vgg(), [32, 32, 3], 1_187_274],
  ['VGG for Fashion-MNIST', () => vgg({ widths: [32, 64] }), [28, 28, 1], 96_554],
  ['ResNet-18 for 32 × 32 pixels', () => resnet18(), [32, 32, 3], 11_173_962],
  ['the residual net for Fashion-MNIST', () => smallResnet(), [28, 28, 1], 543_098],
];

describe('models of the examples', function () {
  this.timeout(60_000);

  for (const [name, make, image, parameters] of models) {
    describe(name, () => {
      it(`has ${parameters.toLocaleString('en')} parameters and a score for each class`, () => {
        const summary = make().build(image).summary(2);
        assert.equal(summary.parameters, parameters);
        assert.deepEqual(summary.layers.find(({ path }) => path === '')?.output, [2, 10]);
      });

      it('lowers its loss on one batch', async () => {
        const x = array(new Philox(1).normal(2 * image.reduce((a, b) => a * b)), [2, ...image]);
        const batch = { x, y: array(Int32Array.of(3, 7)) };
        const trainer = new Trainer(make(), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.01 }), seed: 1 });
        const { loss: first } = await trainer.step(batch);
        const { loss: second } = await trainer.step(batch);
        assert.ok(second < first, `${first} → ${second}`);
      });
    });
  }
});
