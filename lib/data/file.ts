import { type Rule, check } from '../options.js';
import { type Path, pathOf, pathRule } from '../paths.js';
import { isBytes, plain } from '../typed-arrays.js';

/** What the readers of files take: where it lies, or its bytes. */
export type FileOrBytes = Path | Uint8Array;

const fileOrBytes: Rule = {
  expected: 'a path, a file: URL or a Uint8Array of its bytes',
  accepts: (value) => isBytes(value) || pathRule.accepts(value),
};

/** Its path or its bytes, and what errors call it. @throws OptionError for neither; StateError if the bytes are gone */
export function fileOf(what: string, file: FileOrBytes): { readonly content: string | Uint8Array; readonly name: string } {
  check(what, 'file', file, fileOrBytes);
  if (isBytes(file)) return { content: plain(what, file), name: 'the bytes given' };
  const path = pathOf(what, 'file', file);
  return { content: path, name: path };
}

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
