/** Tables of numbers and categories in CSV files, by the package csv-parse, which is only needed here. */
import { readFile } from 'node:fs/promises';
import type * as csvParse from 'csv-parse/sync';
import { NdArray } from '../../array.js';
import { FileError, OptionError, StateError } from '../../errors.js';
import { type Rule, boolean, check, checkOptions, either } from '../../options.js';
import { fileOrBytes } from '../file.js';
import { reasonOf } from '../../reason.js';
import { type Field, categoriesOf, categoryColumns, categoryLists } from './categories.js';

/** Options of {@link readCsv}. `Category`: names of the columns of texts. */
export interface CsvOptions<Category extends string = never> {
  /** Names of the columns to read as numbers, in this order; others may hold anything. Default: all but those of `categories`. */
  readonly columns?: readonly string[] | undefined;
  /** Between fields. Default: ','. */
  readonly delimiter?: string | undefined;
  /** What the bytes of the file mean, a name that TextDecoder knows, such as 'latin1'. Default: 'utf-8', or 'utf-16le' after its mark. */
  readonly encoding?: string | undefined;
  /** Texts that stand where a number is missing, which is read as NaN: `['', 'NA', 'NaN']`. Default: none, such a field is an error. */
  readonly missing?: readonly string[] | undefined;
  /**
   * Columns of texts, read as ids: their names or, for a file that is to have the ids of another, the `categories` that one was read with.
   * Default: none.
   */
  readonly categories?: readonly Category[] | Readonly<Record<Category, readonly string[]>> | undefined;
  /**
   * Read texts that are not among the categories given as the id after the last, for which an `Embedding` needs one row more; without it
   * they are errors. Default: false.
   */
  readonly unknown?: boolean | undefined;
}

/** The columns of a CSV file. */
export interface CsvTable<Category extends string = never> {
  /** `[R, C]`: the numbers, with the rows of the file in order. */
  readonly data: NdArray<Float32Array>;
  /** The name of each column of `data`. */
  readonly columns: readonly string[];
  /** `[R]` for each column of texts: the place of each text in `categories`. */
  readonly ids: Readonly<Record<Category, NdArray<Int32Array>>>;
  /** The texts of each such column: those given, or all that are found, in order of their UTF-16 units whatever the order of the rows. */
  readonly categories: Readonly<Record<Category, readonly string[]>>;
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

const texts: Rule = {
  expected: 'a list of texts',
  accepts: (value) => Array.isArray(value) && value.every((text) => typeof text === 'string'),
};
const names: Rule = {
  expected: 'a list of at least one name',
  accepts: (value) => texts.accepts(value) && (value as readonly string[]).length > 0,
};
const knownEncoding: Rule = {
  expected: "a name that TextDecoder knows, such as 'utf-8' or 'latin1',",
  accepts: (value) => {
    try {
      return typeof value === 'string' && new TextDecoder(value) instanceof TextDecoder;
    } catch {
      return false;
    }
  },
};
const text: Rule = { expected: 'a text of at least one character', accepts: (value) => typeof value === 'string' && value !== '' };

/**
 * Reads numbers and categories from a CSV file, from a path or its bytes. The first line names the columns; empty lines are passed over, and so
 * are spaces around names and fields. Lines may end in CR LF, LF or CR.
 *
 * Numbers become float32, which rounds whole numbers beyond 2²⁴ = 16,777,216: read ids as `categories`.
 * ```ts
 * const options = { columns: ['age', 'fare'], missing: ['', 'NA'] };
 * const train = await readCsv('train.csv', { ...options, categories: ['port', 'class'] });
 * const test = await readCsv('test.csv', { ...options, categories: train.categories }); // the same ids
 * train.ids.port; // int32 [R], for new Embedding(train.categories.port.length, width)
 * ```
 * @throws OptionError for wrong options or a name that no column has or several have; StateError if csv-parse is not installed; FileError if the file
 *   cannot be read, is not of its encoding or has no rows, or naming the line with too many or too few fields, with a field that is
 *   no number or beyond the range of float32, or with a text that is not among the categories given
 */
export function readCsv<const Category extends string = never>(
  file: string | Uint8Array,
  options: CsvOptions<Category> = {},
): Promise<CsvTable<Category>> {
  return readCsvWith(() => import('csv-parse/sync'), file, options);
}

/** @internal */
export async function readCsvWith<Category extends string>(
  importCsvParse: ImportCsvParse,
  file: string | Uint8Array,
  options: CsvOptions<Category>,
): Promise<CsvTable<Category>> {
  check('readCsv', 'file', file, fileOrBytes);
  checkOptions('readCsv', options, {
    columns: options.categories === undefined ? names : texts,
    delimiter: text,
    encoding: knownEncoding,
    missing: texts,
    categories: either(names, categoryLists),
    unknown: boolean,
  });
  const name = typeof file === 'string' ? file : 'the bytes given';
  const { parse } = await importCsvParse().catch((cause: unknown) => {
    throw new StateError(`readCsv: expected the package csv-parse, got ${reasonOf(cause)}. Install it: npm install csv-parse.`, { cause });
  });
  const fail = (cause: unknown): never => {
    throw new FileError(`readCsv: expected to read ${name}, got ${reasonOf(cause)}.`, { cause });
  };
  const bytes = typeof file === 'string' ? await readFile(file).catch(fail) : file;
  const content = textOf(name, bytes, options.encoding);
  let records: readonly CsvRecord[];
  try {
    records = parseRecords(parse, content, options.delimiter);
  } catch (cause) {
    return fail(cause);
  }
  return tableOf(name, records, options);
}

/**
 * The text that bytes mean. @throws FileError unless they mean one
 * @internal
 */
export function textOf(file: string, bytes: Uint8Array, encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8'): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FileError(
      `readCsv: expected to read ${file} as ${encoding}, got ${reasonOf(cause)}. Give the encoding it has, such as 'latin1'.`,
      { cause },
    );
  }
}

