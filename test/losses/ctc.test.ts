import assert from 'node:assert/strict';
import {
  Adam,
  CTCLoss,
  type CTCLossOptions,
  GRU,
  Linear,
  type NdArray,
  Philox,
  SGD,
  Sequential,
  type Tensor,
  Trainer,
  array,
  compile,
  ctcDecode,
  errorRate,
  getThreads,
  gradients,
  setThreads,
} from '../../lib/index.js';
import { sample } from '../support/check-op.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';
import { passing } from '../support/pass.js';

interface Fixture {
  readonly blank: number;
  readonly reduction: 'mean' | 'sum';
  readonly logits: Packed;
  readonly labels: Packed;
  readonly lengths?: Packed;
  readonly value: number;
  readonly dlogits: Packed;
}

/** Up to twelve frames of some eight roundings, before and behind a state. */
const ulps = 256;

describe('CTCLoss against PyTorch', () => {
  for (const { blank, reduction, logits, labels, lengths, value, dlogits } of readFixture<readonly Fixture[]>('ctc')) {
    it(`logits [${logits.shape.join(', ')}]${lengths ? ', lengths' : ''}, ${reduction}`, () => {
      const loss = new CTCLoss({ blank, reduction, zeroInfinity: true });
      loss.validate(lengths ? { labels: unpack(labels), lengths: unpack(lengths) } : unpack(labels), logits.shape);
      const f = compile((x: Tensor, y: Tensor, n: Tensor) => {
        const out = loss.forward(x, lengths ? { labels: y, lengths: n } : y);
        return [out, gradients(out, [x])[0]!] as const;
      });
      const [out, slopes] = f.sync(unpack(logits), unpack(labels), lengths ? unpack(lengths) : array(new Int32Array(1)));
      assertClose(out, { shape: [], data: [value] }, ulps, 'value');
      assertClose(slopes, dlogits, ulps, 'gradient');
    });
  }
});

const logits = sample([4, 5, 3], 1);
const labels = array(Int32Array.of(1, 2, 2, 2, 1, -1, -1, -1), [4, 2]);
const lengths = array(Int32Array.of(5, 3, 2, 1));

