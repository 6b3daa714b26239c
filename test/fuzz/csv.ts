import assert from 'node:assert/strict';
import { CsvError, parse } from 'csv-parse/sync';
import { decoderOf, parserOptions } from '../../lib/data/series/csv.js';
import type { CsvOptions, CsvTable } from '../../lib/data/series/csv-options.js';
import { CsvRows } from '../../lib/data/series/csv-rows.js';
import { FileError } from '../../lib/errors.js';

interface Row {
  readonly fields: readonly string[];
  readonly line: number;
}

/** Any bytes are a table of finite numbers, or an error of the format; where texts may be missing, they are numbers, NaN and places of texts. */
export function fuzz(bytes: Buffer): void {
  refusedOr(() => {
    const { data, columns } = tableOf(rowsOf(bytes), {});
    assert.equal(data.shape[1], columns.length);
    assert.ok(data.data.every(Number.isFinite));
  });
  refusedOr(() => {
    const rows = rowsOf(bytes);
    const names = rows[0]?.fields.map((name) => name.trim().normalize()) ?? [];
    const [last] = names.slice(-1);
    if (last === undefined || names.indexOf(last) < names.length - 1) return;
    const { data, columns, ids, categories } = tableOf(rows, { missing: ['', 'NaN'], decimal: ',', categories: [last] });
    assert.deepEqual(data.shape, [rows.length - 1, columns.length]);
    assert.ok(data.data.every((value) => Number.isNaN(value) || Number.isFinite(value)));
    rows.slice(1).forEach(({ fields }, row) => assert.equal(categories[last]![ids[last]!.data[row]!], fields.at(-1)!.trim().normalize()));
  });
}

function rowsOf(bytes: Buffer): readonly Row[] {
  const rows: Row[] = [];
  const decode = decoderOf('it', bytes);
  const add = (fields: readonly string[], line: number): number => rows.push({ fields, line });
  const addEmpty = (line: number): unknown => rows[0]?.fields.length === 1 && add([''], line);
  parse(decode(bytes) + decode(), parserOptions({ add, addEmpty }));
  return rows;
}

function tableOf<Category extends string>(read: readonly Row[], options: CsvOptions<Category>): CsvTable<Category> {
  const rows = new CsvRows('it', options);
  for (const { fields, line } of read) rows.add(fields, line);
  const steps = rows.table();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function refusedOr(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof FileError || error instanceof CsvError)) throw error;
  }
}
