import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Lambda,
  Layer,
  Linear,
  MSELoss,
  SGD,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  array,
  concat,
  matmul,
  reshape,
  slice,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';

/** Features of the nodes of one graph, mixed along its edges: the rows of a batch are all nodes. */
class GraphConvolution extends Layer<[Tensor, Tensor]> {
  readonly features = new Linear(3);

  forward(x: Tensor, adjacency: Tensor, scope: Scope): Tensor {
    return matmul(adjacency, scope.call('features', this.features, x));
  }
}

describe('a model in which rows meet', () => {
  const x = sample([7, 4]);
  /** Each node takes what the next one has. */
  const next = array(
    Float32Array.from({ length: 49 }, (_, i) => (i % 7 === (Math.floor(i / 7) + 1) % 7 ? 1 : 0)),
    [7, 7],
  );

  it('is built by a batch, since a single row is none', async () => {
    for (const first of ['predict', 'predictSync', 'fit', 'step', 'evaluate'] as const) {
      const model = new GraphConvolution();
      const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0 }) });
      const data = { x: [x, next], y: array(new Float32Array(21), [7, 3]) };
      await (first === 'predict' || first === 'predictSync' ? model[first](data.x) : trainer[first](data));
      const { data: got } = model.predictSync(data.x);
      const { data: rows } = model.features.predictSync(x);
      assert.deepEqual(got, Float32Array.of(...rows.subarray(3), ...rows.subarray(0, 3)));
    }
  });

  it('is read from a file, takes batches of other sizes and describes itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    const file = join(folder, 'graph.safetensors');
    const options = { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) };
    const model = new GraphConvolution();
    const trainer = new Trainer(model, options);
    await trainer.step({ x: [x, next], y: array(new Float32Array(21), [7, 3]) });
    const expected = await model.predict([x, next]);
    await model.save(file);
    const read = await new GraphConvolution().load(file);
    assert.deepEqual(await read.predict([x, next]), expected);
    await trainer.save(file);
    const other = new GraphConvolution();
    await new Trainer(other, options).load(file);
    assert.deepEqual(other.predictSync([x, next]), expected);
    const five = array(
      Float32Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)),
      [5, 5],
    );
    assert.deepEqual(await read.predict([x.rows(0, 5), five]), await read.features.predict(x.rows(0, 5)));
    assert.match(String(read.summary()), /GraphConvolution +\[7, 3\]/);
    rmSync(folder, { recursive: true });
  });

  it('says which sizes do not fit, as they are in the batch', async () => {
    const pairs = new Sequential([new Linear(2), new Lambda((x) => concat([slice(x, [0, 0], [x.shape[0]! / 2, 2]), x], 0))]);
    await assert.rejects(pairs.predict(sample([4, 4])), { name: 'ShapeError', message: /expected an output with one row for each of the 4 input rows, got \[6, 2\]\. Repeat what is of the whole batch by broadcastTo\(y, \[N, …\]\) with N = x\.shape\[0\]\.$/ }); // prettier-ignore
    await assert.rejects(new GraphConvolution().predict([x, sample([7, 5])]), { name: 'ShapeError', message: /got \[7, 5\] · \[7, 3\]/ });
  });

  it('is not built without data, and says why', () => {
    const advice = / This was tried with one row, and rows meet in this model: call fit or predict with several rows first\.$/;
    const pairs = new Lambda((x) => reshape(x, [2, x.shape[0]! / 2, 4]));
    assert.throws(() => pairs.build([4]), { name: 'ShapeError', message: advice });
    assert.throws(() => new GraphConvolution().build([[4], [7]]), { name: 'ShapeError', message: advice });
    const wrong = new Lambda((x) => reshape(x, [x.shape[0]!, 5]));
    assert.throws(() => wrong.build([4]), (error: Error) => error.name === 'ShapeError' && !advice.test(error.message)); // prettier-ignore
  });
});
