export * from './augment/index.js';
export * from './idx.js';
export { imageFolder, type ImageFolder, type ImageFolderOptions } from './image-folder.js';
export * from './split.js';
export * from './transform.js';
