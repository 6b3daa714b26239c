export { type Safetensors, readSafetensors, writeSafetensors } from './safetensors.js';
export { recurrentFromPyTorch, recurrentToPyTorch } from './pytorch-recurrent.js';
