import { DataError } from '../errors.js';

/** Weights by another name, of one word or several: `weights`, `sample_weight`, `classWeights`; not such as `lightweight`. */
const misnamed = /^(sample|example|row|sequence|class)?_?weights?$/i;

/** @throws DataError for data with weights of `rows` under another name than sampleWeight */
export function checkWeightName(what: string, rows: 'rows' | 'sequences', data: object): void {
  const name = Object.keys(data).find((name) => misnamed.test(name) && name !== 'sampleWeight');
  if (name !== undefined)
    throw new DataError(`${what}: expected weights of ${rows} as sampleWeight, got ${name}, which would count nothing.`);
}