describe('CTCLoss', () => {
  it('has the mean of its rows over batches of any size, weights of rows among them', async () => {
    const trainer = passing(new CTCLoss(), []);
    const sampleWeight = array(Float32Array.of(1, 0, 3, 2));
    for (const more of [{}, { sampleWeight }]) {
      const data = { x: logits, y: { labels, lengths }, ...more };
      const { loss } = await trainer.evaluate(data, { batchSize: 4 });
      for (const batchSize of [1, 2, 3]) assert.ok(Math.abs((await trainer.evaluate(data, { batchSize })).loss - loss) < 1e-6 * loss);
    }
    const often = {
      x: array(
        [0, 2, 2, 2, 3, 3].flatMap((i) => [...logits.rows(i, i + 1).data]),
        [6, 5, 3],
      ),
    };
    const rows = (of: NdArray): NdArray => array(Int32Array.from([0, 2, 2, 2, 3, 3].flatMap((i) => [...of.rows(i, i + 1).data])), [6, ...of.shape.slice(1)]); // prettier-ignore
    const repeated = await trainer.evaluate({
      x: array(Float32Array.from(often.x.data), [6, 5, 3]),
      y: { labels: rows(labels), lengths: rows(lengths) },
    });
    const weighted = await trainer.evaluate({ x: logits, y: { labels, lengths }, sampleWeight });
    assert.ok(Math.abs(repeated.loss - weighted.loss) < 1e-6 * weighted.loss);
  });
  it('counts rows of too few frames 0 with zeroInfinity, and refuses them without', async () => {
    const y = { labels, lengths: array(Int32Array.of(5, 2, 2, 1)) };
    const [whole, without] = [
      passing(new CTCLoss({ zeroInfinity: true, reduction: 'sum' }), []),
      passing(new CTCLoss({ reduction: 'sum' }), []),
    ];
    const others = { x: array([...logits.rows(0, 1).data, ...logits.rows(2, 4).data], [3, 5, 3]), y: { labels: array(Int32Array.of(1, 2, 1, -1, -1, -1), [3, 2]), lengths: array(Int32Array.of(5, 2, 1)) } }; // prettier-ignore
    const [all, some] = [
      await whole.evaluate({ x: logits, y }),
      await without.evaluate({ ...others, x: array(Float32Array.from(others.x.data), [3, 5, 3]) }),
    ];
    assert.ok(Math.abs(all.loss - some.loss) < 1e-5);
    await assert.rejects(without.evaluate({ x: logits, y }), {
      name: 'DataError',
      message: /CTCLoss: expected 3 frames at least for the labels of row 1, one each and a blank between equal ones, got 2\./,
    });
  });
  const refused: readonly (readonly [string, CTCLossOptions, object, RegExp])[] = [
    [
      'the blank as a label',
      {},
      array(Int32Array.of(1, 2, 0, 1, 1, -1, -1, -1), [4, 2]),
      /expected labels 0 … 2 but the blank 0, and −1 behind the last of a row, got 0 at row 1 \[0\]/,
    ],
    ['labels that are no classes', {}, array(Int32Array.of(1, 2, 3, 1, 1, -1, -1, -1), [4, 2]), /got 3 at row 1 \[0\]/],
    ['labels behind −1', {}, array(Int32Array.of(1, 2, -1, 1, 1, -1, -1, -1), [4, 2]), /got 1 at row 1 \[1\]/],
    [
      'lengths beyond the frames',
      {},
      { labels, lengths: array(Int32Array.of(5, 3, 6, 1)) },
      /expected lengths 1 … 5, the frames that the model gives, got 6 at row 2/,
    ],
    [
      'labels of one dimension',
      {},
      array(Int32Array.of(1, 2, 1, 2)),
      /CTCLoss: expected logits \[N, T, C\] and labels \[N, S\], got \[4, 5, 3\] and \[4\]/,
    ],
    [
      'a blank beyond the classes',
      { blank: 3 },
      array(Int32Array.of(1, 2, 1, 2, 1, -1, -1, -1), [4, 2]),
      /CTCLoss: expected a class 0 … 2 for blank, got 3\.$/,
    ],
    [
      'lengths by another name',
      {},
      { labels, length: lengths },
      /CTCLoss: expected labels, or { labels, lengths }, for y, got { labels, length }\.$/,
    ],
    [
      'labels by another name',
      {},
      { targets: labels, lengths },
      /CTCLoss: expected labels, or { labels, lengths }, for y, got { targets, lengths }\.$/,
    ],
  ];
  for (const [what, options, y, message] of refused) {
    it(`refuses ${what}`, () => assert.rejects(passing(new CTCLoss(options), []).evaluate({ x: logits, y: y as NdArray }), { message }));
  }
  it('refuses targets by other names before anything is computed', () => {
    const message = 'CTCLoss: expected labels, or { labels, lengths }, for y, got { labels, length }.';
    assert.throws(() => new CTCLoss().validate({ labels, length: lengths } as never, [4, 5, 3]), { name: 'DataError', message });
  });
  it('refuses options', () => {
    assert.throws(() => new CTCLoss({ blank: -1 }), {
      name: 'OptionError',
      message: 'CTCLoss: expected a whole number ≥ 0 for blank, got -1.',
    });
  });

  it('learns to read: frames of noise in which three kinds of tones come for as long as they like', async () => {
    const random = new Philox(3);
    const [rows, t, width, kinds] = [160, 24, 4, 3] as const;
    const x = random.normal(rows * t * kinds, 0, 0.3);
    const y = new Int32Array(rows * width).fill(-1);
    const frames = new Int32Array(rows);
    const expected = Array.from({ length: rows }, (_, n) => {
      const count = 1 + (n % width);
      let at = 0;
      const read = Array.from({ length: count }, (_unused, i) => {
        const [kind, lasts, rests] = [...random.uniform(3)].map((u) => Math.floor(3 * u)) as [number, number, number];
        for (let f = 0; f <= lasts; f++, at++) x[(n * t + at) * kinds + kind]! += 2;
        at += 1 + rests;
        y[n * width + i] = kind + 1;
        return kind + 1;
      });
      frames[n] = at;
      return read;
    });
    const model = new Sequential([new GRU(16, { returnSequences: true }), new Linear(kinds + 1)], { seed: 1 });
    const trainer = new Trainer(model, { loss: new CTCLoss(), optimizer: new Adam({ lr: 0.02 }) });
    const data = { x: array(x, [rows, t, kinds]), y: { labels: array(y, [rows, width]), lengths: array(frames) } };
    const part = (begin: number, end: number): typeof data => ({ x: data.x.rows(begin, end), y: { labels: data.y.labels.rows(begin, end), lengths: data.y.lengths.rows(begin, end) } }); // prettier-ignore
    await trainer.fit(part(0, 128), { epochs: 40, batchSize: 32, validation: part(128, 160) });
    const read = ctcDecode(await model.predict(data.x.rows(128, 160)), { lengths: frames.subarray(128) });
    const errors = errorRate(read, expected.slice(128));
    assert.ok(errors <= 0.05, `${100 * errors} % of the tones`);
  });
  it('trains with the same bits on any number of threads', async () => {
    const weights = async (): Promise<readonly number[]> => {
      const model = new Sequential([new Linear(3)], { seed: 1 });
      await new Trainer(model, { loss: new CTCLoss(), optimizer: new SGD({ lr: 0.1 }) }).fit(
        { x: logits, y: { labels, lengths } },
        { epochs: 3 },
      );
      return [...model.weights().values()].flatMap(({ data }) => [...data]);
    };
    const before = getThreads();
    try {
      setThreads(1);
      const expected = await weights();
      for (const threads of [2, 4]) {
        setThreads(threads);
        assert.deepEqual(await weights(), expected, `${threads} threads`);
      }
    } finally {
      setThreads(before);
    }
  });
});

