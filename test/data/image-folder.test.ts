import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { imageFolder, type ImageFolderOptions } from '../../lib/index.js';
import { imageDecoder } from '../../lib/data/decode-image.js';

type Colour = readonly [number, number, number];
const red: Colour = [255, 0, 0];
const blue: Colour = [0, 0, 255];

const picture = ([r, g, b]: Colour, width = 4, height = 3): Sharp =>
  sharp({ create: { width, height, channels: 3, background: { r, g, b } } });
/** Noise, so that its bytes are many. */
const noise = (): Sharp =>
  sharp({ create: { width: 32, height: 32, channels: 3, background: 'black', noise: { type: 'gaussian', mean: 128, sigma: 40 } } });

/** One grey pixel of `bits` bits, whose kind is that of SampleFormat in TIFF 6.0. */
function tiff(bits: number, kind: number): Buffer {
  const tags = [[256, 1], [257, 1], [258, bits], [259, 1], [262, 1], [273, 8], [277, 1], [278, 1], [279, bits / 8], [339, kind]]; // prettier-ignore
  const file = Buffer.alloc(16 + 2 + 12 * tags.length + 4);
  file.write('II*\0');
  file.writeUInt32LE(16, 4);
  file.writeUInt16LE(tags.length, 16);
  tags.forEach(([tag, value], i) => {
    const at = 18 + 12 * i;
    file.writeUInt16LE(tag!, at);
    file.writeUInt16LE(4, at + 2);
    file.writeUInt32LE(1, at + 4);
    file.writeUInt32LE(value!, at + 8);
  });
  return file;
}

