/** An output layer that shares the table of an embedding. */
import assert from 'node:assert/strict';
import { Adam, CrossEntropyLoss, Embedding, Layer, type Scope, type Tensor, Trainer, array, matmul, tanh } from '../../lib/index.js';
import { assertGradients } from '../support/layer.js';

class Tied extends Layer {
  readonly words: Embedding;

  constructor(options = {}) {
    super();
    this.words = new Embedding(5, 3, options);
  }

  forward(ids: Tensor, scope: Scope): Tensor {
    const { y, weight } = scope.enter('words', this.words, (inner) => this.words.apply(ids, inner));
    return matmul(tanh(y), weight, { transposeB: true });
  }
}

const ids = array(Int32Array.of(0, 2, 2, 1), [2, 2]);

describe('a table that an embedding shares', () => {
  for (const options of [{}, { sparse: true }])
    it(`has the gradient of both uses: ${JSON.stringify(options)}`, () => assertGradients(new Tied(options), [ids]));

  it('is one parameter, of which all rows are trained', async () => {
    for (const sparse of [false, true]) {
      const model = new Tied({ sparse }).build([2], { dtypes: ['int32'] });
      const before = model.weights();
      assert.deepEqual([...before.keys()], ['words.weight']);
      const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: 0.1 }) });
      await trainer.step({ x: ids, y: array(Int32Array.of(2, 1, 0, 4), [2, 2]) });
      const [old, now] = [before, model.weights()].map((weights) => weights.get('words.weight')!.data);
      assert.ok(now!.every((w, i) => w !== old![i]), `sparse: ${sparse}`); // prettier-ignore
    }
  });

  it('wants ids', () =>
    assert.throws(() => new Embedding(5, 3).apply(3 as never, {} as Scope), {
      name: 'DTypeError',
      message: /^Embedding: expected a tensor for ids, got number/,
    }));
});
