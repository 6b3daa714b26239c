import assert from 'node:assert/strict';
import { CsvError, parse } from 'csv-parse/sync';
import { parseRecords, tableOf, textOf } from '../../lib/data/series/csv.js';
import { FileError } from '../../lib/errors.js';

/** Any bytes are a table of finite numbers, or an error of the format; where texts may be missing, they are numbers, NaN and places of texts. */
export function fuzz(bytes: Buffer): void {
  refusedOr(() => {
    const { data, columns } = tableOf('it', parseRecords(parse, textOf('it', bytes)), {});
    assert.equal(data.shape[1], columns.length);
    assert.ok(data.data.every(Number.isFinite));
  });
  refusedOr(() => {
    const records = parseRecords(parse, textOf('it', bytes));
    const names = records[0]?.fields.map((name) => name.trim()) ?? [];
    const [last] = names.slice(-1);
    if (last === undefined || names.indexOf(last) < names.length - 1) return;
    const { data, columns, ids, categories } = tableOf('it', records, { missing: ['', 'NaN'], categories: [last] });
    assert.deepEqual(data.shape, [records.length - 1, columns.length]);
    assert.ok(data.data.every((value) => Number.isNaN(value) || Number.isFinite(value)));
    records.slice(1).forEach(({ fields }, row) => assert.equal(categories[last]![ids[last]!.data[row]!], fields.at(-1)!.trim()));
  });
}

function refusedOr(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof FileError || error instanceof CsvError)) throw error;
  }
}
