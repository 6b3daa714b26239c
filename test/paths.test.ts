/** Where files lie: paths, and URLs of files. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  Linear,
  MSELoss,
  type NdArray,
  type Path,
  SGD,
  SaveBest,
  Trainer,
  Vocabulary,
  array,
  imageFolder,
  readCsv,
  readIdx,
  readSafetensors,
  readWav,
  wavFolder,
  writeSafetensors,
} from '../lib/index.js';

const wrong: readonly (readonly [unknown, string])[] = [
  ['', "''"],
  [undefined, 'undefined'],
  [7, '7'],
  [new URL('https://example.org/model'), 'URL'],
  [new URL('file:///a%2Fb'), 'URL'],
];
const model = (): Linear => new Linear(1).build([2]);
const trainer = (): Trainer => new Trainer(model(), { loss: new MSELoss(), optimizer: new SGD() });
const weights: ReadonlyMap<string, NdArray> = new Map([['a', array([1, 2])]]);
const size = [8, 8] as const;

/** All that take a path, and what they call it. */
const takers: readonly (readonly [string, string, (path: Path) => unknown])[] = [
  ['save', 'path', (path) => model().save(path)],
  ['load', 'path', (path) => model().load(path)],
  ['Trainer.save', 'path', (path) => trainer().save(path)],
  ['Trainer.load', 'path', (path) => trainer().load(path)],
  ['writeSafetensors', 'path', (path) => writeSafetensors(path, weights)],
  ['readSafetensors', 'path', (path) => readSafetensors(path)],
  ['Vocabulary.save', 'path', (path) => Vocabulary.from('abc').save(path)],
  ['Vocabulary.load', 'path', (path) => Vocabulary.load(path)],
  ['SaveBest', 'path', (path) => new SaveBest(path)],
  ['imageFolder', 'directory', (path) => imageFolder(path, { size })],
  ['wavFolder', 'directory', (path) => wavFolder(path)],
  ['readIdx', 'file', (path) => readIdx(path)],
  ['readWav', 'file', (path) => readWav(path)],
  ['readCsv', 'file', (path) => readCsv(path)],
];

describe('paths', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise ü %20 '));
  });
  after(() => rm(folder, { recursive: true }));

  for (const [name, argument, take] of takers) {
    it(`${name} refuses what is none`, async () => {
      for (const [path, got] of wrong) {
        await assert.rejects(
          async () => take(path as Path),
          (error: Error) => {
            assert.equal(error.name, 'OptionError');
            assert.ok(
              error.message.startsWith(`${name}: expected a path`) && error.message.includes(` for ${argument}, got `),
              error.message,
            );
            assert.ok(error.message.includes(got), error.message);
            return true;
          },
        );
      }
    });
  }
  it('may be URLs of files', async () => {
    const at = (name: string): URL => pathToFileURL(join(folder, name));
    const saved = model();
    await saved.save(at('model'));
    assert.deepEqual((await new Linear(1).load(join(folder, 'model'))).weights(), saved.weights());
    assert.deepEqual((await model().load(at('model'))).weights(), saved.weights());
    await trainer().save(at('trainer'));
    await trainer().load(at('trainer'));
    await writeSafetensors(at('tensors'), weights);
    assert.deepEqual((await readSafetensors(at('tensors'))).tensors, weights);
    await Vocabulary.from('abc').save(at('vocabulary'));
    assert.deepEqual((await Vocabulary.load(at('vocabulary'))).tokens, Vocabulary.from('abc').tokens);
    assert.equal(new SaveBest(at('best')).path, join(folder, 'best'));
    await writeFile(at('numbers.idx'), Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 6));
    assert.deepEqual([...(await readIdx(at('numbers.idx'))).data], [5, 6]);
    await writeFile(at('table.csv'), 'a,b\n1,2\n');
    assert.deepEqual([...(await readCsv(at('table.csv'))).data.data], [1, 2]);
    await mkdir(at('empty'));
    const none = { name: 'FileError', message: /, got none/ };
    await assert.rejects(wavFolder(at('empty')), none);
    await assert.rejects(imageFolder(at('empty'), { size }), none);
    await assert.rejects(readWav(at('missing.wav')), { name: 'FileError', message: /missing\.wav, got ENOENT/ });
  });
});
