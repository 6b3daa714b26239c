import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { readCsvWith } from '../../lib/data/series/csv.js';
import {
  Adam,
  type CsvOptions,
  GRU,
  Linear,
  MSELoss,
  NdArray,
  Reshape,
  Sequential,
  Standardizer,
  Trainer,
  array,
  forecastData,
  readCsv,
  seriesWindows,
} from '../../lib/index.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('readCsv', () => {
  const table = '\ufeffday,births, note\r\n1,8096,"x, y"\r\n2,7772,"two\nlines"\r\n\r\n3,-1.5e3,\r\n';

  it('gives the columns asked for, in that order', async () => {
    const { data, columns } = await readCsv(utf8(table), { columns: ['births', 'day'] });
    assert.deepEqual([data.toNested(), columns], [[[8096, 1], [7772, 2], [-1500, 3]], ['births', 'day']]); // prettier-ignore
  });
  it('gives all columns, from a path and with another delimiter', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    try {
      await writeFile(join(folder, 'a.csv'), 'a;b\n1;2\n');
      assert.deepEqual((await readCsv(join(folder, 'a.csv'), { delimiter: ';' })).data.toNested(), [[1, 2]]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const broken: readonly (readonly [string, string])[] = [
    ['a,b\n1,2\n3\n', 'readCsv: expected 2 fields in each line of the bytes given, got 1 in line 3.'],
    ['a,b\n1,2\n\n3,4,5\n', 'readCsv: expected 2 fields in each line of the bytes given, got 3 in line 4.'],
    [
      'a,b\n1,2\n3,x\n',
      'readCsv: expected a number that a float32 holds for b in line 3 of the bytes given, got "x". Give categories: ["b"] for a column of texts, columns to leave this one out, or missing: ["x"] to read it as NaN.',
    ],
    [
      'a,b\n1, \n',
      'readCsv: expected a number that a float32 holds for b in line 2 of the bytes given, got "". Give missing: [""] to read it as NaN, or columns to leave this one out.',
    ],
    [
      'a,b\n1,"-1,5"\n',
      'readCsv: expected a number that a float32 holds for b in line 2 of the bytes given, got "-1,5". Give decimal: \',\' to read it as -1.5.',
    ],
    ...['2024-01-31', '31.12.2024', '1/2/24 10:00', '10:00'].map(
      (text) =>
        [
          `a,b\n1,2\n3,${text}\n`,
          `readCsv: expected a number that a float32 holds for b in line 3 of the bytes given, got "${text}". Give columns, the names of those to read, to leave out one of dates or times, or categories: ["b"] to have its texts, for Date.parse or the like.`,
        ] as const,
    ),
    ['a\n-1e39\n', 'readCsv: expected a number that a float32 holds for a in line 2 of the bytes given, got "-1e39".'],
    ['a\n1e999\n', 'readCsv: expected a number that a float32 holds for a in line 2 of the bytes given, got "1e999".'],
    ...['0x1F', '0b11', '0o17', 'Infinity', '1_000'].map(
      (text) =>
        [
          `a\n${text}\n`,
          `readCsv: expected a number that a float32 holds for a in line 2 of the bytes given, got "${text}". Give categories: ["a"] for a column of texts, columns to leave this one out, or missing: ["${text}"] to read it as NaN.`,
        ] as const,
    ),
    [
      'a,b\n"1,234",2\n',
      'readCsv: expected a number that a float32 holds for a in line 2 of the bytes given, got "1,234". Take the signs between thousands out of the file to read it as 1234. Give decimal: \',\' to read it as 1.234.',
    ],
    [
      'a\n"-1,234,567.5"\n',
      'readCsv: expected a number that a float32 holds for a in line 2 of the bytes given, got "-1,234,567.5". Take the signs between thousands out of the file to read it as -1234567.5.',
    ],
    [
      'a;b;c\n1;2;3\n',
      'readCsv: expected a number that a float32 holds for a;b;c in line 2 of the bytes given, got "1;2;3". Give delimiter: ";", at which the first line has 3 fields.',
    ],
    [
      'a\tb\n1,5\t2,5\n',
      'readCsv: expected 1 fields in each line of the bytes given, got 3 in line 2. Give delimiter: "\\t", at which the first line has 2 fields.',
    ],
    [
      '1,2\n3,4\n',
      'readCsv: expected names of columns in line 1 of the bytes given, got numbers alone. Give header: false if they are data, header: true if they are names.',
    ],
    ['', 'readCsv: expected a line of names and lines of numbers in the bytes given, got nothing.'],
    ['a,b\n', 'readCsv: expected a line of names and lines of numbers in the bytes given, got names only.'],
  ];
  for (const [content, message] of broken) it(message, () => assert.rejects(readCsv(utf8(content)), { name: 'FileError', message }));
  const odd: readonly (readonly [string, Uint8Array, CsvOptions<string>, unknown])[] = [
    ['lines that end in several ways', utf8('t\r\nx\ny\rz\r\n'), { categories: ['t'] }, ['x', 'y', 'z']],
    [
      'spaces around names and quotes',
      utf8(' t , "n" \n x, " 1\u00a0"\n "y" ,2\n   \n'),
      { categories: ['t'], columns: ['n'] },
      ['x', 'y'],
    ],
    ['tabs between fields, of which some are empty', utf8('t\tn\n\t1\n"x"\t2\n'), { categories: ['t'], delimiter: '\t' }, ['', 'x']],
    ['UTF-8', utf8('t\nstraße\nmaße\n'), { categories: ['t'] }, ['straße', 'maße']],
    ['Latin-1', Buffer.from('t\nstraße\nmaße\n', 'latin1'), { categories: ['t'], encoding: 'latin1' }, ['straße', 'maße']],
    ['UTF-16BE with its mark', Buffer.from('\ufefft\nstraße\n', 'utf16le').swap16(), { categories: ['t'] }, ['straße']],
    ['UTF-16 with its mark', Buffer.from('\ufefft\nstraße\n', 'utf16le'), { categories: ['t'] }, ['straße']],
    ['UTF-16BE without a mark', Buffer.from('t\nstraße\n', 'utf16le').swap16(), { categories: ['t'] }, ['straße']],
    ['UTF-16 without a mark', Buffer.from('t\nstraße\n', 'utf16le'), { categories: ['t'] }, ['straße']],
    ['U+0000 where it is asked for', utf8('t\n\0\n'), { categories: ['t'], encoding: 'utf-8' }, ['\0']],
    ['letters that are composed, or not', utf8('t\nMünchen\nMu\u0308nchen\n'), { categories: ['t'] }, ['München', 'München']],
    ['such letters of given texts', utf8('t\nMünchen\n'), { categories: { t: ['a', 'Mu\u0308nchen'] } }, ['Mu\u0308nchen']],
  ];
  for (const [what, content, options, expected] of odd) {
    it(`reads ${what}`, async () => {
      const { ids, categories } = await readCsv(content, options);
      assert.deepEqual(
        [...ids.t!.data].map((id) => categories.t![id]),
        expected,
      );
    });
  }
  it('refuses bytes of another encoding', () =>
    assert.rejects(readCsv(Buffer.from('t\nstraße\nstra\xdfe\n', 'latin1'), { categories: ['t'] }), {
      name: 'FileError',
      message: /^readCsv: expected to read the bytes given as utf-8, got .*\. Give the encoding it has, such as 'latin1'\.$/,
    }));
  it('says what encoding bytes that are 0 seem to be of', () =>
    assert.rejects(readCsv(Buffer.from('Дата,b\n1,2\n', 'utf16le')), {
      name: 'FileError',
      message:
        "readCsv: expected to read the bytes given as utf-8, got U+0000, as in UTF-16. Give encoding: 'utf-16le', or 'utf-8' if it is that.",
    }));
  it('says what delimiter a file seems to have where another is given', async () => {
    await assert.rejects(readCsv(utf8('a,b\n1,2\n'), { delimiter: ';' }), {
      name: 'FileError',
      message: /got "1,2"\. Give delimiter: ",", at which the first line has 2 fields\.$/,
    });
    await assert.rejects(readCsv(utf8('a|b\n1|2\n'), { columns: ['b'] }), {
      name: 'OptionError',
      message:
        'readCsv: expected columns among a|b of the bytes given, got "b". Give delimiter: "|", at which the first line has 2 fields.',
    });
    await assert.rejects(readCsv(utf8('price (EUR; USD)\nx\n')), { name: 'FileError', message: /got "x"\. Give categories/ });
    await assert.rejects(readCsv(utf8('a||b\n1||x\n'), { delimiter: '||' }), { name: 'FileError', message: /got "x"\. Give categories/ });
  });
  it('says which of delimiter, decimal sign and line of names a file seems to have otherwise', async () => {
    const cases: readonly (readonly [string, CsvOptions, RegExp])[] = [
      ['a (x,y);b (z,w)\n1,5;2,5\n', { delimiter: ';' }, /got "1,5"\. Give decimal: ',' to read it as 1\.5\.$/],
      ['1,5;2,5\n3,5;4,5\n', { decimal: ',' }, /Give delimiter: ";", at which the first line has 2 fields\. Give header: false if the first line is data\.$/],
      ['5.1,3.5,setosa\n7,3.2,versicolor\n', {}, /got "versicolor"\. Give categories.* Give header: false if the first line is data\.$/],
      ['2020-01-01,3.5\n2020-01-02,3.2\n', {}, /got "2020-01-02"\. Give columns.* Give header: false if the first line is data\.$/],
      ['5.1,setosa\n7,versicolor\n', { columns: ['0'] }, /columns among 5\.1, setosa of .* got "0"\. Give header: false if the first line is data\.$/],
      ['NA,b\n1,x\n', { missing: ['NA'] }, /got "x"\. Give categories.*to read it as NaN\.$/],
      ['2019,b\n1,x\n', { header: true }, /got "x"\. Give categories.*to read it as NaN\.$/],
    ]; // prettier-ignore
    for (const [content, options, message] of cases) await assert.rejects(readCsv(utf8(content), options), { message });
  });
  it('reads a file without a line of names, and one whose names are numbers', async () => {
    const iris = await readCsv(utf8('5.1,3.5,setosa\n7,3.2,versicolor\n'), { header: false, categories: ['2'] });
    assert.deepEqual([iris.data.toNested(), iris.columns, iris.categories], [array([[5.1, 3.5], [7, 3.2]]).toNested(), ['0', '1'], { 2: ['setosa', 'versicolor'] }]); // prettier-ignore
    assert.deepEqual((await readCsv(utf8('1,2\n'), { header: false, columns: ['1'] })).data.toNested(), [[2]]);
    const years = await readCsv(utf8('2019,2020,2021\n1,2,3\n'), { columns: ['2020'] });
    assert.deepEqual([years.data.toNested(), years.columns], [[[2]], ['2020']]);
    const places = await readCsv(utf8(',0,1,2\n0,5,6,\n'), { missing: [''] });
    assert.deepEqual([places.data.toNested(), places.columns], [[[0, 5, 6, NaN]], ['', '0', '1', '2']]);
    const { data, columns } = await readCsv(utf8('0,1\n5,6\n'), { header: true });
    assert.deepEqual([data.toNested(), columns], [[[5, 6]], ['0', '1']]);
    await assert.rejects(readCsv(utf8('1;NA\n2;3\n'), { delimiter: ';', missing: ['NA'] }), { message: /got numbers alone/ });
  });
  it('says that a file is an archive', () =>
    assert.rejects(readCsv(Uint8Array.of(0x1f, 0x8b, 8, 0)), {
      name: 'FileError',
      message: 'readCsv: expected a text in the bytes given, got a gzip archive. Unpack it first.',
    }));
  it('names a quote that is never closed', () =>
    assert.rejects(readCsv(utf8('a\n"1\n')), { name: 'FileError', message: /^readCsv: expected to read the bytes given, got .*line/ }));
  it('names a file that is not there', () =>
    assert.rejects(readCsv(join(tmpdir(), 'none', 'a.csv')), { name: 'FileError', message: /^readCsv: expected to read .*, got ENOENT/ }));
  it('names a column that is not there', () =>
    assert.rejects(readCsv(utf8('a,b\n1,2\n'), { columns: ['c'] }), {
      name: 'OptionError',
      message: 'readCsv: expected columns among a, b of the bytes given, got "c".',
    }));
  it('finds a column whose name is spelt in another way', async () => {
    const { data, ids, columns } = await readCsv(utf8('caf\u00e9,cre\u0301,x\n1,y,2\n'), { categories: ['cr\u00e9'] });
    assert.deepEqual([data.toNested(), ids['cr\u00e9'].toNested(), columns], [[[1, 2]], [0], ['caf\u00e9', 'x']]);
    assert.deepEqual((await readCsv(utf8('caf\u00e9,x\n1,2\n'), { columns: ['cafe\u0301'] })).data.toNested(), [[1]]);
  });
  it('tells columns of one name apart by their places', async () => {
    const { data, columns } = await readCsv(utf8('a,a\n1,2\n'));
    assert.deepEqual([data.toNested(), columns], [[[1, 2]], ['a', 'a']]);
  });
  it('refuses a name that several columns have', () =>
    assert.rejects(readCsv(utf8('a,b,a\n1,2,3\n'), { columns: ['b', 'a'] }), {
      name: 'OptionError',
      message:
        'readCsv: expected names for columns that one column of the bytes given has, got "a", which several have. Rename them in the file, or leave columns out.',
    }));
  it('refuses wrong options', () =>
    assert.rejects(readCsv(utf8('a\n1'), { columns: [] }), {
      name: 'OptionError',
      message: 'readCsv: expected a list of at least one name for columns, got [].',
    }));
  it('reads numbers with a decimal comma', async () => {
    const { data } = await readCsv(utf8('a;b\n1,5;-,25e1\n7;NA\n'), { delimiter: ';', decimal: ',', missing: ['NA'] });
    assert.deepEqual(data.toNested(), [[1.5, -2.5], [7, NaN]]); // prettier-ignore
    await assert.rejects(readCsv(utf8('a\n1.234\n'), { decimal: ',' }), {
      name: 'FileError',
      message:
        'readCsv: expected a number that a float32 holds for a in line 2 of the bytes given, got "1.234". Take the signs between thousands out of the file to read it as 1234. Give decimal: \'.\' to read it as 1.234.',
    });
    await assert.rejects(readCsv(utf8('a\n"1.234,5"\n'), { decimal: ',' }), {
      name: 'FileError',
      message: /got "1\.234,5"\. Take the signs between thousands out of the file to read it as 1234\.5\.$/,
    });
  });
  it('reads missing numbers as NaN', async () => {
    const { data } = await readCsv(utf8('a,b\n1, NA \n,-9\n'), { missing: ['', 'NA', '-9'] });
    assert.deepEqual(data.toNested(), [[1, NaN], [NaN, NaN]]); // prettier-ignore
  });
  it('reads texts as ids, for another file by the same numbering', async () => {
    const train = await readCsv(utf8('port,age,class\nS,22,c\nC, 38,a\n S ,26,c\n'), { categories: ['class', 'port'] });
    assert.deepEqual([train.data.toNested(), train.columns], [[[22], [38], [26]], ['age']]);
    assert.deepEqual([...train.ids.port.data, ...train.ids.class.data], [1, 0, 1, 1, 0, 1]);
    assert.deepEqual(
      [train.ids.port.shape, train.ids.port.dtype, train.categories],
      [[3], 'int32', { class: ['a', 'c'], port: ['C', 'S'] }],
    );
    const { port } = train.categories;
    const test = await readCsv(utf8('age,port\n1,S\n'), { categories: { port } });
    assert.deepEqual([test.ids.port.toNested(), test.categories.port], [[1], port]);
  });
  it('refuses a category that is not known, or gives it the next id', async () => {
    const file = utf8('port\nS\nQ\n');
    const categories = { port: ['C', 'S'] };
    await assert.rejects(readCsv(file, { categories }), {
      name: 'FileError',
      message:
        'readCsv: expected one of 2 known categories for port in line 3 of the bytes given, got "Q". Add it to categories, or give unknown: true.',
    });
    const { data, ids } = await readCsv(file, { categories, unknown: true });
    assert.deepEqual([data.shape, ids.port.toNested()], [[2, 0], [1, 2]]); // prettier-ignore
  });
  it('gives rare categories the id of unknown ones', async () => {
    const train = await readCsv(utf8('port\nS\nQ\nC\nS\nA\nC\n'), { categories: ['port'], minFrequency: 2 });
    assert.deepEqual([train.categories.port, train.ids.port.toNested()], [['C', 'S'], [1, 2, 0, 1, 2, 0]]); // prettier-ignore
    const test = await readCsv(utf8('port\nC\nQ\nZ\n'), { categories: train.categories, unknown: true });
    assert.deepEqual(test.ids.port.toNested(), [0, 2, 2]);
  });
  it('takes texts alone, a missing one as a category, and names of any kind', async () => {
    const { data, ids, categories } = await readCsv(utf8('a,__proto__\n1,x\n2,\n'), {
      columns: [],
      categories: ['__proto__'],
      missing: [''],
    });
    assert.deepEqual([data.shape, Object.entries(ids).map(([name, { data }]) => [name, ...data])], [[2, 0], [['__proto__', 1, 0]]]); // prettier-ignore
    assert.deepEqual(Object.entries(categories), [['__proto__', ['', 'x']]]);
  });
  const wrong: readonly (readonly [object, string])[] = [
    [{ missing: '' }, "readCsv: expected a list of texts for missing, got ''."],
    [
      { categories: { a: ['x', 'x'] } },
      "readCsv: expected a list of at least one name or an object with a list of different texts for each column for categories, got { a: [ 'x', 'x' ] }.",
    ],
    [
      { categories: { a: ['é', 'e\u0301'] } },
      "readCsv: expected a list of at least one name or an object with a list of different texts for each column for categories, got { a: [ 'é', 'e\u0301' ] }.",
    ],
    ...(['', '\n', '"'] as const).map(
      (delimiter) =>
        [
          { delimiter },
          `readCsv: expected a text of at least one character, without quotes and ends of lines, for delimiter, got ${inspect(delimiter)}.`,
        ] as const,
    ),
    [{ header: 0 }, 'readCsv: expected true or false for header, got 0.'],
    [{ decimal: ';' }, "readCsv: expected '.' or ',' for decimal, got ';'."],
    [{ encoding: 'ebcdic' }, "readCsv: expected a name that TextDecoder knows, such as 'utf-8' or 'latin1', for encoding, got 'ebcdic'."],
    [{ categories: ['b'] }, 'readCsv: expected columns among a of the bytes given, got "b".'],
    ...(
      [
        [undefined, 'none'],
        [['a'], 'names alone'],
      ] as const
    ).map(
      ([categories, got]) =>
        [
          { categories, unknown: true },
          `readCsv: expected categories that another file was read with for unknown: true, got ${got}. Give those, or leave unknown out; minFrequency reads rare texts as unknown.`,
        ] as const,
    ),
    [{ categories: ['a'], minFrequency: 0 }, 'readCsv: expected a whole number ≥ 1 for minFrequency, got 0.'],
    [{ minFrequency: 2 }, 'readCsv: expected names of columns as categories for minFrequency, got none. Leave minFrequency out.'],
    [
      { categories: { a: ['1'] }, minFrequency: 2 },
      'readCsv: expected names of columns as categories for minFrequency, got categories that are given. Leave minFrequency out; unknown: true reads all others as unknown.',
    ],
  ];
  for (const [options, message] of wrong)
    it(message, () => assert.rejects(readCsv(utf8('a\n1'), options), { name: 'OptionError', message }));
  it('says how to install csv-parse where it is missing', () =>
    assert.rejects(
      readCsvWith(() => Promise.reject(new Error("Cannot find package 'csv-parse'")), utf8('a\n1'), {}),
      {
        name: 'StateError',
        message: "readCsv: expected the package csv-parse, got Cannot find package 'csv-parse'. Install it: npm install csv-parse.",
      },
    ));
});

describe('seriesWindows', () => {
  const series = array([[0, 10], [1, 11], [2, 12], [3, 13], [4, 14], [5, 15]]); // prettier-ignore

  it('gives every window with the rows after it', () => {
    const { x, y } = seriesWindows(series, { steps: 2, horizon: 2, targets: [1] });
    assert.deepEqual(x.toNested(), [[[0, 10], [1, 11]], [[1, 11], [2, 12]], [[2, 12], [3, 13]]]); // prettier-ignore
    assert.deepEqual(y.toNested(), [
      [[12], [13]],
      [[13], [14]],
      [[14], [15]],
    ]);
  });
  it('strides', () => assert.deepEqual(seriesWindows(series, { steps: 1, stride: 3 }).y.toNested(), [[[1, 11]], [[4, 14]]]));
});

describe('forecastData', () => {
  const series = array(Float32Array.from({ length: 20 }, (_, i) => 3 * i + 7), [20, 1]); // prettier-ignore
  const { train, validation, inputScale, targetScale } = forecastData(series, { steps: 3, horizon: 2, validationFraction: 0.25 });
  const rowsOf = ({ data, shape }: NdArray): number[] => {
    const flat = targetScale.invert(new NdArray(data, [data.length, 1]));
    assert.equal(shape[2], 1);
    return [...flat.data].map((value) => Math.round((value - 7) / 3) + 0);
  };

  it('trains on no row that is foretold for validation', () => {
    assert.equal(Math.max(...rowsOf(train.x), ...rowsOf(train.y)), 14);
    assert.deepEqual(rowsOf(train.x).slice(0, 3), [0, 1, 2]);
  });
  it('validates every row after the split, and only those', () =>
    assert.deepEqual([...new Set(rowsOf(validation.y))], [15, 16, 17, 18, 19]));
  it('looks back from the first of them', () => assert.deepEqual(rowsOf(validation.x).slice(0, 3), [12, 13, 14]));
  it('validates with no more rows than the horizon', () =>
    assert.deepEqual(forecastData(series, { steps: 3, horizon: 5, validationFraction: 0.25 }).validation.y.shape, [1, 5, 1]));
  it('takes its statistics from the training rows', () => {
    assert.deepEqual(inputScale.mean, new Standardizer(series.rows(0, 15)).mean);
    assert.deepEqual([inputScale.mean[0], targetScale.mean[0]], [28, 28]);
  });

  it('only takes the mean from a column that never changes in the training rows', () => {
    const columns = array(Float32Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? i : 0.3)), [20, 2]); // prettier-ignore
    columns.data[39] = 1;
    const { x } = forecastData(columns, { steps: 3, horizon: 1 }).validation;
    assert.ok(
      x.data.every((value) => Math.abs(value) < 3),
      String(x.data),
    );
  });
  it('brings predictions of the shape of y back to the units of the series', () => {
    const { data, shape } = targetScale.invert(validation.y);
    assert.deepEqual([[...data.subarray(0, 2)].map(Math.round), shape], [[52, 55], validation.y.shape]);
  });
  it('is foretold by a model that ends in Linear and Reshape', async () => {
    const model = new Sequential([new GRU(4, { returnSequences: false }), new Linear(2), new Reshape([2, 1])], { seed: 1 });
    await new Trainer(model, { loss: new MSELoss(), optimizer: new Adam() }).fit(train);
    assert.deepEqual(targetScale.invert(await model.predict(validation.x)).shape, validation.y.shape);
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => seriesWindows(series, { steps: 20 }),
      'DataError',
      'seriesWindows: expected at least 21 rows for 20 steps and a horizon of 1, got 20. Take fewer steps, or a longer series.',
    ],
    [
      () => forecastData(series, { steps: 14, horizon: 2, validationFraction: 0.25 }),
      'DataError',
      'forecastData training: expected at least 16 rows for 14 steps and a horizon of 2, got 15. Take fewer steps, or a longer series.',
    ],
    [
      () => forecastData(series, { steps: 3, horizon: 5, validationFraction: 0.2 }),
      'DataError',
      'forecastData: expected at least 5 rows for validation, as many as the horizon, got 4 of 20 with validationFraction 0.2. Take a larger validationFraction, a smaller horizon, or a longer series.',
    ],
    [
      () => forecastData(array([[1]]), { steps: 1, validationFraction: 0.9 }),
      'DataError',
      'forecastData: expected rows to train on, got 1 rows and validationFraction 0.9.',
    ],
    [
      () => seriesWindows(array([1, 2, 3]), { steps: 1 }),
      'ShapeError',
      'seriesWindows: expected a series of rank 2 [R, C], got [3]. Give a single column shape [R, 1].',
    ],
    [() => forecastData(series, { steps: 1, targets: [1] }), 'OptionError', 'forecastData: expected columns 0 … 0 for targets, got 1.'],
    [() => seriesWindows(series, { steps: 1, targets: [1] }), 'OptionError', 'seriesWindows: expected columns 0 … 0 for targets, got 1.'],
    [
      () => seriesWindows(series, { steps: 1, targets: [] }),
      'OptionError',
      'seriesWindows: expected a list of at least one whole number ≥ 0 for targets, got [].',
    ],
    [
      () => forecastData(series, { steps: 1, validationFraction: 1 }),
      'OptionError',
      'forecastData: expected a number in (0, 1) for validationFraction, got 1.',
    ],
    [() => targetScale.invert(array([1])), 'ShapeError', 'Standardizer: expected x of shape [N, ..., 1], got [1].'],
  ];
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
