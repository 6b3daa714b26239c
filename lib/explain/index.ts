export { type AttributionOptions, type IntegratedGradientsOptions, inputGradient, integratedGradients } from './attribution.js';
export { type ColumnImportance, type PermutationImportanceOptions, permutationImportance } from './permutation-importance.js';
