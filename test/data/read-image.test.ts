import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { imageFolder, readImage } from '../../lib/index.js';

describe('readImage', () => {
  const noise = sharp({ create: { width: 32, height: 24, channels: 3, background: 'black', noise: { type: 'gaussian', mean: 128, sigma: 40 } } }); // prettier-ignore
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    await mkdir(join(folder, 'one'));
    path = join(folder, 'one', 'a.png');
  });
  afterEach(() => rm(folder, { recursive: true }));

  for (const channels of [1, 3, 4] as const) {
    it(`gives what imageFolder gives, ${channels} channels`, async () => {
      const content = await noise.clone().ensureAlpha(0.5).png().toBuffer();
      await writeFile(path, content);
      for (const size of [8, [24, 32], [5, 9]] as const) {
        const { x } = await imageFolder(folder, { size, channels });
        for (const image of [await readImage(path, { size, channels }), await readImage(content, { size, channels })])
          assert.deepEqual([[1, ...image.shape], image.data], [[...x.shape], x.data]);
      }
    });
  }
  it('reads files of as many pixels as asked for, and none of more', async () => {
    const content = await noise.clone().ensureAlpha(0.5).png().toBuffer();
    for (const channels of [3, 4] as const) {
      assert.deepEqual((await readImage(content, { size: 30, channels, maxPixels: 24 * 32 })).shape, [30, 30, channels]);
      await assert.rejects(readImage(content, { size: 8, channels, maxPixels: 24 * 32 - 1 }), {
        name: 'FileError',
        message:
          'readImage: expected to read the bytes given, got an image of more pixels than maxPixels, 767: pass a larger one to read it.',
      });
    }
  });
  it('names what it cannot read', async () => {
    await assert.rejects(readImage(Buffer.from('no image'), { size: 8 }), {
      name: 'FileError',
      message: 'readImage: expected to read the bytes given, got no image, or one of a format that sharp does not read.',
    });
    await assert.rejects(readImage(path, { size: 8 }), { name: 'FileError', message: /^readImage: expected to read .*a\.png, got ENOENT/ });
  });
  it('refuses wrong options', async () => {
    await assert.rejects(readImage(path, {} as never), {
      name: 'OptionError',
      message: /^readImage: expected .* for size, got undefined\.$/,
    });
    await assert.rejects(readImage(7 as never, { size: 8 }), {
      name: 'OptionError',
      message: /^readImage: expected a path, .* for file, got 7\.$/,
    });
  });
});
