import assert from 'node:assert/strict';
import { readCsv } from '../../lib/index.js';

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

describe('readCsv refuses', () => {
  for (const [options, message] of [
    [null, /^readCsv: expected an object of options \{.*\}, got null\.$/],
    [{ columns: 4 }, 'readCsv: expected a list of texts for columns, got 4.'],
    [{ columns: [] }, 'readCsv: expected a list of at least one name for columns, got [].'],
  ] as const)
    it(String(message), () => assert.rejects(readCsv(Buffer.from('a\n1'), options as never), { name: 'OptionError', message }));
});
