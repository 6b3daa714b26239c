/** Folders of WAV files. */
import { join, relative } from 'node:path';
import type { NdArray } from '../../array.js';
import { FileError } from '../../errors.js';
import { filesUnder } from '../files-under.js';
import { checkOptions } from '../../options.js';
import { reasonOf } from '../../reason.js';
import { type WavOptions, readWav, wavRules } from './wav.js';
import { type Path, pathOf } from '../../paths.js';

/** The sounds of a directory, as {@link wavFolder} reads them. */
export interface WavFolder {
  /** A signal for each file: [S], or with mono: false [S, C]. */
  readonly signals: readonly NdArray<Float32Array>[];
  /** The file of each signal, from the directory on, in order of their code units. */
  readonly files: readonly string[];
  /** Samples a second, the same in all files or asked for. */
  readonly sampleRate: number;
}

/**
 * Reads the WAV files of a directory, as deep as they lie in it. Labels are the caller's: from names of files or of folders. Links
 * are followed; hidden files and those whose name does not end in .wav are passed over.
 * @throws OptionError for wrong options; FileError if the directory cannot be read or has no WAV files, or naming the first file that
 *   cannot be read or has another sample rate than the first
 */
export async function wavFolder(directory: Path, options: WavOptions = {}): Promise<WavFolder> {
  const root = pathOf('wavFolder', 'directory', directory);
  checkOptions('wavFolder', options, wavRules);
  const files = await listWavFiles(root);
  const signals: NdArray<Float32Array>[] = [];
  let rate: number | undefined;
  // One by one, so that the first file in order is the one an error names.
  for (const file of files) {
    const { samples, sampleRate } = await readWav(join(root, file), options);
    rate ??= sampleRate;
    if (sampleRate !== rate) {
      throw new FileError(
        `wavFolder: expected one sample rate in ${root}, ${rate} as in ${files[0]}, got ${sampleRate} in ${file}. Ask for one by { sampleRate: ${rate} }.`,
      );
    }
    signals.push(samples);
  }
  return { signals, files, sampleRate: rate! };
}

async function listWavFiles(directory: string): Promise<readonly string[]> {
  const paths = await filesUnder(directory).catch((cause: unknown) => {
    throw new FileError(`wavFolder: expected to read ${directory}, got ${reasonOf(cause)}.`, { cause });
  });
  const files = paths
    .filter((path) => path.toLowerCase().endsWith('.wav'))
    .map((path) => relative(directory, path))
    .sort();
  if (files.length === 0) throw new FileError(`wavFolder: expected WAV files in ${directory}, got none.`);
  return files;
}
