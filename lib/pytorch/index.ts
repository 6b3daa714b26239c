export { recurrentFromPyTorch, recurrentToPyTorch } from './recurrent.js';
export { weightsFromPyTorch, weightsToPyTorch } from './weights.js';
