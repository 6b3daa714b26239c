/** Data, inputs and outputs of the wrong kind: what the errors say. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Layer, Linear, type Scope, Sequential, type Tensor, add } from '../../lib/index.js';
import { kindOf } from '../../lib/options.js';
import { zeros } from '../support/problems.js';
import { trainerOf } from '../support/trainer.js';

describe('natural mistakes', () => {
  const model = new Sequential([new Linear(2)]);
  const trainer = trainerOf(model);
  const good = { x: zeros(4, 3), y: zeros(4, 2) };
  const wrong: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    ['fit()', () => trainer.fit(undefined as never), /^fit: expected \{ x, y \} of arrays, or batches as they come, got undefined/],
    ['fit without y', () => trainer.fit({ x: good.x } as never), /^fit: expected \{ x, y \}/],
    [
      'fit of a typed array',
      () => trainer.fit({ x: new Float32Array(1e7), y: good.y } as never),
      /^fit: .* made by array\(\), got Float32Array/,
    ],
    ['fit without values', () => trainer.fit({ x: undefined, y: good.y } as never), /^fit: .* made by array\(\), got undefined/],
    [
      'fit of inputs by name',
      () => trainer.fit({ x: { src: good.x, tgt: good.x }, y: good.y } as never),
      /^fit: expected data made by array\(\), got Object\. Give several inputs as a list, in the order of forward: \[a, b\]\.$/,
    ],
    [
      'fit with weights in a list',
      () => trainer.fit({ ...good, sampleWeight: [1, 1, 1, 1] } as never),
      /^fit: expected sampleWeight made by array\(\), got Array\. Wrap it/,
    ],
    ['fit of a list without batches', () => trainer.fit([undefined] as never), /^fit: expected \{ x, y \} of arrays, got undefined/],
    ['evaluate of a list of arrays', () => trainer.evaluate([good.x] as never), /^evaluate: expected \{ x, y \} of arrays, got NdArray/],
    [
      'fit of a function that gives nothing',
      () => trainer.fit((() => undefined) as never),
      /^fit epoch 1: .* got undefined\. Return a list/,
    ],
    ['fit of an async function', () => trainer.fit((async () => [good]) as never), /^fit epoch 1: .* got Promise\. Return a list/],
    ...(['fit', 'step', 'evaluate'] as const).map(
      (name) =>
        [
          `${name}(x, y)`,
          () => trainer[name](good.x as never, good.y as never),
          new RegExp(`^${name}: expected an object of options after the data, got NdArray\\. Call ${name}\\(\\{ x, y \\}, options\\)\\.$`),
        ] as const,
    ),
    ['fit([x], [[1]])', () => trainer.fit([good.x] as never, [[1]] as never), /got Array\. Call fit\(\{ x, y \}, options\)\.$/],
    ['step()', () => trainer.step(undefined as never), /^step: expected \{ x, y \} of arrays, got undefined/],
    ['evaluate()', () => trainer.evaluate(undefined as never), /^evaluate: expected \{ x, y \}/],
    ['step without x', () => trainer.step({ y: good.y } as never), /^step: expected \{ x, y \}/],
    ['predict()', () => model.predict(undefined as never), /predict: expected data made by array\(\), got undefined/],
    ['predict of options', () => model.predict({} as never), /got Object/],
    ['predict with an unknown option', () => model.predict(good.x, { batchsize: 1 } as never), /^predict: .* got batchsize/],
    ['build with an unknown option', async () => model.build([3], { dtype: 'int32' } as never), /^build: .* got dtype/],
    ['build for an unknown type', async () => model.build([3], { dtypes: ['float16'] } as never), /^build: expected .* for dtypes/],
    ...[5, undefined, null, [[2], 3], [5, [2]], [null], good.x].map(
      (shape) =>
        [
          `build(${inspect(shape)})`,
          async () => model.build(shape as never),
          /^build: expected a list of sizes, or one such list for each input, got .*\. Give the shape of a row, without the batch dimension/,
        ] as const,
    ),
    ['a trainer of a list', async () => trainerOf([new Linear(2)] as never), /^Trainer: expected a layer for model, got Array/],
  ];
  for (const [name, call, message] of wrong) it(name, () => assert.rejects(call, { message }));

  const noTargets: readonly (readonly [unknown, string])[] = [
    ...[
      undefined,
      null,
      7,
      [
        [1, 2],
        [3, 4],
      ],
      Float32Array.of(1, 2),
    ].map(
      (y) =>
        [
          y,
          `expected y made by array(), got ${kindOf(y)}. Wrap it: array(data, shape), or give several targets by name: { a, b }.`,
        ] as const,
    ),
    [
      [good.y, good.y],
      'expected y made by array(), got Array. Put arrays of one shape together by stackRows, or give several targets by name: { a, b }.',
    ],
    ...[
      [zeros(3), zeros(4)],
      [Int32Array.of(1), Int32Array.of(1, 2)],
    ].map(
      (y) =>
        [
          y,
          'expected y made by array(), got Array. Fill sequences up to one length by padSequences, with the ignoreIndex of the loss as value, or give all of it to BucketedBatches.',
        ] as const,
    ),
    [{}, 'expected targets y for MSELoss, whose forward takes them, got none. Give an array, or { a, b } by name.'],
    [{ a: undefined }, 'expected y.a made by array(), got undefined. Wrap it: array(data, shape).'],
  ];
  for (const [y, problem] of noTargets) {
    const data = { x: good.x, y } as never;
    it(`targets ${inspect(y, { depth: 0 })}`, async () => {
      const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['fit', () => trainer.fit(data)],
        ['fit', () => trainer.fit([data])],
        ['fit validation', () => trainer.fit(good, { validation: data })],
        ['fit validation', () => trainer.fit(good, { validation: [data] })],
        ['evaluate', () => trainer.evaluate(data)],
        ['evaluate', () => trainer.evaluate([data])],
        ['step', () => trainer.step(data)],
        // In its turn after another, so that it is copied first.
        [
          'step',
          () => {
            const first = trainer.step(good);
            return trainer.step(data).finally(() => first);
          },
        ],
      ];
      for (const [what, call] of calls) {
        await assert.rejects(call, { name: 'DataError', message: `${what}: ${problem}` });
      }
    });
  }

  class Two extends Layer<[Tensor, Tensor]> {
    forward(a: Tensor, b: Tensor, scope: Scope): Tensor {
      return scope.call('sum', new Linear(2), add(a, b));
    }
  }
  it('too many or too few inputs', async () => {
    await assert.rejects(new Sequential([new Linear(2)]).predict([good.x, good.x]), {
      name: 'ShapeError',
      message: /^Sequential: expected 1 input, got 2/,
    });
    await assert.rejects(new Two().predict(good.x), { name: 'ShapeError', message: /^Two: expected 2 inputs, got 1/ });
  });
  for (const [what, value, advice] of [
    ['undefined', undefined, ''],
    ['Array', [], ' Give several outputs by name: { a, b }.'],
    ['number', 3, ''],
    ['Promise', Promise.resolve(), ' Write it without async.'],
  ] as const) {
    it(`a forward that returns ${what}`, async () => {
      class Odd extends Layer {
        forward(): Tensor {
          return value as never;
        }
      }
      await assert.rejects(new Odd().predict(good.x), {
        name: 'ShapeError',
        message: `Odd: expected forward to return a tensor, or tensors by name, got ${what}.${advice}`,
      });
    });
  }
});
