import { type Rule, text } from '../options.js';

/** Classes of files, which are the names of the sub-folders they lie in. */
export const classNames: Rule = {
  expected: 'a list of at least one name, no two alike,',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(text.accepts) && new Set(value).size === value.length,
};