/**
 * Records of any number of fields. @throws whatever csv-parse finds wrong
 * @internal
 */
export function parseRecords(parse: typeof csvParse.parse, content: string, delimiter = ','): readonly CsvRecord[] {
  const records: CsvRecord[] = [];
  parse(content, {
    delimiter,
    // Told, not found: csv-parse takes the first end of a line for that of all.
    record_delimiter: ['\r\n', '\n', '\r'],
    trim: true,
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
export function tableOf<Category extends string>(
  file: string,
  [header, ...rows]: readonly CsvRecord[],
  options: Pick<CsvOptions<Category>, 'columns' | 'missing' | 'categories' | 'unknown'>,
): CsvTable<Category> {
  if (header === undefined || rows.length === 0)
    throw new FileError(
      `readCsv: expected a line of names and lines of numbers in ${file}, got ${header === undefined ? 'nothing' : 'names only'}.`,
    );
  const known = header.fields.map((name) => name.trim());
  for (const { fields, line } of rows) {
    if (fields.length !== known.length)
      throw new FileError(`readCsv: expected ${known.length} fields in each line of ${file}, got ${fields.length} in line ${line}.`);
  }
  const fieldsAt = (place: number): readonly Field[] => rows.map(({ fields, line }) => ({ text: fields[place]!.trim(), line }));
  const columnOf = (name: string): number => placeOf(file, known, name);

  const texts = categoryColumns(options.categories).map(([name, given]) =>
    categoriesOf(file, name, fieldsAt(columnOf(name)), given, options.unknown),
  );
  const names = new Set<string>(texts.map(({ name }) => name));
  const places = options.columns?.map(columnOf) ?? known.map((_, place) => place).filter((place) => !names.has(known[place]!));
  const data = new Float32Array(rows.length * places.length);
  places.forEach((place, i) => {
    numbersOf(file, known[place]!, fieldsAt(place), options.missing).forEach((value, row) => (data[row * places.length + i] = value));
  });
  return {
    data: new NdArray(data, [rows.length, places.length]),
    columns: places.map((place) => known[place]!),
    ids: Object.fromEntries(texts.map(({ name, ids }) => [name, ids])) as CsvTable<Category>['ids'],
    categories: Object.fromEntries(texts.map(({ name, categories }) => [name, categories])) as CsvTable<Category>['categories'],
  };
}

/** @throws FileError naming the first that is neither a number nor missing */
function numbersOf(file: string, column: string, fields: readonly Field[], missing: readonly string[] = []): readonly number[] {
  return fields.map(({ text, line }) => {
    if (missing.includes(text)) return NaN;
    const value = text === '' ? NaN : Number(text);
    if (Number.isFinite(Math.fround(value))) return value;
    const field = JSON.stringify(text);
    const advice = Number.isNaN(value) ? ` Give missing: [${field}] to read it as NaN, or categories for a column of texts.` : '';
    throw new FileError(`readCsv: expected a number that a float32 holds for ${column} in line ${line} of ${file}, got ${field}.${advice}`);
  });
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
