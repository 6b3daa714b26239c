export type { TokenUnit } from './tokenize.js';
export { Vocabulary, type VocabularyOptions } from './vocabulary.js';