describe('imageFolder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const put = async (file: string, bytes: Uint8Array | string): Promise<void> => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), bytes);
  };
  const good = async (): Promise<void> => {
    await put('cat/b.png', await picture(red).png().toBuffer());
    await put('cat/more/a.png', await picture(blue).png().toBuffer());
    await put('ant/z.jpg', await picture([128, 128, 128], 16, 16).jpeg({ quality: 100 }).toBuffer());
    await put('cat/.hidden', 'no image');
    await put('notes.txt', 'no image, and in no class');
  };

  it('gives pixels, class ids, class names and files in order of their names', async () => {
    await good();
    const { x, y, classes, files, skipped } = await imageFolder(folder, { size: [2, 3] });
    assert.deepEqual([...x.shape], [3, 2, 3, 3]);
    assert.ok(x.data instanceof Uint8Array);
    assert.deepEqual(classes, ['ant', 'cat']);
    assert.deepEqual(files, [join('ant', 'z.jpg'), join('cat', 'b.png'), join('cat', 'more', 'a.png')]);
    assert.deepEqual(y.data, Int32Array.of(0, 1, 1));
    const all = (colour: Colour): number[] => Array.from({ length: 18 }, (_, i) => colour[i % 3]!);
    assert.deepEqual([...x.data], [...all([128, 128, 128]), ...all(red), ...all(blue)]);
    assert.deepEqual(skipped, []);
  });
  it('gives grey and opacity when asked', async () => {
    await put('one/grey.png', await picture([90, 90, 90]).png().toBuffer());
    assert.deepEqual([...(await imageFolder(folder, { size: 1, channels: 1 })).x.data], [90]);
    assert.deepEqual([...(await imageFolder(folder, { size: 1, channels: 4 })).x.data], [90, 90, 90, 255]);
    await put('one/grey.png', await picture([90, 90, 90]).toColourspace('b-w').png().toBuffer());
    assert.deepEqual([...(await imageFolder(folder, { size: 1, channels: 3 })).x.data], [90, 90, 90]);
    await put('one/grey.png', await picture(red).ensureAlpha(0.5).png().toBuffer());
    assert.deepEqual([...(await imageFolder(folder, { size: 1 })).x.data], red);
  });
  it('gives the greys of PIL and OpenCV', async () => {
    for (const [colour, grey] of [
      [red, 76],
      [[0, 255, 0], 150],
      [blue, 29],
      [[12, 200, 99], 132],
    ] as const) {
      await put('one/a.png', await picture(colour).png().toBuffer());
      assert.deepEqual([...(await imageFolder(folder, { size: 1, channels: 1 })).x.data], [grey]);
    }
    await put('one/a.png', await picture(red).ensureAlpha(0.5).png().toBuffer());
    assert.deepEqual([...(await imageFolder(folder, { size: 1, channels: 1 })).x.data], [76]);
    await put('one/a.png', await picture([90, 90, 90]).toColourspace('grey16').png().toBuffer());
    assert.deepEqual([...(await imageFolder(folder, { size: 1, channels: 1 })).x.data], [90]);
  });
  for (const [channels, expected] of [
    [1, [249]],
    [3, [250, 249, 248]],
    [4, [0, 0, 0, 0]],
  ] as const) {
    it(`gives the same ${channels} channels of what is transparent, whatever the size of the file`, async () => {
      for (const scale of [1, 8]) {
        await put(
          'one/a.png',
          await picture([250, 249, 248], 2 * scale, scale)
            .ensureAlpha(0)
            .png()
            .toBuffer(),
        );
        assert.deepEqual([...(await imageFolder(folder, { size: [1, 2], channels })).x.data], [...expected, ...expected]);
      }
    });
  }
  it('reads WebP, GIF and TIFF, and passes over what has no name of an image', async () => {
    await put('one/a.webp', await picture(red).webp({ lossless: true }).toBuffer());
    await put('one/b.GIF', await picture(blue).gif().toBuffer());
    await put('one/c.tiff', await picture(red).tiff({ compression: 'lzw' }).toBuffer());
    await put('one/Thumbs.db', 'no image');
    await put('one/notes.txt', 'no image');
    await put('one/png', 'no image');
    const { x, files, skipped } = await imageFolder(folder, { size: 1 });
    assert.deepEqual(files, ['a.webp', 'b.GIF', 'c.tiff'].map((file) => join('one', file))); // prettier-ignore
    assert.deepEqual([[...x.data], skipped], [[...red, ...blue, ...red], []]);
  });
  it('turns photographs upright', async () => {
    const lying = sharp(Buffer.from([...red, ...blue]), { raw: { width: 2, height: 1, channels: 3 } }).withMetadata({ orientation: 6 });
    await put('one/a.png', await lying.png().toBuffer());
    assert.deepEqual([...(await imageFolder(folder, { size: [2, 1] })).x.data], [...red, ...blue]);
    await put('one/a.png', await lying.withMetadata({ orientation: 8 }).png().toBuffer());
    assert.deepEqual([...(await imageFolder(folder, { size: [2, 1] })).x.data], [...blue, ...red]);
  });
  it('decodes many files a few at a time and keeps their places', async () => {
    for (let i = 0; i < 30; i++) await put(`${i % 3}/${String(i).padStart(2, '0')}.png`, await picture([i, 0, 0]).png().toBuffer());
    const { x, files } = await imageFolder(folder, { size: 1 });
    files.forEach((file, i) => assert.equal(x.data[3 * i], Number(/(\d+)\.png/.exec(file)![1])));
  });

  it('follows links to folders, as classes and inside of them', async () => {
    await put('cat/a.png', await picture(red).png().toBuffer());
    await symlink(join(folder, 'cat'), join(folder, 'dog'), 'junction');
    await mkdir(join(folder, 'fox'));
    await symlink(join(folder, 'cat'), join(folder, 'fox', 'more'), 'junction');
    const { classes, files } = await imageFolder(folder, { size: 1 });
    assert.deepEqual(classes, ['cat', 'dog', 'fox']);
    assert.deepEqual(files, [join('cat', 'a.png'), join('dog', 'a.png'), join('fox', 'more', 'a.png')]);
    await symlink(folder, join(folder, 'fox', 'round'), 'junction');
    await assert.rejects(imageFolder(folder, { size: 1 }), { name: 'FileError', message: /^imageFolder: expected to read .*, got a link at .*round.* to a directory that it lies in\.$/ }); // prettier-ignore
  });
  it('refuses a class that is a link that leads nowhere, and names an image that is one', async () => {
    await put('cat/a.png', await picture(red).png().toBuffer());
    await symlink(join(folder, 'nowhere'), join(folder, 'cat', 'b.png'), 'junction');
    const { files, skipped } = await imageFolder(folder, { size: 1, onError: 'skip' });
    assert.deepEqual([files, skipped.map(({ file }) => file)], [[join('cat', 'a.png')], [join('cat', 'b.png')]]);
    assert.match(skipped[0]!.reason, /ENOENT/);
    await symlink(join(folder, 'nowhere'), join(folder, 'ant'), 'junction');
    await assert.rejects(imageFolder(folder, { size: 1, onError: 'skip' }), {
      name: 'FileError',
      message: `imageFolder: expected sub-folders or links to them in ${folder}, got the link ant, which leads nowhere. Remove or repair it.`,
    });
  });
  it('does not wait for a pipe', async function () {
    await put('cat/a.png', await picture(red).png().toBuffer());
    if (spawnSync('mkfifo', [join(folder, 'cat', 'b.png')]).status !== 0) this.skip();
    assert.deepEqual((await imageFolder(folder, { size: 1, onError: 'skip' })).skipped, [
      { file: join('cat', 'b.png'), reason: 'what is no regular file' },
    ]);
  });
  it('reads a photograph that its decoder only warns of', async () => {
    const file = await picture(red, 16, 16).jpeg().toBuffer();
    const scan = file.indexOf(Buffer.from([0xff, 0xda]));
    // The first coefficient of a sequential scan is 0; some cameras write another.
    file[scan + 2 + file.readUInt16BE(scan + 2) - 3] = 1;
    await put('one/a.jpg', file);
    assert.equal((await imageFolder(folder, { size: 1 })).files.length, 1);
  });
  it('gives each of several broken files its own reason', async () => {
    await good();
    const content = [noise().jpeg().toBuffer().then((bytes) => bytes.subarray(0, 600)), noise().png().toBuffer().then((bytes) => bytes.subarray(0, 600)), noise().webp().toBuffer().then((bytes) => bytes.subarray(0, bytes.length >> 1))]; // prettier-ignore
    for (const [i, bytes] of (await Promise.all(content)).entries())
      for (let copy = 0; copy < 4; copy++) await put(`cat/${4 * copy + i}.png`, bytes);
    const { skipped } = await imageFolder(folder, { size: 2, onError: 'skip' });
    assert.equal(skipped.length, 12);
    for (const { file, reason } of skipped) {
      const expected = [/JPEG image/, /PNG without its end/, /webp/][Number(/(\d+)\.png/.exec(file)![1]) % 4]!;
      assert.match(reason, expected);
    }
  });
  it('refuses a size beyond that of the images sharp reads', () =>
    assert.rejects(imageFolder(folder, { size: 2 ** 28 }), {
      name: 'OptionError',
      message: /^imageFolder: expected .*, of at most 268402689 pixels, for size, got 268435456\.$/,
    }));

  const jpeg = async (): Promise<Uint8Array> => noise().jpeg().toBuffer();
  const png = async (): Promise<Uint8Array> => noise().png().toBuffer();
  const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length >> 1);
  const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 0xff : byte));
  const broken: readonly (readonly [string, () => Promise<Uint8Array>, RegExp])[] = [
    ['a JPEG cut in half', async () => (await jpeg()).subarray(0, 600), /an image that is damaged or cut off/],
    ['a PNG cut in half', async () => (await png()).subarray(0, 600), /an image that is damaged or cut off/],
    ['a PNG without its end', async () => (await png()).subarray(0, -12), /an image that is damaged or cut off \(a PNG without its end\)/],
    ['a PNG whose end is cut off', async () => (await png()).subarray(0, -1), /an image that is damaged or cut off/],
    ['a PNG with a damaged byte', async () => flipped(await png()), /an image that is damaged or cut off/],
    ['a WebP cut in half', async () => half(await noise().webp().toBuffer()), /an image that is damaged or cut off/],
    ['a GIF cut in half', async () => half(await noise().gif().toBuffer()), /an image that is damaged or cut off/],
    ['a TIFF cut in half', async () => half(await noise().tiff().toBuffer()), /no image, or one of a format that sharp does not read/],
    [
      'a bitmap',
      () => Promise.resolve(Buffer.concat([Buffer.from('BM'), Buffer.alloc(100)])),
      /of a format that sharp does not read$|read\./,
    ],
    [
      'an image of too many pixels',
      () => Promise.resolve(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="12000" height="10001"/>')),
      /an image of more pixels than maxPixels, 120000000: pass a larger one to read it/,
    ],
    [
      'a TIFF of floats',
      () => Promise.resolve(tiff(32, 3)),
      /an image of float samples, whose range is not known: convert it to 8 or 16 bits/,
    ],
    ['a TIFF of 32-bit integers', () => Promise.resolve(tiff(32, 1)), /an image of uint samples/],
    ['a text', () => Promise.resolve(new TextEncoder().encode('no image')), /no image, or one of a format that sharp does not read/],
    ['an empty file', () => Promise.resolve(new Uint8Array()), /an empty file/],
  ];
  for (const [what, bytes, reason] of broken) {
    it(`names ${what}, or leaves it out`, async () => {
      await good();
      await put('cat/broken.png', await bytes());
      await assert.rejects(imageFolder(folder, { size: 2 }), ({ name, message }: Error) => {
        assert.equal(name, 'FileError');
        assert.ok(message.startsWith(`imageFolder: expected to read ${join(folder, 'cat', 'broken.png')}, got `), message);
        assert.match(message, reason);
        assert.ok(message.endsWith(". Repair, convert or remove it, or pass onError: 'skip'."), message);
        return true;
      });
      const { x, y, files, skipped } = await imageFolder(folder, { size: 2, onError: 'skip' });
      assert.deepEqual([x.shape[0], [...y.data], files.length], [3, [0, 1, 1], 3]);
      assert.deepEqual([...x.data.subarray(12, 15), ...x.data.subarray(24, 27)], [...red, ...blue]);
      assert.equal(skipped.length, 1);
      assert.equal(skipped[0]!.file, join('cat', 'broken.png'));
      assert.match(skipped[0]!.reason, reason);
    });
  }

  it('says how to install sharp where it is missing', () =>
    assert.rejects(
      imageDecoder('imageFolder', { size: 1 }, () => Promise.reject(new Error("Cannot find package 'sharp'"))),
      {
        name: 'StateError',
        message:
          "imageFolder: expected the package sharp to decode images, got Cannot find package 'sharp'. Install it: npm install sharp.",
      },
    ));
  it('refuses folders without classes, without images, or that are not there', async () => {
    const refuses = (message: RegExp, options: ImageFolderOptions = { size: 1 }): Promise<void> =>
      assert.rejects(imageFolder(folder, options), { name: 'FileError', message });
    await refuses(/^imageFolder: expected one sub-folder for each class in .*, got none\.$/);
    await mkdir(join(folder, 'empty'));
    await refuses(/^imageFolder: expected images in each sub-folder of .*, got none in empty\.$/);
    await put('empty/a.png', 'no image');
    await refuses(/^imageFolder: expected images in .*, got none that can be read\.$/, { size: 1, onError: 'skip' });
    await assert.rejects(imageFolder(join(folder, 'missing'), { size: 1 }), {
      name: 'FileError',
      message: /expected to read .*missing, got ENOENT/,
    });
  });

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{}, /a whole number ≥ 1 or a list of 2, each a whole number ≥ 1, of at most 268402689 pixels, for size, got undefined/],
    [{ size: [2, 0] }, /for size, got \[ 2, 0 \]/],
    [{ size: 2, channels: 2 }, /expected 1, 3 or 4 for channels, got 2/],
    [{ size: 2, maxPixels: 0 }, /expected a whole number ≥ 1 for maxPixels, got 0/],
    [{ size: 2, onError: 'ignore' }, /expected 'throw' or 'skip' for onError, got 'ignore'/],
  ];
  for (const [options, message] of wrong) {
    it(message.source, () => assert.rejects(imageFolder('nowhere', options as ImageFolderOptions), { name: 'OptionError', message }));
  }
});
