import { type Rule, text } from '../options.js';

/** The form (NFC) in which names that look alike are one: that of the names of macOS, also in archives made there, is often another. */
export const normal = (name: string): string => name.normalize();

/** Classes of files, which are the names of the sub-folders they lie in. */
export const classNames: Rule = {
  expected: 'a list of at least one name, no two alike,',
  accepts: (value) =>
    Array.isArray(value) && value.length > 0 && value.every(text.accepts) && new Set(value.map(normal)).size === value.length,
};
