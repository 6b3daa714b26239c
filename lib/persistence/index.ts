export { type Safetensors, readSafetensors, writeSafetensors } from './safetensors.js';
