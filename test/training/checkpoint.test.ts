import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adam,
  type Batch,
  CrossEntropyLoss,
  Dropout,
  Linear,
  ReLU,
  SGD,
  Sequential,
  Trainer,
  readSafetensors,
  writeSafetensors,
} from '../../lib/index.js';
import { classProblem } from '../support/problems.js';

const data = classProblem(64, 4, 2);
const network = (hidden = 8): Sequential => new Sequential([new Linear(hidden), new ReLU(), new Dropout(0.3), new Linear(2)], { seed: 1 });
const trainerOf = (model: Sequential): Trainer =>
  new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: (step) => 0.01 / (1 + step) }) });
const bits = (model: Sequential): number[] => [...model.weights().values()].flatMap((value) => [...value.data]);

describe('files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('go on from a checkpoint with the same bits', async () => {
    const whole = network();
    await trainerOf(whole).fit(data, { epochs: 4, batchSize: 16 });

    const first = network();
    const trainer = trainerOf(first);
    await trainer.fit(data, { epochs: 2, batchSize: 16 });
    await trainer.save(join(folder, 'checkpoint'));

    const second = new Sequential([new Linear(8), new ReLU(), new Dropout(0.3), new Linear(2)], { seed: 1 }).build([4]);
    const resumed = trainerOf(second);
    await resumed.load(join(folder, 'checkpoint'));
    assert.equal(resumed.steps, 8);
    await resumed.fit(data, { epochs: 2, batchSize: 16 });
    assert.deepEqual(bits(second), bits(whole));
    assert.deepEqual([resumed.epochs, resumed.steps], [4, 16]);
  });

  it('go on with the epoch after one that was aborted', async () => {
    const trainer = trainerOf(network());
    const controller = new AbortController();
    function* batches(): Generator<Batch> {
      yield data;
      controller.abort();
      yield data;
    }
    await assert.rejects(trainer.fit(batches, { epochs: 2, signal: controller.signal }), { name: 'AbortError' });
    await trainer.save(join(folder, 'checkpoint'));
    const resumed = trainerOf(network().build([4]));
    await resumed.load(join(folder, 'checkpoint'));
    assert.deepEqual([resumed.epochs, resumed.steps], [1, 1]);
    await resumed.fit(data);
    assert.equal(resumed.epochs, 2);
  });

  it('go on from a checkpoint without building the model first', async () => {
    const first = network();
    const trainer = trainerOf(first);
    await trainer.fit(data, { epochs: 1, batchSize: 16 });
    await trainer.save(join(folder, 'checkpoint'));
    const second = network();
    const resumed = trainerOf(second);
    await resumed.load(join(folder, 'checkpoint'));
    assert.deepEqual(bits(second), bits(first));
    for (const each of [trainer, resumed]) await each.fit(data, { epochs: 1, batchSize: 16 });
    assert.deepEqual(bits(second), bits(first));
  });

  it('of a trainer give a model its weights', async () => {
    const model = network();
    const trainer = trainerOf(model);
    await trainer.fit(data, { batchSize: 16 });
    await trainer.save(join(folder, 'checkpoint'));
    const { data: expected } = await model.predict(data.x);
    for (const other of [network(), network().build([4])]) {
      assert.deepEqual((await (await other.load(join(folder, 'checkpoint'))).predict(data.x)).data, expected);
    }
    const longer = new Sequential([...network().layers.values(), new Linear(1)]).build([4]);
    await longer.load(join(folder, 'checkpoint'), { strict: false });
    assert.deepEqual(longer.weights().get('0.weight'), model.weights().get('0.weight'));
  });

  it('that a trainer refuses leave a model unbuilt', async () => {
    await trainerOf(network().build([4])).save(join(folder, 'checkpoint'));
    const model = network();
    const other = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD() });
    await assert.rejects(other.load(join(folder, 'checkpoint')), { name: 'StateError', message: /slots none of this optimizer/ });
    const { tensors, metadata } = await readSafetensors(join(folder, 'checkpoint'));
    const { 'lanewise.inputs': _, ...older } = metadata;
    await writeSafetensors(join(folder, 'older'), tensors, older);
    await assert.rejects(trainerOf(model).load(join(folder, 'older')), { name: 'StateError', message: /never built/ });
    await trainerOf(model).fit(classProblem(8, 7, 2), { batchSize: 8 });
  });

  it('bring a model back without building it first', async () => {
    const model = network();
    const before = await model.predict(data.x);
    await model.save(join(folder, 'model'));
    const loaded = await new Sequential([new Linear(8), new ReLU(), new Dropout(0.3), new Linear(2)]).load(join(folder, 'model'));
    assert.deepEqual((await loaded.predict(data.x)).data, before.data);
  });

  it('refuse the weights of another architecture and leave the model alone', async () => {
    const small = network(4).build([4]);
    await small.save(join(folder, 'small'));
    const model = network().build([4]);
    const before = bits(model);
    await assert.rejects(model.load(join(folder, 'small')), { name: 'ShapeError', message: /"0\.weight" of shape \[4, 8\], got \[4, 4\]/ });
    const other = new Sequential({ head: new Linear(2) }).build([4]);
    await other.save(join(folder, 'other'));
    await assert.rejects(model.load(join(folder, 'other')), { name: 'StateError', message: /missing "0\.weight".*unknown "head\.weight"/ });
    assert.deepEqual(bits(model), before);
    const unbuilt = network();
    await assert.rejects(unbuilt.load(join(folder, 'small')), { name: 'ShapeError' });
    await unbuilt.predict(data.x);
  });

  it('give a part of their weights with strict: false, to a model built or not, and build none', async () => {
    const body = (): Sequential => new Sequential([new Linear(8), new ReLU()]);
    const trained = new Sequential({ body: body(), head: new Linear(2) }, { seed: 5 }).build([4]);
    await trained.save(join(folder, 'model'));
    const expected = trained.weights().get('body.0.weight');
    for (const build of [true, false]) {
      const model = new Sequential({ body: body(), classes: new Linear(3) });
      if (build) model.build([4]);
      assert.equal(await model.load(join(folder, 'model'), { strict: false }), model);
      if (!build) assert.throws(() => model.weights(), { name: 'StateError', message: /never built/ });
      await model.predict(data.x);
      assert.deepEqual(model.weights().get('body.0.weight'), expected);
    }
    const { tensors } = await readSafetensors(join(folder, 'model'));
    const model = new Sequential({ body: body(), classes: new Linear(3) });
    assert.equal(model.setWeights(tensors, { strict: false }), undefined);
    assert.deepEqual(model.build([4]).setWeights(tensors, { strict: false }), {
      missing: ['classes.weight', 'classes.bias'],
      unexpected: ['head.weight', 'head.bias'],
    });
    assert.deepEqual(trained.setWeights(tensors), { missing: [], unexpected: [] });
    const other = new Sequential({ trunk: body() }).build([4]);
    await assert.rejects(other.load(join(folder, 'model'), { strict: false }), {
      name: 'StateError',
      message: /at least one of the weights "trunk/,
    });
    await assert.rejects(other.load(join(folder, 'model'), { strict: 'no' } as never), {
      name: 'OptionError',
      message: /^Sequential.load: /,
    });
  });

  it('refuse a checkpoint of another optimizer', async () => {
    const model = network().build([4]);
    await trainerOf(model).save(join(folder, 'adam'));
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ momentum: 0.9 }) });
    await assert.rejects(trainer.load(join(folder, 'adam')), { name: 'StateError', message: /slots momentum of this optimizer/ });
    await model.save(join(folder, 'model'));
    await assert.rejects(trainer.load(join(folder, 'model')), { name: 'FileError', message: /Use model\.load\(\)/ });
  });

  it('that a trainer refuses are said to be refused by Trainer.load', async () => {
    const trainer = trainerOf(network().build([4]));
    await trainer.save(join(folder, 'checkpoint'));
    const { tensors, metadata } = await readSafetensors(join(folder, 'checkpoint'));
    await writeSafetensors(join(folder, 'sizes'), tensors, { ...metadata, 'lanewise.inputs': '?' });
    await writeFile(join(folder, 'cut'), 'cut');
    for (const name of ['missing', 'cut', 'sizes'])
      await assert.rejects(trainer.load(join(folder, name)), { name: 'FileError', message: /^Trainer\.load: expected / });
    const other = new Sequential({ fc: new Linear(8), relu: new ReLU(), out: new Linear(2) });
    for (const model of [other, new Sequential({ fc: new Linear(8), relu: new ReLU(), out: new Linear(2) }).build([4])])
      await assert.rejects(trainerOf(model).load(join(folder, 'checkpoint')), {
        name: 'StateError',
        message: /^Trainer\.load of .*checkpoint: expected /,
      });
  });
  describe('of groups', () => {
    const grouped = (model: Sequential, path?: string): Trainer =>
      new Trainer(model, {
        loss: new CrossEntropyLoss(),
        optimizer: new Adam(),
        groups: path === undefined ? [] : [{ parameters: [path], optimizer: new SGD({ lr: 0.1, momentum: 0.9 }) }],
      });

    it('go on with the same bits', async () => {
      const [whole, first] = [network(), network()];
      await grouped(whole, '0').fit(data, { epochs: 2, batchSize: 16 });
      const trainer = grouped(first, '0');
      await trainer.fit(data, { batchSize: 16 });
      await trainer.save(join(folder, 'checkpoint'));
      const second = network();
      const resumed = grouped(second, '0');
      await resumed.load(join(folder, 'checkpoint'));
      await resumed.fit(data, { batchSize: 16 });
      assert.deepEqual(bits(second), bits(whole));
    });

    it('refuse other groups, and leave the model alone', async () => {
      await grouped(network().build([4]), '0').save(join(folder, 'first'));
      const model = network(8).build([4]);
      const before = bits(model);
      for (const [trainer, expected] of [
        [grouped(model, '3'), 'slots m, v for "0.weight", got momentum'],
        [grouped(model, '0.weight'), 'slots m, v for "0.bias", got momentum'],
      ] as const) {
        await assert.rejects(trainer.load(join(folder, 'first')), {
          name: 'StateError',
          message: `Trainer.load: expected ${expected}. Load with the optimizer and the groups the checkpoint was saved with.`,
        });
      }
      await assert.rejects(grouped(model).load(join(folder, 'first')), {
        name: 'StateError',
        message: /expected slots m, v of this optimizer/,
      });
      assert.deepEqual(bits(model), before);
    });

    it('are refused where the slots of each parameter are no list', async () => {
      const trainer = grouped(network().build([4]), '0');
      await trainer.save(join(folder, 'checkpoint'));
      const { tensors, metadata } = await readSafetensors(join(folder, 'checkpoint'));
      const { 'lanewise.slots': slots, ...others } = metadata;
      assert.match(slots!, /"0\.weight":\["momentum"\]/);
      for (const broken of ['{', 'null', '{"0.weight":"m"}']) {
        await writeSafetensors(join(folder, 'broken'), tensors, { ...others, 'lanewise.slots': broken });
        await assert.rejects(trainer.load(join(folder, 'broken')), {
          name: 'FileError',
          message: /expected lanewise\.slots in .* to list/,
        });
      }
    });

    it('refuse one without groups whose slots are those of others together', async () => {
      await trainerOf(network().build([4])).save(join(folder, 'whole'));
      const model = network().build([4]);
      const before = bits(model);
      const groups = [{ parameters: ['0'], optimizer: new SGD() }];
      const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam(), groups });
      await assert.rejects(trainer.load(join(folder, 'whole')), {
        name: 'StateError',
        message: /^Trainer\.load: expected slots none for "0\.weight", got m, v\. Load with the optimizer and the groups/,
      });
      assert.deepEqual(bits(model), before);
    });
    it('are not written without groups', async () => {
      await grouped(network().build([4])).save(join(folder, 'checkpoint'));
      assert.ok(!('lanewise.slots' in (await readSafetensors(join(folder, 'checkpoint'))).metadata));
    });
  });

  it('are refused when cut off', async () => {
    const model = network().build([4]);
    await model.save(join(folder, 'model'));
    const bytes = await readFile(join(folder, 'model'));
    for (const length of [0, 4, 12, bytes.length - 1]) {
      await writeFile(join(folder, 'cut'), bytes.subarray(0, length));
      await assert.rejects(model.load(join(folder, 'cut')), { name: 'FileError' });
    }
  });

  it('leave the old file when they cannot be written', async () => {
    const model = network().build([4]);
    await assert.rejects(model.save(join(folder, 'missing', 'model')), { name: 'FileError' });
    await writeFile(join(folder, 'file'), 'old');
    await assert.rejects(model.save(join(folder, 'file', 'model')), { name: 'FileError' });
    assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'old');
    assert.deepEqual(await readdir(folder), ['file']);
  });
});
