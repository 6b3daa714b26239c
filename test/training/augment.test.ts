import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Augmentation,
  type FitOptions,
  CrossEntropyLoss,
  Flatten,
  Linear,
  SGD,
  Sequential,
  type Tensor,
  Trainer,
  accuracy,
  array,
  compile,
  cpuInfo,
  cutout,
  mixup,
  mul,
  randomCrop,
  randomFlip,
  randomRotation,
  randomShift,
} from '../../lib/index.js';
import { augmented } from '../../lib/data/augment/pipeline.js';
import { images } from '../support/images.js';
import { nodeProgram, scriptArguments } from '../support/scripts.js';

const data = { x: images([24, 6, 6, 1], 'uint8'), y: array(Int32Array.from({ length: 24 }, (_, i) => i % 3)) };
const network = (): Sequential => new Sequential([new Flatten(), new Linear(3)], { seed: 1 });
const trainerOf = (model: Sequential, lr = 1e-4, seed?: number): Trainer =>
  new Trainer(model, {
    loss: new CrossEntropyLoss(),
    optimizer: new SGD({ lr }),
    metrics: [accuracy()],
    ...(seed !== undefined && { seed }),
  });
const bits = (model: Sequential): number[] => [...model.weights().values()].flatMap((value) => [...value.data]);
const all: readonly Augmentation[] = [
  randomShift(1),
  randomRotation(10),
  randomFlip(),
  cutout(2),
  randomCrop({ padding: 1 }),
  mixup({ classes: 3 }),
];

async function trained(options: FitOptions, seed?: number): Promise<number[]> {
  const model = network();
  await trainerOf(model, 1e-4, seed).fit(data, { epochs: 2, batchSize: 7, ...options });
  return bits(model);
}

