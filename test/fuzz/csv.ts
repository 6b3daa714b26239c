import assert from 'node:assert/strict';
import { CsvError, parse } from 'csv-parse/sync';
import { parseRecords, tableOf } from '../../lib/data/series/csv.js';
import { FileError } from '../../lib/errors.js';

/** Any bytes are a table of finite numbers, or an error of the format. */
export function fuzz(bytes: Buffer): void {
  try {
    const { data, columns } = tableOf('it', parseRecords(parse, bytes), undefined);
    assert.equal(data.shape[1], columns.length);
    assert.ok(data.data.every(Number.isFinite));
  } catch (error) {
    if (!(error instanceof FileError || error instanceof CsvError)) throw error;
  }
}
