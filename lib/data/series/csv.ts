/** Tables of numbers in CSV files, by the package csv-parse, which is only needed here. */
import { readFile } from 'node:fs/promises';
import type * as csvParse from 'csv-parse/sync';
import { NdArray } from '../../array.js';
import { FileError, OptionError, StateError } from '../../errors.js';
import { type Rule, check, checkOptions } from '../../options.js';
import { fileOrBytes } from '../file.js';
import { reasonOf } from '../../reason.js';

/** Options of {@link readCsv}. */
export interface CsvOptions {
  /** Names of the columns to read, in this order; others may hold anything. Default: all. */
  readonly columns?: readonly string[];
  /** Between fields. Default: ','. */
  readonly delimiter?: string;
}

/** The numbers of a CSV file. */
export interface CsvTable {
  /** `[R, C]`: the rows of the file in order. */
  readonly data: NdArray<Float32Array>;
  /** The name of each column. */
  readonly columns: readonly string[];
}

/**
 * How csv-parse is imported; another way only for tests.
 * @internal What mentions that package is not in the types, which hold without it.
 */
export type ImportCsvParse = () => Promise<Pick<typeof csvParse, 'parse'>>;

interface CsvRecord {
  readonly fields: readonly string[];
  /** From 1. */
  readonly line: number;
}

const names: Rule = {
  expected: 'a list of at least one name',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string'),
};
const text: Rule = { expected: 'a text of at least one character', accepts: (value) => typeof value === 'string' && value !== '' };

/**
 * Reads numbers from a CSV file, from a path or its bytes. The first line names the columns; empty lines are passed over.
 * @throws OptionError for wrong options or a name in `columns` that no column has or several have; StateError if csv-parse is not installed; FileError if the file
 *   cannot be read or has no rows, or naming the line with too many or too few fields or with a field that is
 *   no number or beyond the range of float32
 */
export function readCsv(file: string | Uint8Array, options: CsvOptions = {}): Promise<CsvTable> {
  return readCsvWith(() => import('csv-parse/sync'), file, options);
}

/** @internal */
export async function readCsvWith(importCsvParse: ImportCsvParse, file: string | Uint8Array, options: CsvOptions): Promise<CsvTable> {
  check('readCsv', 'file', file, fileOrBytes);
  checkOptions('readCsv', options, { columns: names, delimiter: text });
  const name = typeof file === 'string' ? file : 'the bytes given';
  const { parse } = await importCsvParse().catch((cause: unknown) => {
    throw new StateError(`readCsv: expected the package csv-parse, got ${reasonOf(cause)}. Install it: npm install csv-parse.`, { cause });
  });
  const fail = (cause: unknown): never => {
    throw new FileError(`readCsv: expected to read ${name}, got ${reasonOf(cause)}.`, { cause });
  };
  const bytes = typeof file === 'string' ? await readFile(file).catch(fail) : file;
  let records: readonly CsvRecord[];
  try {
    records = parseRecords(parse, bytes, options.delimiter);
  } catch (cause) {
    return fail(cause);
  }
  return tableOf(name, records, options.columns);
}

/**
 * Records of any number of fields. @throws whatever csv-parse finds wrong
 * @internal
 */
export function parseRecords(parse: typeof csvParse.parse, bytes: Uint8Array, delimiter = ','): readonly CsvRecord[] {
  const records: CsvRecord[] = [];
  parse(bytes, {
    bom: true,
    delimiter,
    skip_empty_lines: true,
    relax_column_count: true,
    on_record: (fields: string[], { lines }) => {
      records.push({ fields, line: lines });
      return null;
    },
  });
  return records;
}

/**
 * @throws OptionError, FileError as readCsv
 * @internal
 */
export function tableOf(file: string, [header, ...rows]: readonly CsvRecord[], wanted: readonly string[] | undefined): CsvTable {
  if (header === undefined || rows.length === 0)
    throw new FileError(
      `readCsv: expected a line of names and lines of numbers in ${file}, got ${header === undefined ? 'nothing' : 'names only'}.`,
    );
  const known = header.fields;
  const columns = wanted ?? known;
  const places = wanted === undefined ? known.map((_, place) => place) : wanted.map((column) => placeOf(file, known, column));
  const data = new Float32Array(rows.length * columns.length);
  rows.forEach(({ fields, line }, row) => {
    if (fields.length !== known.length)
      throw new FileError(`readCsv: expected ${known.length} fields in each line of ${file}, got ${fields.length} in line ${line}.`);
    places.forEach((place, i) => {
      const field = fields[place]!;
      const value = field.trim() === '' ? NaN : Math.fround(Number(field));
      if (!Number.isFinite(value))
        throw new FileError(
          `readCsv: expected a number that a float32 holds for ${columns[i]} in line ${line} of ${file}, got ${JSON.stringify(field)}.`,
        );
      data[row * columns.length + i] = value;
    });
  });
  return { data: new NdArray(data, [rows.length, columns.length]), columns };
}

/** @throws OptionError unless one column has that name */
function placeOf(file: string, known: readonly string[], column: string): number {
  const place = known.indexOf(column);
  if (place < 0) throw new OptionError(`readCsv: expected columns among ${known.join(', ')} of ${file}, got ${JSON.stringify(column)}.`);
  if (known.includes(column, place + 1)) {
    throw new OptionError(
      `readCsv: expected names for columns that one column of ${file} has, got ${JSON.stringify(column)}, which several have. Rename them in the file, or leave columns out.`,
    );
  }
  return place;
}
