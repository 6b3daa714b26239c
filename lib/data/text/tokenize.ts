/** Text as tokens: code points, or words. */

/** What one token is. */
export type TokenUnit = 'character' | 'word';

/**
 * A run of letters, digits and marks, with apostrophes inside; or any other one code point that is no space.
 * Made only when needed: V8 checks a literal already as it reads the file, and \p costs a millisecond of each import.
 */
const word = (): RegExp => new RegExp("[\\p{L}\\p{N}\\p{M}]+(?:['’][\\p{L}\\p{N}\\p{M}]+)*|[^\\s\\p{L}\\p{N}\\p{M}]", 'gu');

/** The tokens of a text in order: its code points, or its words and marks, in lower case. */
export function* tokenize(text: string, unit: TokenUnit): Generator<string, void, undefined> {
  switch (unit) {
    case 'character':
      yield* text;
      return;
    case 'word':
      for (const [token] of text.toLowerCase().matchAll(word())) yield token;
      return;
    default:
      unit satisfies never;
  }
}

/** Tokens as a text: words get a space between them, so that spaces and capitals of the original are lost. */
export function untokenize(tokens: readonly string[], unit: TokenUnit): string {
  return tokens.join(unit === 'word' ? ' ' : '');
}
