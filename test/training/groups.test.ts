import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adagrad,
  Adam,
  AdamW,
  CrossEntropyLoss,
  Embedding,
  Flatten,
  Linear,
  type Optimizer,
  type ParameterGroup,
  SGD,
  Sequential,
  Tanh,
  Trainer,
  array,
} from '../../lib/index.js';
import { classProblem } from '../support/problems.js';

const data = classProblem(32, 4, 3);
const net = (): Sequential => new Sequential({ body: new Linear(6), act: new Tanh(), head: new Linear(3) }, { seed: 5 });

interface Setup {
  readonly optimizer: Optimizer;
  readonly groups?: readonly ParameterGroup[];
  readonly clipNorm?: number;
}

function trainerOf(model: Sequential, setup: Setup): Trainer {
  return new Trainer(model, { loss: new CrossEntropyLoss(), ...setup });
}

/** The weights after some steps, by path. */
async function after(setup: Setup, epochs = 1): Promise<ReadonlyMap<string, Float32Array>> {
  const model = net();
  await trainerOf(model, setup).fit(data, { epochs, batchSize: 32 });
  return new Map([...model.weights()].map(([path, value]) => [path, value.data]));
}

describe('parameter groups', () => {
  it('have rates of their own: a step of each parameter is that of a trainer with its rate', async () => {
    const mixed = await after({ optimizer: new SGD({ lr: 0.5 }), groups: [{ parameters: ['body'], optimizer: new SGD({ lr: 0.01 }) }] });
    const slow = await after({ optimizer: new SGD({ lr: 0.01 }) });
    const fast = await after({ optimizer: new SGD({ lr: 0.5 }) });
    for (const [path, values] of mixed) assert.deepEqual(values, (path.startsWith('body') ? slow : fast).get(path), path);
    assert.notDeepEqual(slow, fast);
  });

  it('are chosen by shape: no decay of biases', async () => {
    const decay = { lr: 0.1, weightDecay: 0.5 };
    const mixed = await after({
      optimizer: new AdamW(decay),
      groups: [{ parameters: (_path, shape) => shape.length < 2, optimizer: new AdamW({ ...decay, weightDecay: 0 }) }],
    });
    const all = await after({ optimizer: new AdamW(decay) });
    const none = await after({ optimizer: new AdamW({ ...decay, weightDecay: 0 }) });
    for (const [path, values] of mixed) assert.deepEqual(values, (path.endsWith('bias') ? none : all).get(path), path);
  });

  it('count once: the first that has a parameter', async () => {
    const groups = [
      { parameters: ['body.bias'], optimizer: new SGD({ lr: 0 }) },
      { parameters: ['body'], optimizer: new SGD({ lr: 0.3 }) },
    ];
    const model = net().build([4]);
    const before = model.weights();
    await trainerOf(model, { optimizer: new SGD({ lr: 0 }), groups }).fit(data);
    const moved = [...model.weights()].filter(([path, { data: values }]) => values.some((x, i) => x !== before.get(path)!.data[i]));
    assert.deepEqual(
      moved.map(([path]) => path),
      ['body.weight'],
    );
  });

  it('may follow rules with other state, resumed from a checkpoint to the same bits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
    const setup = (): Setup => ({
      optimizer: new Adam({ lr: (step) => 0.01 / (1 + step) }),
      groups: [
        { parameters: ['body'], optimizer: new SGD({ lr: 0.1, momentum: 0.9 }) },
        { parameters: ['head.bias'], optimizer: new Adagrad({ initialAccumulatorValue: 0.5 }) },
      ],
      clipNorm: 0.5,
    });
    try {
      const straight = await after(setup(), 4);
      const model = net();
      const first = trainerOf(model, setup());
      await first.fit(data, { epochs: 2, batchSize: 32 });
      await first.save(join(folder, 'half'));
      const resumed = net().build([4]);
      const second = trainerOf(resumed, setup());
      await second.load(join(folder, 'half'));
      await second.fit(data, { epochs: 2, batchSize: 32 });
      for (const [path, value] of resumed.weights()) assert.deepEqual(value.data, straight.get(path), path);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('begin their state as their own rule says', async () => {
    const adagrad = (lr: number): Optimizer => new Adagrad({ lr, initialAccumulatorValue: 0.5 });
    const mixed = await after({ optimizer: new SGD({ lr: 0.2 }), groups: [{ parameters: ['head'], optimizer: adagrad(0.3) }] }, 3);
    const frozenBody = await after({ optimizer: adagrad(0.3), groups: [{ parameters: ['body'], optimizer: new SGD({ lr: 0.2 }) }] }, 3);
    assert.deepEqual(mixed, frozenBody);
  });

  it('hold for tables of which a step touches some rows', async () => {
    const ids = array(Int32Array.from({ length: 32 }, (_, i) => i % 3), [16, 2]); // prettier-ignore
    const y = array(Int32Array.from({ length: 16 }, (_, i) => i % 3));
    const model = new Sequential({ table: new Embedding(1000, 4), flat: new Flatten(), head: new Linear(3) }, { seed: 1 });
    model.build([2], { dtypes: ['int32'] });
    const before = model.weights();
    const groups = [{ parameters: ['table'], optimizer: new SGD({ lr: 0.5 }) }];
    await trainerOf(model, { optimizer: new SGD({ lr: 0 }), groups }).fit({ x: ids, y });
    const [old, now] = [before, model.weights()].map((weights) => weights.get('table.weight')!.data) as [Float32Array, Float32Array];
    assert.notDeepEqual(now.subarray(0, 12), old.subarray(0, 12));
    assert.deepEqual(now.subarray(12), old.subarray(12));
    assert.deepEqual(model.weights().get('head.weight'), before.get('head.weight'));
  });

  for (const [what, groups, message] of [
    [
      'a path that is none',
      [{ parameters: ['boddy'], optimizer: new SGD() }],
      'Trainer: expected paths of layers or parameters among "body.weight", "body.bias", "head.weight", "head.bias" for groups, got "boddy".',
    ],
    [
      'a choice that takes none',
      [{ parameters: () => false, optimizer: new SGD() }],
      'Trainer: expected parameters in each of groups, got a choice that takes none.',
    ],
  ] as const) {
    it(`refuse ${what}, and the model stays as it was`, async () => {
      const model = net();
      await assert.rejects(trainerOf(model, { optimizer: new SGD(), groups }).fit(data), { name: 'OptionError', message });
      assert.throws(() => model.weights(), { name: 'StateError' });
    });
  }

  it('refuse what is no group', () => {
    for (const groups of [{}, [{}], [{ parameters: ['body'] }], [{ parameters: 'body', optimizer: new SGD() }]]) {
      assert.throws(() => trainerOf(net(), { optimizer: new SGD(), groups: groups as never }), {
        name: 'OptionError',
        message:
          /^Trainer: expected a list, each { parameters, optimizer }, a list of paths or a function of path and shape, and an Optimizer for groups, got/,
      });
    }
  });

  it('refuse options that are none, such as a rate beside the optimizer', () => {
    const groups = [{ parameters: ['body'], optimizer: new SGD(), lr: 1e-5 }];
    assert.throws(() => trainerOf(net(), { optimizer: new SGD(), groups }), {
      name: 'OptionError',
      message: 'Trainer groups: expected options among parameters, optimizer, got lr.',
    });
  });

  it('are refused where they update nothing, by what they are', async () => {
    const one = { parameters: ['body'], optimizer: new SGD({ lr: 0.3 }) };
    const again = { parameters: ['body.weight'], optimizer: new SGD({ lr: 0.1 }) };
    const message = (i: number, paths: string): string =>
      `Trainer: expected parameters to update in each of groups, got only those frozen or in a group before it in groups[${i}]: ${paths}. Leave it out, or put it first.`;
    const refused = async (groups: readonly ParameterGroup[], frozen: readonly string[], text: string): Promise<void> => {
      const trainer = new Trainer(net(), { loss: new CrossEntropyLoss(), optimizer: new SGD(), groups, frozen });
      await assert.rejects(trainer.fit(data), { name: 'OptionError', message: text });
    };
    await refused([one, again], [], message(1, '"body.weight"'));
    await refused([one], ['body'], message(0, '"body.weight", "body.bias"'));
    await refused([again, one], ['body.bias'], message(1, '"body.weight", "body.bias"'));
    await new Trainer(net(), { loss: new CrossEntropyLoss(), optimizer: new SGD(), groups: [one], frozen: ['body.bias'] }).fit(data);
  });
});
