import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { array, readWav, resample, wavFolder } from '../../lib/index.js';
import { checkTurns } from '../support/turns.js';

interface Layout {
  readonly tag?: number;
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly bits?: number;
  readonly frameBytes?: number;
}

const chunk = (id: string, body: Uint8Array): Buffer => {
  const header = Buffer.alloc(8);
  header.write(id, 'latin1');
  header.writeUInt32LE(body.length, 4);
  return Buffer.concat([header, body, Buffer.alloc(body.length % 2)]);
};
const riff = (...chunks: Uint8Array[]): Buffer => {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  return chunk('RIFF', body);
};
function format({ tag = 1, channels = 1, sampleRate = 8000, bits = 16, frameBytes = (channels * bits) / 8 }: Layout = {}): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt16LE(tag, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(sampleRate, 4);
  body.writeUInt32LE((sampleRate * frameBytes) >>> 0, 8);
  body.writeUInt16LE(frameBytes, 12);
  body.writeUInt16LE(bits, 14);
  return body;
}
/** WAVE_FORMAT_EXTENSIBLE with the GUID of an encoding. */
function extended(encoding: number, layout: Layout, tail = '000000001000800000aa00389b71'): Buffer {
  const extension = Buffer.alloc(10);
  extension.writeUInt16LE(22, 0);
  extension.writeUInt16LE(encoding, 8);
  return Buffer.concat([format({ ...layout, tag: 0xfffe }), extension, Buffer.from(tail, 'hex')]);
}
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const wav = (layout: Layout, data: Uint8Array): Buffer => riff(chunk('fmt ', format(layout)), chunk('data', data));
const floats = (...values: number[]): Buffer => Buffer.from(Float32Array.of(...values).buffer);
const doubles = (...values: number[]): Buffer => Buffer.from(Float64Array.of(...values).buffer);
const sizes = (...values: number[]): Buffer => Buffer.from(BigUint64Array.from(values, BigInt).buffer);
/** The file with other bytes at a place. */
const changed = (file: Uint8Array, at: number, hex: string): Buffer =>
  Buffer.concat([file.subarray(0, at), bytes(hex), file.subarray(at + hex.length / 2)]);
/** RF64, whose sizes are in a chunk of their own: of all behind the first 8 bytes, of the samples, and their number. */
function rf64(data: Uint8Array, behind: Uint8Array = bytes(''), file?: number, length: number = data.length): Buffer {
  const long = (all: number): Buffer =>
    riff(chunk('ds64', Buffer.concat([sizes(all, length, 0), bytes('00000000')])), chunk('fmt ', format()), chunk('data', data), behind);
  const whole = long(file ?? long(0).length - 8);
  return changed(changed(whole, 0, `${Buffer.from('RF64').toString('hex')}ffffffff`), whole.indexOf('data') + 4, 'ffffffff');
}
const samples = Int16Array.of(0, 16384, -32768, 32767);
const pcm16 = Buffer.from(samples.buffer);

