/** Which layer an error or a debug run names: the one that computed what is wrong. */
import assert from 'node:assert/strict';
import type { LanewiseError } from '../../lib/index.js';
import { DataError, Embedding, Layer, Linear, MSELoss, SGD, type Scope, Sequential, type Tensor, Trainer, array, gatherRows, log, relu, reshape } from '../../lib/index.js'; // prettier-ignore

/** log(x) before its head, or between its body and its head. */
class Root extends Layer {
  readonly body = new Linear(1);
  readonly head = new Linear(1);
  constructor(readonly usesBody: boolean) {
    super();
  }
  forward(x: Tensor, scope: Scope): Tensor {
    return scope.call('head', this.head, log(this.usesBody ? scope.call('body', this.body, x) : x));
  }
}

/** Looks rows up before or after its layer. */
class Looks extends Layer<[Tensor, Tensor]> {
  readonly fc = new Linear(4);
  constructor(readonly first: boolean) {
    super();
  }
  forward(x: Tensor, ids: Tensor, scope: Scope): Tensor {
    return relu(this.first ? scope.call('fc', this.fc, gatherRows(x, ids)) : gatherRows(scope.call('fc', this.fc, x), ids));
  }
}

const inner = (layer: Layer): Layer => new Sequential({ inner: layer });

/** What comes of a fit in which something is NaN at first. */
async function failure(fit: Promise<unknown>): Promise<LanewiseError> {
  const error: unknown = await fit.then(() => undefined, (reason: unknown) => reason); // prettier-ignore
  assert.ok(error instanceof DataError);
  return error;
}

const negative = array([[-1, 2], [1, -2], [3, 3], [-3, -3]]); // prettier-ignore
const debugged = (model: Layer): Promise<LanewiseError> =>
  failure(
    new Trainer(model, { loss: new MSELoss(), optimizer: new SGD() }).fit({ x: negative, y: array([[1], [1], [1], [1]]) }, { debug: true }),
  );

describe('the layer an error is of', () => {
  for (const usesBody of [false, true]) {
    it(`is the one that made the input of another${usesBody ? ' of what a third gave' : ''}`, async () => {
      assert.match((await debugged(new Root(usesBody))).message, /^Root: expected finite numbers/);
      const { message, layer } = await debugged(inner(new Root(usesBody)));
      assert.match(message, /^Root "inner": expected finite numbers/);
      assert.equal(layer, 'inner');
    });
  }

  for (const first of [false, true]) {
    it(`is the one that looked up rows ${first ? 'before' : 'behind'} another`, async () => {
      const { message } = await failure(new Looks(first).predict([negative, array(Int32Array.of(0, 1, 2, 9))]));
      assert.match(message, /^Looks: gatherRows: expected an index in 0 … 3, got 9/);
    });
  }

  it('has its path, whenever it is known', async () => {
    class Bad extends Layer {
      forward(x: Tensor): Tensor {
        return reshape(x, [7]);
      }
    }
    const paths = [
      await new Sequential({ bad: new Bad() }).predict(negative).catch((error: unknown) => (error as LanewiseError).layer),
      (await failure(new Sequential({ emb: new Embedding(4, 2) }).predict(array(Int32Array.of(0, 9))))).layer,
    ];
    assert.deepEqual(paths, ['bad', 'emb']);
  });
});
