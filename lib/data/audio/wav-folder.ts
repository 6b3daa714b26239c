/** Folders of WAV files. */
import { dirname, join, relative, sep } from 'node:path';
import { type NdArray, array } from '../../array.js';
import { FileError } from '../../errors.js';
import { checkOptions, oneOf } from '../../options.js';
import { type Path, pathOf } from '../../paths.js';
import { inTurns } from '../../pieces.js';
import { reasonOf } from '../../reason.js';
import { classNames, normal } from '../class-names.js';
import { bytesAt, filesUnder } from '../files-under.js';
import { type Wav, type WavOptions, wavOf, wavRules } from './wav.js';

/** Options of {@link wavFolder}. */
export interface WavFolderOptions extends WavOptions {
  /** What to do with a file that cannot be read: refuse the folder, or leave the file out and say so. Default: 'throw'. */
  readonly onError?: 'throw' | 'skip' | undefined;
  /**
   * Names of the sub-folders to read, in the order of their ids: the `classes` of the folder a model was trained on, of which this one may lack some.
   * Files elsewhere are left out; names that are the same in normal form (NFC) are one. Default: all files, with the classes there are, in order of
   * their code units.
   */
  readonly classes?: readonly string[] | undefined;
}

/** The sounds of a directory, as {@link wavFolder} reads them. */
export interface WavFolder {
  /** A signal for each file: [S], or with mono: false [S, C]. */
  readonly signals: readonly NdArray<Float32Array>[];
  /** `[N]`: the place in `classes` of the sub-folder of each file, −1 for a file that lies in none. */
  readonly y: NdArray<Int32Array>;
  /** Names of the sub-folders: those asked for, or those that have WAV files, in NFC and in order of their code units. */
  readonly classes: readonly string[];
  /** The file of each signal, from the directory on, in order of their code units. */
  readonly files: readonly string[];
  /** Samples a second, the same in all files or asked for. */
  readonly sampleRate: number;
  /** Files left out and why. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * Reads the WAV files of a directory, as deep as they lie in it, as {@link readWav} does. Files are of the class whose name the
 * sub-folder of the directory has that they lie in, as deep as it may be; other labels are the caller's, from names of files.
 * Links are followed; hidden files and those whose name does not end in .wav are passed over.
 * @throws OptionError for wrong options; FileError if the directory cannot be read or has no WAV files, if no file can be read, or naming the first that
 *   has another sample rate than those before it or, unless `onError` is 'skip', that cannot be read
 */
export async function wavFolder(directory: Path, options: WavFolderOptions = {}): Promise<WavFolder> {
  const root = pathOf('wavFolder', 'directory', directory);
  const {
    onError,
    classes: asked,
    ...wavOptions
  } = checkOptions('wavFolder', options, {
    ...wavRules,
    onError: oneOf('throw', 'skip'),
    classes: classNames,
  });
  const files: string[] = [];
  const signals: NdArray<Float32Array>[] = [];
  const skipped: { readonly file: string; readonly reason: string }[] = [];
  let rate: number | undefined;
  const listed = await listWavFiles(root, asked);
  const classes = asked ?? [...new Set(listed.map(folderOf))].filter((name) => name !== none).sort();
  // One by one, so that the first file in order is the one an error names.
  for (const file of listed) {
    const path = join(root, file);
    let wav: Wav;
    try {
      wav = await inTurns(wavOf(await bytesAt(path), wavOptions));
    } catch (cause) {
      const reason = reasonOf(cause);
      if (onError !== 'skip')
        throw new FileError(`wavFolder: expected to read ${path}, got ${reason}. Repair or remove it, or pass onError: 'skip'.`, { cause });
      skipped.push({ file, reason });
      continue;
    }
    rate ??= wav.sampleRate;
    if (wav.sampleRate !== rate) {
      throw new FileError(
        `wavFolder: expected one sample rate in ${root}, ${rate} as in ${files[0]}, got ${wav.sampleRate} in ${file}. Ask for one by { sampleRate: ${rate} }.`,
      );
    }
    files.push(file);
    signals.push(wav.samples);
  }
  if (rate === undefined) throw new FileError(`wavFolder: expected WAV files in ${root}, got none that can be read.`);
  const ids = new Map(classes.map((name, id) => [normal(name), id]));
  const y = Int32Array.from(files, (file) => ids.get(folderOf(file)) ?? -1);
  return { signals, y: array(y), classes, files, sampleRate: rate, skipped };
}

/** How `dirname` says that a file lies in no folder. */
const none = '.';

/** The first folder in the path of a file, in NFC. */
function folderOf(file: string): string {
  return normal(dirname(file).split(sep)[0]!);
}

async function listWavFiles(directory: string, classes?: readonly string[]): Promise<readonly string[]> {
  const names = classes && new Set(classes.map(normal));
  const paths = await filesUnder(directory).catch((cause: unknown) => {
    throw new FileError(`wavFolder: expected to read ${directory}, got ${reasonOf(cause)}.`, { cause });
  });
  const files = paths
    .filter((path) => path.toLowerCase().endsWith('.wav'))
    .map((path) => relative(directory, path))
    .filter((file) => names?.has(folderOf(file)) ?? true)
    .sort();
  if (files.length === 0) {
    const where = classes === undefined ? directory : `the sub-folders ${classes.join(', ')} of ${directory}`;
    throw new FileError(`wavFolder: expected WAV files in ${where}, got none.`);
  }
  return files;
}