describe('fit with augment', () => {
  it('gives the same bits in steps', async () => {
    const [fitted, stepped] = [network(), network()];
    await trainerOf(fitted).fit(data, { batchSize: 8, shuffle: false, augment: all });
    const trainer = trainerOf(stepped);
    for (const begin of [0, 8, 16]) {
      await trainer.step({ x: data.x.rows(begin, begin + 8), y: data.y.rows(begin, begin + 8) }, { augment: all });
    }
    assert.deepEqual(bits(stepped), bits(fitted));
  });
  it('gives the same bits for the same seed, others for another and for none', async () => {
    const first = await trained({ augment: all });
    assert.deepEqual(await trained({ augment: all }), first);
    assert.notDeepEqual(await trained({ augment: all, shuffle: false }, 2), await trained({ augment: all, shuffle: false }, 1));
    assert.notDeepEqual(await trained({}), first);
    assert.deepEqual(await trained({ augment: [] }), await trained({}));
  });

  it('goes on from a checkpoint with the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    try {
      const options = { batchSize: 7, augment: all };
      const first = network();
      const trainer = trainerOf(first);
      await trainer.fit(data, { ...options, epochs: 1 });
      await trainer.save(join(folder, 'checkpoint'));
      const second = network().build([6, 6, 1]);
      const resumed = trainerOf(second);
      await resumed.load(join(folder, 'checkpoint'));
      await resumed.fit(data, { ...options, epochs: 1 });
      assert.deepEqual(bits(second), await trained({ augment: all }));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves validation, evaluate and predict alone', async () => {
    const model = network().build([6, 6, 1]);
    const trainer = trainerOf(model, 0);
    const black: Augmentation = { name: 'black', forward: ({ x, y }) => ({ x: mul(x, 0), y }) };
    const before = await trainer.evaluate(data);
    const predicted = await model.predict(data.x);
    const { epochs } = await trainer.fit(data, { batchSize: 24, augment: [black], validation: data });
    assert.equal(epochs[0]!.metrics.valLoss, before.loss);
    const dark = await trainer.evaluate({ x: array(new Uint8Array(data.x.size), data.x.shape), y: data.y });
    assert.equal(epochs[0]!.loss, dark.loss);
    assert.notEqual(before.loss, epochs[0]!.loss);
    assert.deepEqual(await trainer.evaluate(data), before);
    assert.deepEqual((await model.predict(data.x)).data, predicted.data);
  });

  it('takes other augmentations in the next fit, and batches as they come', async () => {
    const trainer = trainerOf(network(), 0);
    const scaled = (by: number): Augmentation => ({ name: 'scale', forward: ({ x, y }) => ({ x: mul(x, by), y }) });
    const loss = async (augment: readonly Augmentation[]): Promise<number> =>
      (await trainer.fit(data, { batchSize: 24, shuffle: false, augment })).epochs[0]!.loss;
    const plain = await loss([]);
    assert.equal(await loss([scaled(1)]), plain);
    const half = await loss([scaled(0.5)]);
    assert.notEqual(half, plain);
    assert.equal((await trainer.fit([data], { augment: [scaled(0.5)] })).epochs[0]!.loss, half);
  });

  it('builds the model for what a crop leaves', async () => {
    const model = network();
    await trainerOf(model).fit(data, {
      augment: [randomCrop({ height: 4, width: 5 })],
      validation: { x: images([3, 4, 5, 1]), y: data.y.rows(0, 3) },
    });
    assert.deepEqual([...(await model.predict(images([2, 4, 5, 1]))).shape], [2, 3]);
  });

  it('leaves pixels from outside out of the loss and the metrics', async () => {
    const ignoreIndex = -1;
    const net = new Sequential([new Linear(3)], { seed: 1 });
    const trainer = new Trainer(net, {
      loss: new CrossEntropyLoss({ ignoreIndex }),
      optimizer: new SGD({ lr: 0 }),
      metrics: [accuracy({ ignoreIndex })],
    });
    const masks = {
      x: data.x,
      y: array(
        Int32Array.from(data.x.data, (value) => 1 + Number(value > 127)),
        [24, 6, 6],
      ),
    };
    // With 4 rows and columns around, of 14 × 14 pixels 36 are of the image: the same as without.
    const augment = [randomCrop({ padding: 4, height: 14, width: 14, outside: ignoreIndex })];
    const options = { batchSize: 24, shuffle: false } as const;
    const [padded] = (await trainer.fit(masks, { ...options, augment })).epochs;
    const [whole] = (await trainer.fit(masks, options)).epochs;
    assert.ok(Math.abs(padded!.loss - whole!.loss) < 1e-5 * whole!.loss, `${padded!.loss} and ${whole!.loss}`);
    assert.equal(padded!.metrics['accuracy'], whole!.metrics['accuracy']);
  });

  it('samples the images once for geometric augmentations in a row', () => {
    const run = compile((x: Tensor, y: Tensor) => augmented({ x, y }, [randomShift(1), randomCrop({ padding: 1 }), randomFlip(), randomRotation(9)], 1n).x); // prettier-ignore
    const listing = run.describe({ shape: [8, 6, 6, 1], dtype: 'uint8' }, { shape: [8], dtype: 'int32' });
    assert.equal(listing.match(/^\d+ +affineSample/gm)?.length, 1, listing);
  });

  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ augment: randomFlip() }, /^fit: expected a list, each an augmentation, \{ name, forward \} for augment, got/],
    [{ augment: [{ name: 'x' }] }, /^fit: expected a list, each an augmentation/],
    [{ augment: [randomCrop({ height: 7 })] }, /^fit: randomCrop: expected height and width within 6 × 6/],
    [{ augment: [mixup()] }, /^fit: mixup: expected the number of classes/],
  ];
  for (const [options, message] of refused) {
    it(`refuses, before anything is built: ${message.source}`, async () => {
      const model = network();
      await assert.rejects(trainerOf(model).fit(data, options as FitOptions), { message });
      assert.throws(() => model.weights(), { name: 'StateError' });
    });
  }
  it('refuses rows that are no images, by the shape of the data', () =>
    assert.rejects(
      trainerOf(network()).fit({ x: array(new Float32Array(320), [5, 8, 8]), y: data.y.rows(0, 5) }, { augment: [randomShift(1)] }),
      {
        name: 'ShapeError',
        message: 'fit: randomShift: expected images x [N, H, W, C], got [N, 8, 8]. Give the data this shape and flatten it in the model.',
      },
    ));
  it('refuses several inputs', () =>
    assert.rejects(trainerOf(network()).fit({ x: [data.x, data.x], y: data.y }, { augment: all }), {
      name: 'ShapeError',
      message:
        'fit: expected one input x for augment, got 2. Augment before, or anew in each step in a layer of your own, where scope.training.',
    }));
});

describe('the bits of training a convolutional net on augmented images', () => {
  const train = (threads: number, isa: string): string =>
    execFileSync(nodeProgram, scriptArguments('test/support/augment-hash', String(threads)), {
      env: { ...process.env, LANEWISE_ISA: isa },
      encoding: 'utf8',
    }).trim();
  const reference = train(1, cpuInfo().isa);

  it('are those of 100 steps', () => assert.match(reference, /^100 [0-9a-f]{64}$/));
  for (const isa of cpuInfo().available.filter((name) => name !== 'baseline')) {
    for (const threads of [1, 2, 4])
      it(`are the same on ${isa} with ${threads} threads`, () => assert.equal(train(threads, isa), reference)).timeout(60000);
  }
});
