/** Text as tokens: code points, or words. */

/** What one token is. */
export type TokenUnit = 'character' | 'word';

const letter = '[\\p{L}\\p{N}]';
/** The joiners of zero width stand inside of words of Persian and Hindi. */
const run = `${letter}[\\p{L}\\p{N}\\p{M}\\u200c-\\u200d]*`;
/** The space of zero width divides words as others do. */
const other = '[^\\s\\u200b\\p{L}\\p{N}]';
/** Marks, variation selectors among them, joiners, shades of skin, and what flags of regions are spelt with. */
const attached = '[\\p{M}\\p{Emoji_Modifier}\\u200c-\\u200d\\u{e0020}-\\u{e007f}]';

/**
 * A run of letters, digits and their marks, with apostrophes inside; or any other one character that is no space, with what is attached or
 * joined to it, so that an emoji is one token.
 * Made only when needed: V8 checks a literal already as it reads the file, and \p costs a millisecond of each import.
 */
const word = (): RegExp => new RegExp(`${run}(?:['’]${run})*|(?:\\p{RI}{2}|${other})(?:${attached}|(?<=\\u200d)${other})*`, 'gu');

/** Where a word may be divided at the end of a line: it is neither a mark nor a part of the word. */
const softHyphen = '\u00ad';

/** The tokens of a text in order: its code points, or its words and marks, in lower case and in the one form (NFC) of those that look alike. */
export function* tokenize(text: string, unit: TokenUnit): Generator<string, void, undefined> {
  switch (unit) {
    case 'character':
      yield* text;
      return;
    case 'word':
      for (const [token] of text.replaceAll(softHyphen, '').toLowerCase().normalize().matchAll(word())) yield token;
      return;
    default:
      unit satisfies never;
  }
}

/** Tokens as a text: words get a space between them, so that spaces and capitals of the original are lost. */
export function untokenize(tokens: readonly string[], unit: TokenUnit): string {
  return tokens.join(unit === 'word' ? ' ' : '');
}