describe('readWav', () => {
  const whole = wav({}, pcm16);
  const good: readonly (readonly [string, Buffer, readonly number[]])[] = [
    ['8 bits, unsigned', wav({ bits: 8 }, bytes('00 80 c0 ff')), [-1, 0, 0.5, 127 / 128]],
    ['16 bits', wav({}, pcm16), [0, 0.5, -1, 32767 / 32768]],
    ['24 bits', wav({ bits: 24 }, bytes('000000 000040 000080 ffff7f ffffff')), [0, 0.5, -1, 1 - 2 ** -23, -(2 ** -23)]],
    ['32 bits', wav({ bits: 32 }, bytes('00000000 00000040 00000080')), [0, 0.5, -1]],
    ['32-bit floats', wav({ tag: 3, bits: 32 }, floats(0.25, -1.5)), [0.25, -1.5]],
    ['64-bit floats', wav({ tag: 3, bits: 64 }, doubles(0.25, -1.5, 1 / 3)), [0.25, -1.5, Math.fround(1 / 3)]],
    ['A-law', wav({ tag: 6, bits: 8 }, bytes('d5 55 aa 2a c5 45')), [8, -8, 32256, -32256, 264, -264].map((x) => x / 2 ** 15)],
    ['µ-law', wav({ tag: 7, bits: 8 }, bytes('ff 7f 80 00 f0 70')), [0, 0, 32124, -32124, 120, -120].map((x) => x / 2 ** 15)],
    ['a stream without sizes', changed(changed(wav({}, pcm16), 4, 'ffffffff'), 40, 'ffffffff'), [0, 0.5, -1, 32767 / 32768]],
    ['a stream of sox', changed(changed(wav({}, pcm16), 4, '24f0ff7f'), 40, '00f0ff7f'), [0, 0.5, -1, 32767 / 32768]],
    [
      'a stream of sox, of frames that its size is no multiple of',
      changed(wav({ bits: 24 }, bytes('000040 000080')), 40, 'ffefff7f'),
      [0.5, -1],
    ],
    ['a stream of arecord', changed(changed(wav({}, pcm16), 4, '24000080'), 40, '00000080'), [0, 0.5, -1, 32767 / 32768]],
    ['a stream of the npm package wav', changed(changed(wav({}, pcm16), 4, 'bfffffff'), 40, '9bffffff'), [0, 0.5, -1, 32767 / 32768]],
    ...(
      [
        ['zeros', Buffer.alloc(512)],
        ['empty flash memory', Buffer.alloc(512, 0xff)],
        ['fewer bytes than a chunk has', bytes('01020304 050607')],
        ['an ID3 tag', Buffer.concat([Buffer.from('ID3\x04'), Buffer.alloc(20, 7)])],
        ['an older ID3 tag', Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125)])],
        ['a chunk cut off', bytes('4c495354 00010000 01020304')],
        ['a byte and a chunk', Buffer.concat([bytes('07'), chunk('bext', pcm16)])],
        ['zeros and a chunk', Buffer.concat([Buffer.alloc(3), chunk('bext', pcm16)])],
        ['a chunk that few know', chunk('mine', pcm16)],
        ['many zeros and a chunk', Buffer.concat([Buffer.alloc(100_000), chunk('bext', pcm16)])],
      ] as const
    ).map(([what, behind]) => [`${what} behind the samples`, Buffer.concat([whole, behind]), [0, 0.5, -1, 32767 / 32768]] as const),
    [
      'a chunk behind an odd number of bytes',
      riff(chunk('fmt ', format({ bits: 8 })), chunk('data', bytes('80')), chunk('LIST', pcm16)),
      [0],
    ],
    ['RF64', rf64(pcm16), [0, 0.5, -1, 32767 / 32768]],
    ...[200, 199].map((size) => {
      const file = riff(chunk('fmt ', format()), chunk('data', pcm16), chunk('SAUR', Buffer.alloc(size, 65)));
      return [`a chunk that few know of ${size} bytes, cut off`, file.subarray(0, -180), [0, 0.5, -1, 32767 / 32768]] as const;
    }),
    ['RF64, and a chunk behind', rf64(pcm16, chunk('LIST', pcm16)), [0, 0.5, -1, 32767 / 32768]],
    ['RF64 without samples', rf64(bytes('')), []],
    ['an extended format, integers', riff(chunk('fmt ', extended(1, {})), chunk('data', pcm16)), [0, 0.5, -1, 32767 / 32768]],
    ['an extended format, floats', riff(chunk('fmt ', extended(3, { bits: 32 })), chunk('data', floats(0.5))), [0.5]],
    ['other chunks between, one of odd size', riff(chunk('LIST', bytes('010203')), chunk('fmt ', format()), chunk('fact', bytes('00')), chunk('data', pcm16)), [0, 0.5, -1, 32767 / 32768]], // prettier-ignore
    ['an odd number of bytes', wav({ bits: 8 }, bytes('80')), [0]],
    ['no samples', wav({}, bytes('')), []],
    ['no samples, and a chunk behind', riff(chunk('fmt ', format()), chunk('data', bytes('')), chunk('LIST', pcm16)), []],
    ['two channels, mixed', wav({ channels: 2 }, pcm16), [0.25, -1 / 65536]],
  ];
  for (const [what, file, expected] of good) {
    it(what, async () => {
      const { samples: x, sampleRate } = await readWav(file);
      assert.equal(sampleRate, 8000);
      assert.deepEqual([[...x.data], [...x.shape]], [expected, [expected.length]]);
    });
  }
  it('keeps channels apart when asked', async () =>
    assert.deepEqual((await readWav(wav({ channels: 2 }, pcm16), { mono: false })).samples.toNested(), [[0, 0.5], [-1, 32767 / 32768]])); // prettier-ignore

  const broken: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['no bytes', bytes(''), /a file that is no WAV file/],
    ['a text', Buffer.from('RIFX and more text'), /a file that is no WAV file/],
    ['another RIFF file', chunk('RIFF', Buffer.from('AVI LIST')), /a file that is no WAV file/],
    ['a file cut off in its samples', whole.subarray(0, -3), /a file cut off: 8 bytes are announced for the chunk "data", 5 are there/],
    ['a file cut off before its samples', whole.subarray(0, 36), /a WAV file without samples: it is cut off or damaged/],
    [
      'a chunk of 4 GB',
      Buffer.concat([whole.subarray(0, 12), bytes('6a756e6b ffffffff')]),
      /4294967295 bytes are announced for the chunk "junk", 0 are/,
    ],
    ['2 GB that are not there', changed(whole, 40, 'ffefff7f'), /2147479551 bytes are announced for the chunk "data", 8 are there/],
    [
      'a header never finished',
      Buffer.concat([wav({}, bytes('')), pcm16]),
      /a file whose header was never finished: no bytes are announced for the samples, 8 are there/,
    ],
    [
      'a header last renewed before the end',
      Buffer.concat([whole, pcm16, pcm16]),
      /a file whose header was never finished: 8 bytes are announced for the samples, 24 are there/,
    ],
    [
      'a header of which only the size of the file was renewed',
      changed(wav({}, Buffer.concat([pcm16, pcm16, pcm16])), 40, '08'),
      /8 bytes are announced for the samples, 24 are there/,
    ],
    [
      'a header never finished before bytes of sound that are letters',
      Buffer.concat([wav({ bits: 8 }, bytes('')), Buffer.from('sound in 8 bits')]),
      /no bytes are announced for the samples, 15 are there/,
    ],
    [
      'a header last renewed before a long silence',
      Buffer.concat([whole, Buffer.alloc(2 ** 17), pcm16, pcm16]),
      /8 bytes are announced for the samples, 131096 are there/,
    ],
    ['RF64 never finished', rf64(pcm16, bytes(''), 0, 0), /no bytes are announced for the samples, 8 are there/],
    ['RF64 cut off', rf64(pcm16).subarray(0, -2), /8 bytes are announced for the chunk "data", 6 are there/],
    [
      'RF64 of more than there can be',
      rf64(pcm16, bytes(''), 2 ** 53, 2 ** 53),
      /9007199254740992 bytes are announced for the chunk "data"/,
    ],
    ['RF64 with short sizes', riff(chunk('ds64', bytes('00'))), /a chunk "ds64" of 1 bytes where 16 are needed/],
    [
      'a stream cut off in a frame',
      changed(wav({ channels: 2 }, pcm16), 40, 'ffffffff').subarray(0, -2),
      /6 bytes of samples, which is no whole number of frames/,
    ],
    ['a double that float32 does not hold', wav({ tag: 3, bits: 64 }, doubles(1, -1e39)), /the sample -1e\+39 at 1/],
    ['samples before their format', riff(chunk('data', pcm16)), /samples before their format/],
    ['a short format', riff(chunk('fmt ', bytes('0100'))), /a format of 2 bytes where 16 are needed/],
    ['a compressed encoding', wav({ tag: 85 }, pcm16), /samples of encoding 85 with 16 bits where integers of/],
    ['integers of 12 bits', wav({ bits: 12, frameBytes: 2 }, pcm16), /samples of encoding 1 with 12 bits/],
    ['no channels', wav({ channels: 0 }, pcm16), /0 channels at 8000 samples a second/],
    ['no sample rate', wav({ sampleRate: 0 }, pcm16), /1 channels at 0 samples a second/],
    ['frames of another size', wav({ frameBytes: 4 }, pcm16), /4 bytes for 1 samples of 16 bits: the file is damaged/],
    ['half a frame', wav({ channels: 2 }, pcm16.subarray(0, 6)), /6 bytes of samples, which is no whole number of frames: it was cut off/],
    ['a sample that is no number', wav({ tag: 3, bits: 32 }, floats(1, NaN)), /the sample NaN at 1/],
    ['a short extended format', riff(chunk('fmt ', format({ tag: 0xfffe }))), /an extended format of 16 bytes where 40 are needed/],
    ['an extended format of another kind', riff(chunk('fmt ', extended(1, {}, '00'.repeat(14)))), /samples of an unknown extended format/],
  ];
  for (const [what, file, reason] of broken) {
    it(`refuses ${what}`, () =>
      assert.rejects(readWav(file), ({ name, message }: Error) => {
        assert.equal(name, 'FileError');
        assert.ok(message.startsWith('readWav: expected to read the bytes given, got '), message);
        assert.match(message, reason);
        return true;
      }));
  }
  it('refuses every shorter file, and never reads beyond its end', async () => {
    for (let length = 0; length < whole.length; length++) await assert.rejects(readWav(whole.subarray(0, length)), { name: 'FileError' });
  });
  it('gives samples or one error for any damaged byte', async () => {
    for (const file of [whole, rf64(pcm16)]) {
      for (let at = 0; at < file.length; at++) {
        const damaged = file.map((byte, i) => (i === at ? byte ^ 0xff : byte));
        await readWav(damaged).catch(({ name }: Error) => assert.equal(name, 'FileError'));
      }
    }
  });
  const laws: readonly (readonly [string, number, number, number, (e: number) => number])[] = [
    ['A-law', 6, 0xd5, 8, (e) => 2 ** Math.max(4, 3 + e)],
    ['µ-law', 7, 0xff, 0, (e) => 2 ** (3 + e)],
  ];
  for (const [law, tag, least, first, stepOf] of laws) {
    it(`${law} rises in steps that double every 16 codes, and is odd`, async () => {
      const positive = Uint8Array.from({ length: 128 }, (_, i) => least ^ i);
      const x = (await readWav(wav({ tag, bits: 8 }, positive))).samples.data.map((sample) => sample * 2 ** 15);
      let expected = first;
      for (let i = 0; i < 128; i++) {
        assert.equal(x[i], expected, `code ${i}`);
        // Between two segments the step is the mean of theirs.
        expected += (stepOf(Math.floor(i / 16)) + stepOf(Math.floor((i + 1) / 16))) / 2;
      }
      const negative = await readWav(
        wav(
          { tag, bits: 8 },
          positive.map((code) => code ^ 0x80),
        ),
      );
      assert.deepEqual([...negative.samples.data], Array.from(x, (value) => 0 - value / 2 ** 15)); // prettier-ignore
    });
  }
  it('refuses wrong options', () =>
    assert.rejects(readWav(whole, { mono: 1 } as never), {
      name: 'OptionError',
      message: 'readWav: expected true or false for mono, got 1.',
    }));
});

