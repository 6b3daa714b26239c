export * from './audio/index.js';
export * from './augment/index.js';
export { readIdx } from './idx.js';
export { imageFolder, type ImageFolder, type ImageFolderOptions } from './image-folder.js';
export * from './sequences/index.js';
export * from './series/index.js';
export * from './split.js';
export * from './text/index.js';
export * from './transform.js';
