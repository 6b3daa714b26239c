/** Tables of numbers and categories in CSV files, by the package csv-parse, which is only needed here. */
import { open } from 'node:fs/promises';
import type * as csvParse from 'csv-parse';
import { FileError, OptionError, StateError } from '../../errors.js';
import { type Rule, boolean, check, checkOptions, count, either, oneOf } from '../../options.js';
import { inTurns } from '../../pieces.js';
import { reasonOf } from '../../reason.js';
import { type FileOrBytes, fileOf } from '../file.js';
import { categoryLists, checkRare, checkUnknown } from './categories.js';
import type { CsvOptions, CsvTable } from './csv-options.js';
import { CsvRows } from './csv-rows.js';

/**
 * How csv-parse is imported; another way only for tests.
 * @internal What mentions that package is not in the types, which hold without it.
 */
export type ImportCsvParse = () => Promise<Pick<typeof csvParse, 'parse'>>;

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
const delimiter: Rule = {
  expected: 'a text of at least one character, without quotes and ends of lines,',
  accepts: (value) => typeof value === 'string' && /^[^"\r\n]+$/.test(value),
};

/**
 * Reads numbers and categories from a CSV file, from a path or its bytes. The first line names the columns unless `header` is false; empty lines
 * are passed over, and so are spaces around names and fields. In a file of one column an empty line between others is an empty field, as a row
 * that is lost would move all later ones up. Lines may end in CR LF, LF or CR.
 *
 * A file of any size is read piece by piece, some 5 MB a second, with a turn of the event loop after every 4 ms or so of work. Bytes that are
 * given have to stay as they are until then.
 *
 * Numbers become float32, which rounds whole numbers beyond 2²⁴ = 16,777,216: read ids as `categories`.
 * ```ts
 * const options = { columns: ['age', 'fare'], missing: ['', 'NA'] };
 * const train = await readCsv('train.csv', { ...options, categories: ['port', 'class'] });
 * const test = await readCsv('test.csv', { ...options, categories: train.categories }); // the same ids
 * train.ids.port; // int32 [R], for new Embedding(train.categories.port.length, width)
 * ```
 * @throws OptionError for wrong options or a name that no column has or several have; StateError if csv-parse is not installed; FileError if the file
 *   cannot be read, is not of its encoding, has no rows, or numbers where names are expected, or naming the line with too many or too few fields, with a
 *   field that is no number or beyond the range of float32, or with a text that is not among the categories given
 */
export function readCsv<const Category extends string = never>(
  file: FileOrBytes,
  options: CsvOptions<Category> = {},
): Promise<CsvTable<Category>> {
  return readCsvWith(() => import('csv-parse'), file, options);
}

/** @internal */
export async function readCsvWith<Category extends string>(
  importCsvParse: ImportCsvParse,
  file: FileOrBytes,
  options: CsvOptions<Category>,
): Promise<CsvTable<Category>> {
  const { content, name } = fileOf('readCsv', file);
  checkOptions('readCsv', options, {
    columns: texts,
    header: boolean,
    delimiter,
    decimal: oneOf('.', ','),
    encoding: knownEncoding,
    missing: texts,
    categories: either(names, categoryLists),
    unknown: boolean,
    minFrequency: count,
  });
  if (options.columns !== undefined && options.categories === undefined) check('readCsv', 'columns', options.columns, names);
  if (options.unknown === true) checkUnknown(options.categories);
  if (options.minFrequency !== undefined) checkRare(options.categories);
  const { parse } = await importCsvParse().catch((cause: unknown) => {
    throw new StateError(`readCsv: expected the package csv-parse, got ${reasonOf(cause)}. Install it: npm install csv-parse.`, { cause });
  });
  const { pipeline } = await import('node:stream/promises');
  const rows = new CsvRows(name, options);
  try {
    await pipeline(textsOf(name, piecesOf(content), options.encoding), parse(parserOptions(rows, options.delimiter)));
  } catch (cause) {
    if (cause instanceof FileError || cause instanceof OptionError) throw cause;
    throw new FileError(`readCsv: expected to read ${name}, got ${reasonOf(cause)}.`, { cause });
  }
  return inTurns(rows.table());
}

/**
 * How csv-parse reads records of any number of fields into `rows`.
 * @internal
 */
export function parserOptions(rows: Pick<CsvRows, 'add' | 'addEmpty'>, delimiter = ','): csvParse.Options<string[]> {
  let ends = 0;
  let line = 0;
  let empty = 0;
  return {
    delimiter,
    // Told, not found: csv-parse takes the first end of a line for that of all.
    record_delimiter: ['\r\n', '\n', '\r'],
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    on_record: (fields, { lines, empty_lines }) => {
      while (empty < empty_lines) {
        empty++;
        rows.addEmpty(++line);
      }
      // Within quotes csv-parse counts CR LF as the ends of two lines.
      for (const field of fields) if (field.includes('\r\n')) ends += field.split('\r\n').length - 1;
      line = lines - ends;
      rows.add(fields, line);
      return null;
    },
  };
}

/** Bytes that are parsed in one turn of the event loop: some 4 ms of work. */
const pieceBytes = 2 ** 14;

/** A file piece by piece, after each of which the event loop has its turn. */
async function* piecesOf(file: string | Uint8Array): AsyncGenerator<Uint8Array> {
  if (typeof file !== 'string') {
    for (let at = 0; at < file.length; at += pieceBytes) {
      yield file.subarray(at, at + pieceBytes);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return;
  }
  const handle = await open(file);
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(pieceBytes));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** The texts that pieces of bytes mean. @throws FileError unless they mean one */
async function* textsOf(file: string, pieces: AsyncIterable<Uint8Array>, encoding?: string): AsyncGenerator<string> {
  let decode: ((piece?: Uint8Array) => string) | undefined;
  for await (const piece of pieces) {
    decode ??= decoderOf(file, piece, encoding);
    yield decode(piece);
  }
  if (decode !== undefined) yield decode();
}

/**
 * A function that gives the texts of the pieces of a file and, called without one, that of its end; `first` is the first piece.
 * That function @throws FileError for bytes of another encoding.
 * @internal
 */
export function decoderOf(file: string, first: Uint8Array, asked?: string): (piece?: Uint8Array) => string {
  if (first[0] === 0x1f && first[1] === 0x8b)
    throw new FileError(`readCsv: expected a text in ${file}, got a gzip archive. Unpack it first.`);
  const encoding = asked ?? encodingOf(first);
  const decoder = new TextDecoder(encoding, { fatal: true });
  return (piece) => {
    if (asked === undefined && encoding === 'utf-8' && piece?.includes(0) === true)
      throw new FileError(
        `readCsv: expected to read ${file} as utf-8, got U+0000, as in UTF-16. Give encoding: 'utf-16le', or 'utf-8' if it is that.`,
      );
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch (cause) {
      throw new FileError(
        `readCsv: expected to read ${file} as ${encoding}, got ${reasonOf(cause)}. Give the encoding it has, such as 'latin1'.`,
        { cause },
      );
    }
  };
}

/** By the mark of byte order that a file begins with, or the half of its first character that is 0. */
function encodingOf([first, second]: Uint8Array): string {
  if ((first === 0xff && second === 0xfe) || second === 0) return 'utf-16le';
  return (first === 0xfe && second === 0xff) || first === 0 ? 'utf-16be' : 'utf-8';
}
