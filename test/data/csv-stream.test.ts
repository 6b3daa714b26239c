import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CsvTable, readCsv } from '../../lib/index.js';
import { checkTurns } from '../support/turns.js';

const rows = 20_000;
/** More than are sorted in one go. */
const names = Array.from({ length: 9001 }, (_, i) => `${['', 'ß', '日本', '😀'][i % 4]}${(i * 7919) % 9001}`);
const numberOf = (row: number): number => Math.fround(Math.sin(row) * 1000);
const nameOf = (row: number): string => names[(row * row) % names.length]!;

/** A table whose characters, quotes and ends of lines lie in all ways across the pieces that are read at once. */
const table = ['number, name ,"note"'];
for (let row = 0; row < rows; row++)
  table.push(`${numberOf(row)}, "${nameOf(row)}" ,"${'x""\r\n😀'.repeat(row % 5)}"`, ...(row % 100 === 0 ? [''] : []));
const text = table.map((line, i) => line + ['\n', '\r\n', '\r'][i % 3]!).join('');

function check({ data, ids, categories }: CsvTable<'name'>): void {
  assert.deepEqual([data.shape, ids.name.shape], [[rows, 1], [rows]]);
  assert.deepEqual(categories.name, [...new Set(Array.from({ length: rows }, (_, row) => nameOf(row)))].sort());
  for (let row = 0; row < rows; row++) {
    assert.equal(data.data[row], numberOf(row));
    assert.equal(categories.name[ids.name.data[row]!], nameOf(row));
  }
}

describe('readCsv of large files', () => {
  const options = { columns: ['number'], categories: ['name'] } as const;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  for (const encoding of ['utf8', 'utf16le'] as const) {
    it(`reads them in pieces of bytes that ${encoding} takes apart anywhere`, async () => {
      for (const shift of [0, 1, 2, 3]) check(await readCsv(Buffer.from(`\ufeff${'\n'.repeat(shift)}${text}`, encoding), options));
    });
  }
  it('reads them from a path', async () => {
    await writeFile(join(folder, 'a.csv'), text);
    check(await readCsv(join(folder, 'a.csv'), options));
  });
  it('leaves the event loop its turns', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i},${Math.sin(i)},${Math.cos(i)},key ${i}`);
    await writeFile(join(folder, 'a.csv'), `a,b,c,key\n${lines.join('\n')}\n`);
    // A piece takes some 4 ms of about a second, a collection of garbage some 20.
    await checkTurns(() => readCsv(join(folder, 'a.csv'), { categories: ['key'] }));
  });

  it('names the line of a number that is none, far behind', async () => {
    const file = Buffer.from(`a\n${'1\n'.repeat(100_000)}x\n`);
    await assert.rejects(readCsv(file), { name: 'FileError', message: /for a in line 100002 of the bytes given, got "x"/ });
  });
  it('names the line of fields too many, and of a quote that is never closed, far behind', async () => {
    const begin = `a\n${'"1"\n'.repeat(10_000)}`;
    await assert.rejects(readCsv(Buffer.from(`${begin}1,2\n`)), { name: 'FileError', message: /got 2 in line 10002/ });
    await assert.rejects(readCsv(Buffer.from(`${begin}"1\n`)), {
      name: 'FileError',
      message: /^readCsv: expected to read the bytes given, got Quote Not Closed.*line 1000\d/,
    });
  });
  it('refuses bytes of another encoding far behind, and a text cut off in a character', async () => {
    for (const end of ['\xdf\n', '\xf0\x9f']) {
      await assert.rejects(readCsv(Buffer.from(`a\n${'1\n'.repeat(50_000)}${end}`, 'latin1')), {
        name: 'FileError',
        message: /^readCsv: expected to read the bytes given as utf-8, got .*\. Give the encoding it has, such as 'latin1'\.$/,
      });
    }
  });
  it('names a directory', () =>
    assert.rejects(readCsv(folder), { name: 'FileError', message: /^readCsv: expected to read .*, got (EISDIR|EPERM|EACCES)/ }));
});