describe('readWav at a sample rate', () => {
  it('keeps channels', async () => {
    const { samples: x, sampleRate } = await readWav(wav({ channels: 2 }, pcm16), { mono: false, sampleRate: 24000 });
    assert.deepEqual([[...x.shape], sampleRate], [[6, 2], 24000]);
    assert.deepEqual(x, resample(array([[0, 0.5], [-1, 32767 / 32768]]), 8000, 24000)); // prettier-ignore
  });
  it('leaves the event loop its turns', async () => {
    const file = wav({ channels: 2, sampleRate: 44100 }, Buffer.alloc(60 * 44100 * 4));
    await checkTurns(() => readWav(file, { sampleRate: 16000 }));
  });
  it('refuses a rate that no sound has', () =>
    assert.rejects(readWav(wav({ sampleRate: 1 }, pcm16), { sampleRate: 16000 }), {
      name: 'FileError',
      message: 'readWav: expected to read the bytes given, got 1 samples a second, too far from the 16000 asked for.',
    }));
  it('refuses other options', () =>
    assert.rejects(readWav(wav({}, pcm16), { sampleRate: 0 }), {
      name: 'OptionError',
      message: 'readWav: expected a whole number ≥ 1 for sampleRate, got 0.',
    }));
});

describe('wavFolder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const put = async (file: string, content: Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  };

  it('gives signals, files and their sample rate in order of their names', async () => {
    await put('b.WAV', wav({}, pcm16));
    await put('a/1.wav', wav({}, pcm16.subarray(0, 4)));
    await put('.hidden/1.wav', bytes('00'));
    await put('notes.txt', bytes('00'));
    const { signals, files, sampleRate } = await wavFolder(folder);
    assert.deepEqual([files, sampleRate], [[join('a', '1.wav'), 'b.WAV'], 8000]);
    assert.deepEqual(signals.map(({ shape }) => [...shape]), [[2], [4]]); // prettier-ignore
  });
  it('follows links to folders', async function () {
    await put('a/1.wav', wav({}, pcm16));
    try {
      await symlink(join(folder, 'a'), join(folder, 'b'), 'junction');
    } catch (error) {
      // Wine has no links.
      if ((error as NodeJS.ErrnoException).code === 'ENOTSUP') this.skip();
      throw error;
    }
    assert.deepEqual((await wavFolder(folder)).files, [join('a', '1.wav'), join('b', '1.wav')]);
  });
  it('names the file whose sample rate differs', async () => {
    await put('a.wav', wav({}, pcm16));
    await put('b.wav', wav({ sampleRate: 16000 }, pcm16));
    await assert.rejects(wavFolder(folder), {
      name: 'FileError',
      message: `wavFolder: expected one sample rate in ${folder}, 8000 as in a.wav, got 16000 in b.wav. Ask for one by { sampleRate: 8000 }.`,
    });
  });
  it('gives all at the sample rate asked for', async () => {
    await put('a.wav', wav({}, pcm16));
    await put('b.wav', wav({ sampleRate: 16000 }, pcm16));
    const { signals, sampleRate } = await wavFolder(folder, { sampleRate: 16000 });
    assert.equal(sampleRate, 16000);
    const x = array(Float32Array.of(0, 0.5, -1, 32767 / 32768));
    assert.deepEqual(signals, [resample(x, 8000, 16000), x]);
  });
  it('names a file that cannot be read, or leaves it out', async () => {
    await put('a.wav', bytes('00'));
    await assert.rejects(wavFolder(folder), {
      name: 'FileError',
      message: `wavFolder: expected to read ${join(folder, 'a.wav')}, got a file that is no WAV file. Repair or remove it, or pass onError: 'skip'.`,
    });
    const error: unknown = await wavFolder(folder).catch((reason: unknown) => reason);
    assert.ok(error instanceof Error && error.cause instanceof Error, String(error));
    await assert.rejects(wavFolder(folder, { onError: 'skip' }), {
      name: 'FileError',
      message: `wavFolder: expected WAV files in ${folder}, got none that can be read.`,
    });
    await put('b.wav', wav({}, pcm16));
    const { signals, files, skipped } = await wavFolder(folder, { onError: 'skip' });
    assert.deepEqual([signals.length, files, skipped], [1, ['b.wav'], [{ file: 'a.wav', reason: 'a file that is no WAV file' }]]);
    await assert.rejects(wavFolder(folder, { onError: 'ignore' as never }), { name: 'OptionError', message: /^wavFolder: expected 'throw' or 'skip' for onError, got 'ignore'\.$/ }); // prettier-ignore
  });
  it('does not wait for a pipe', async function () {
    if (spawnSync('mkfifo', [join(folder, 'a.wav')]).status !== 0) this.skip();
    await assert.rejects(wavFolder(folder), { name: 'FileError', message: /a\.wav, got what is no regular file\./ });
  });
  it('refuses folders without WAV files or that are not there', async () => {
    await assert.rejects(wavFolder(folder), { name: 'FileError', message: `wavFolder: expected WAV files in ${folder}, got none.` });
    await assert.rejects(wavFolder(join(folder, 'none')), {
      name: 'FileError',
      message: /^wavFolder: expected to read .*none, got ENOENT/,
    });
  });
});
