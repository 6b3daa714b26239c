import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { imageFolder, wavFolder } from '../../lib/index.js';

/** A sound of two samples at 8 kHz. */
function wav(): Buffer {
  const file = Buffer.alloc(48);
  file.write('RIFF\0\0\0\0WAVEfmt ');
  file.writeUInt32LE(40, 4);
  [16, 1 + (1 << 16), 8000, 16000, 2 + (16 << 16)].forEach((value, i) => file.writeUInt32LE(value, 16 + 4 * i));
  file.write('data', 36);
  file.writeUInt32LE(4, 40);
  return file;
}

describe('the classes of a folder', () => {
  let folder: string;
  let png: Buffer;
  const put = async (file: string, content: Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  };
  before(async () => {
    png = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    for (const name of ['cat/more/1', 'emu/2', 'yak/3']) {
      await put(`${name}.png`, png);
      await put(`${name}.wav`, wav());
    }
    await put('none.wav', wav());
    await mkdir(join(folder, 'ant'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const paths = (...names: string[]): string[] => names.map((name) => join(...name.split('/')));

  it('are those of images asked for, in that order, also where the folder lacks some', async () => {
    const classes = ['emu', 'dog', 'cat', 'ant'];
    const { y, classes: named, files } = await imageFolder(folder, { size: 1, classes });
    assert.deepEqual([[...y.data], named, files], [[0, 2], classes, paths('emu/2.png', 'cat/more/1.png')]);
    await assert.rejects(imageFolder(folder, { size: 1, classes: ['dog', 'ant'] }), {
      name: 'FileError',
      message: `imageFolder: expected images in the sub-folders dog, ant of ${folder}, got none.`,
    });
  });
  it('are the sub-folders that sounds lie in', async () => {
    const { y, classes, files } = await wavFolder(folder);
    assert.deepEqual(files, paths('cat/more/1.wav', 'emu/2.wav', 'none.wav', 'yak/3.wav'));
    assert.deepEqual(
      [[...y.data], classes],
      [
        [0, 1, -1, 2],
        ['cat', 'emu', 'yak'],
      ],
    );
  });
  it('are those of sounds asked for', async () => {
    const { y, classes, files, signals } = await wavFolder(folder, { classes: ['emu', 'dog', 'cat'] });
    assert.deepEqual([[...y.data], classes, files], [[2, 0], ['emu', 'dog', 'cat'], paths('cat/more/1.wav', 'emu/2.wav')]);
    assert.equal(signals.length, 2);
    await assert.rejects(wavFolder(folder, { classes: ['dog', 'ant'] }), {
      name: 'FileError',
      message: `wavFolder: expected WAV files in the sub-folders dog, ant of ${folder}, got none.`,
    });
  });
  it('are one where their names differ in the form of their letters alone', async () => {
    const [composed, apart] = ['e\u0301mu'.normalize(), 'e\u0301mu'];
    for (const name of [`${apart}/1`, `${composed}/2`]) {
      await put(`${name}.png`, png);
      await put(`${name}.wav`, wav());
    }
    for (const read of [
      (classes?: readonly string[]) => imageFolder(folder, { size: 1, classes }),
      (classes?: readonly string[]) => wavFolder(folder, { classes }),
    ]) {
      for (const asked of [composed, apart]) {
        const { y, classes, files } = await read(['cat', asked]);
        assert.deepEqual([[...y.data], classes, files.length], [[0, 1, 1], ['cat', asked], 3]);
      }
      await rm(join(folder, 'ant'), { recursive: true, force: true });
      assert.deepEqual((await read()).classes, ['cat', 'emu', 'yak', composed]);
      const message = /expected a list of at least one name, no two alike, for classes/;
      await assert.rejects(read([composed, apart]), { name: 'OptionError', message });
    }
  });
  for (const [classes, got] of [
    [[], '[]'],
    [['a', 'a'], "[ 'a', 'a' ]"],
    ['cat', "'cat'"],
  ] as const)
    it(`are no ${got}`, async () => {
      const message = (what: string): string => `${what}: expected a list of at least one name, no two alike, for classes, got ${got}.`;
      await assert.rejects(imageFolder(folder, { size: 1, classes: classes as never }), {
        name: 'OptionError',
        message: message('imageFolder'),
      });
      await assert.rejects(wavFolder(folder, { classes: classes as never }), { name: 'OptionError', message: message('wavFolder') });
    });
});