describe('ctcDecode', () => {
  const scores = (...best: number[]): NdArray =>
    array(Float32Array.from(best.flatMap((b) => [0, 1, 2].map((c) => (c === b ? 1 : 0)))), [1, best.length, 3]);
  it('leaves out repetitions, then blanks', () => {
    assert.deepEqual(ctcDecode(scores(0, 1, 1, 0, 1, 2, 2, 0, 0)), [[1, 1, 2]]);
    assert.deepEqual(ctcDecode(scores(0, 1, 1, 0, 1, 2, 2, 0, 0), { blank: 2 }), [[0, 1, 0, 1, 0]]);
    assert.deepEqual(ctcDecode(scores(0, 1, 1, 0, 1, 2), { lengths: [4] }), [[1]]);
    assert.deepEqual(ctcDecode(scores(0, 0)), [[]]);
    assert.deepEqual(ctcDecode(array(new Float32Array(6).fill(1), [1, 2, 3])), [[]]); // the first of equal scores
  });
  it('refuses what is none', () => {
    assert.throws(() => ctcDecode(array([[1, 2]])), {
      name: 'ShapeError',
      message: 'ctcDecode: expected scores [N, T, C] and a length for each row, got [1, 2].',
    });
    assert.throws(() => ctcDecode(scores(1), { lengths: [1, 1] }), { name: 'ShapeError', message: /and 2 lengths\.$/ });
    assert.throws(() => ctcDecode(scores(1), { lengths: [-1] }), {
      name: 'OptionError',
      message: /a list or array of whole numbers ≥ 0 for lengths/,
    });
    assert.throws(() => ctcDecode([[1, 2]] as never), {
      name: 'DataError',
      message: 'ctcDecode: expected scores made by array(), got Array. Wrap it: array(data, shape).',
    });
    assert.throws(() => ctcDecode(scores(1), { lengths: [2] }), {
      name: 'OptionError',
      message:
        'ctcDecode: expected lengths of at most 1, the frames that the model gives, got 2 at row 0. Count those, not the steps of its input.',
    });
    assert.throws(() => ctcDecode(scores(1), { blank: 3 }), {
      name: 'OptionError',
      message: 'ctcDecode: expected blank below the 3 classes, got 3.',
    });
    assert.throws(() => ctcDecode(array([NaN, 1], [1, 1, 2])), { name: 'DataError', message: /got NaN at element 0/ });
  });
});
