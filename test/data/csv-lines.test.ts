import assert from 'node:assert/strict';
import { type CsvOptions, readCsv } from '../../lib/index.js';

describe('readCsv names the line', () => {
  for (const [what, text, line] of [
    ['after a field of three lines that end in CR LF', 'a,b\r\n"q\r\nr\r\ns",2\r\nbad,x', 5],
    ['in which such a row ends', 'a,b\r\n"q\r\nr\r\ns",x', 4],
    ['after a field of three lines that end in LF', 'a,b\n"q\nr\ns",2\nbad,x', 5],
    ['after fields and lines of nothing but ends', 'a,b\r\n"q\r\n",2\r\n\r\n"\r\n\r\n",2\r\nbad,x', 8],
    ['after ends of all kinds', 'a,b\n"\r\n\nr\n\r",2\nbad,x', 7],
  ] as const)
    it(what, () =>
      assert.rejects(readCsv(Buffer.from(text), { categories: ['a'] }), {
        name: 'FileError',
        message: new RegExp(`for b in line ${line} of the bytes given, got "x"\\.`),
      }),
    );
});

describe('readCsv takes empty lines', () => {
  const valuesOf = async (text: string, options: CsvOptions = {}): Promise<number[]> => [
    ...(await readCsv(Buffer.from(text), { missing: [''], ...options })).data.data,
  ];
  it('between those of one column for empty fields', async () => {
    assert.deepEqual(await valuesOf('\n\nload\n0\n\r\n \n""\n4\n\n  \n\n'), [0, NaN, NaN, NaN, 4]);
    assert.deepEqual(await valuesOf('load\r\n\r\n1'), [NaN, 1]);
    assert.deepEqual(await valuesOf('\n0\n\n2\n\n', { header: false }), [0, NaN, 2]);
    assert.deepEqual(await valuesOf('a,b\n\n0,1\n\n2,3\n\n'), [0, 1, 2, 3]);
  });
  it('and names them where they are refused', async () => {
    await assert.rejects(valuesOf('load\n0\n"1"\n\n\n3', { missing: [] }), {
      message:
        'readCsv: expected a number that a float32 holds for load in line 4 of the bytes given, got "". Give missing: [""] to read it as NaN, or columns to leave this one out.',
    });
    await assert.rejects(readCsv(Buffer.from('t\n"x\r\n\r\ny"\n\n"x\r\n\r\ny"\n\nx'), { categories: { t: ['x\r\n\r\ny', 'x'] } }), {
      message: /for t in line 5 of/,
    });
    assert.deepEqual(await valuesOf('load\n0\n\n', { missing: [] }), [0]);
  });
  it('and says what the line behind them tells', async () => {
    for (const missing of [[], ['']])
      await assert.rejects(valuesOf('age;fare\n\n1;2\n', { missing }), {
        message: /for age;fare in line . of the bytes given, got ".*"\. Give delimiter: ";", at which the first line has 2 fields\.$/,
      });
    await assert.rejects(valuesOf('Sales 2020\n\na,b\n1,2\n', { missing: [] }), {
      message: 'readCsv: expected 1 fields in each line of the bytes given, got 2 in line 3.',
    });
  });
});

describe('readCsv refuses', () => {
  for (const [options, message] of [
    [null, /^readCsv: expected an object of options \{.*\}, got null\.$/],
    [{ columns: 4 }, 'readCsv: expected a list of texts for columns, got 4.'],
    [{ columns: [] }, 'readCsv: expected a list of at least one name for columns, got [].'],
  ] as const)
    it(String(message), () => assert.rejects(readCsv(Buffer.from('a\n1'), options as never), { name: 'OptionError', message }));
});
