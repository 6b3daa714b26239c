/** A call that is aborted before its first step leaves the model as it was. */
import assert from 'node:assert/strict';
import { prepare } from '../../lib/compile/program.js';
import { Control } from '../../lib/control.js';
import { sizeOf } from '../../lib/graph/shape.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import { type Initializer, Linear, MSELoss, SGD, Sequential, Trainer, array } from '../../lib/index.js';
import { sample } from '../support/check-op.js';

const x = sample([4, 2]);
const y = array(new Float32Array(4), [4, 1]);
const trainerOf = (model: Sequential): Trainer => new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1 }) });

const calls: readonly (readonly [string, (model: Sequential, signal: AbortSignal) => Promise<unknown>])[] = [
  ['fit', (model, signal) => trainerOf(model).fit({ x, y }, { signal })],
  ['fit of batches', (model, signal) => trainerOf(model).fit([{ x, y }], { signal })],
  ['predict', (model, signal) => model.predict(x, { signal })],
  ['evaluate', (model, signal) => trainerOf(model).evaluate({ x, y }, { signal })],
];

describe('an abort before the first step', () => {
  for (const [name, call] of calls) {
    /** Stops as the first values are made, when all is compiled. */
    const aborted = async (encoder: Linear): Promise<Sequential> => {
      const stop = new AbortController();
      const weightInit: Initializer = (shape) => {
        stop.abort();
        return new Float32Array(sizeOf(shape));
      };
      const model = new Sequential({ encoder, head: new Linear(1, { weightInit }) });
      await assert.rejects(call(model, stop.signal), { name: 'AbortError' });
      return model;
    };
    it(`leaves a model free for other sizes: ${name}`, async () => {
      const model = await aborted(new Linear(3));
      assert.equal(model.model.isBuilt, false);
      assert.deepEqual((await model.predict(sample([4, 5]))).shape, [4, 1]);
    });
    it(`leaves a layer at home where it was: ${name}`, async () => {
      const encoder = new Linear(3);
      await trainerOf(new Sequential([encoder, new Linear(1)])).step({ x, y });
      const model = await aborted(encoder);
      await model.predict(x);
      encoder.setWeights(
        new Map([...encoder.weights()].map(([path, { size, shape }]) => [path, array(new Float32Array(size).fill(0.25), shape)])),
      );
      assert.deepEqual(model.weights().get('encoder.weight'), encoder.weights().get('weight'));
    });
  }

  it('leaves the rest of a program to whoever needs it next', async () => {
    const [from, to] = [new MemorySlot('from', 16), new MemorySlot('to', 16)];
    const program = prepare([{ value: source(from, 0, [4], 'float32'), slot: to, byteOffset: 0, commit: false }]);
    const control = new Control();
    control.stop();
    await program.compiled(control);
    assert.equal(program.isCompiled, false);
    await program.compiled();
    assert.equal(program.isCompiled, true);
  });
});
