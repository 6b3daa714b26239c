/** What is asked of a CSV file, and what it gives. */
import type { NdArray } from '../../array.js';

/** Options of {@link readCsv}. `Category`: names of the columns of texts. */
export interface CsvOptions<Category extends string = never> {
  /** Names of the columns to read as numbers, in this order; others may hold anything, such as dates. Default: all but those of `categories`. */
  readonly columns?: readonly string[] | undefined;
  /**
   * Whether the first line names the columns; if not, they are called by their places: '0', '1', …. Default: true, but a first line of numbers
   * alone is refused unless `columns` and `categories` ask for those names, or the first is empty.
   */
  readonly header?: boolean | undefined;
  /** Between fields. Default: ','. */
  readonly delimiter?: string | undefined;
  /**
   * Before the decimals of a number: '.', or ',' as in German or French files, whose fields are usually divided by `delimiter: ';'`. The other
   * sign is then no part of a number. Default: '.'.
   */
  readonly decimal?: '.' | ',' | undefined;
  /**
   * What the bytes of the file mean, a name that TextDecoder knows, such as 'latin1'. Default: 'utf-8', or 'utf-16le' and 'utf-16be' after their
   * marks, or where one of the first two bytes is 0; such a byte later in UTF-8 is refused.
   */
  readonly encoding?: string | undefined;
  /** Texts that stand where a number is missing, which is read as NaN: `['', 'NA', 'NaN']`. Default: none, such a field is an error. */
  readonly missing?: readonly string[] | undefined;
  /**
   * Columns of texts, read as ids: their names or, for a file that is to have the ids of another, the `categories` that one was read with.
   * Texts that are the same in normal form (NFC) are one. Default: none.
   */
  readonly categories?: readonly Category[] | Readonly<Record<Category, readonly string[]>> | undefined;
  /**
   * Read texts that are not among the categories given as the id after the last, for which an `Embedding` needs one row more; without it
   * they are errors. That row is trained if the file of the training was read with `minFrequency`; otherwise it keeps its random numbers. Only
   * with categories given. Default: false.
   */
  readonly unknown?: boolean | undefined;
  /** Texts seen less often are no categories: they have the id after the last, as unknown ones. Only with names of `categories`. Default: 1. */
  readonly minFrequency?: number | undefined;
}

/** The columns of a CSV file. */
export interface CsvTable<Category extends string = never> {
  /** `[R, C]`: the numbers, with the rows of the file in order. */
  readonly data: NdArray<Float32Array>;
  /** The name of each column of `data`. */
  readonly columns: readonly string[];
  /** `[R]` for each column of texts: the place of each text in `categories`, or their number if it is not among them. */
  readonly ids: Readonly<Record<Category, NdArray<Int32Array>>>;
  /** The texts of each such column: those given, as they were given, or those found, in NFC and in order of their UTF-16 units whatever the order of the rows. */
  readonly categories: Readonly<Record<Category, readonly string[]>>;
}
