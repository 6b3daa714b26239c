/** What snippets of the documentation leave to their readers: declared for the compiler, never made. */
import type { Batch, Layer, NdArray, Loss, Optimizer, Random, Sequential, Targets, Tensor, Trainer } from '../../lib/index.js';

export { existsSync } from 'node:fs';
export { open } from 'node:fs/promises';

// Data. `labels` are wrapped in one snippet and given as they are in another.
export declare const pixels: Uint8Array;
export declare const labels: Int32Array & NdArray<Int32Array>;
export declare const x: NdArray, xv: NdArray, xt: NdArray, x1: NdArray, y: NdArray, yv: NdArray, yt: NdArray;
export declare const digit: NdArray, angle: NdArray, photos: NdArray, captions: NdArray, spectra: NdArray;
export declare const lengths: NdArray<Int32Array>, lengths1: NdArray<Int32Array>, source: NdArray<Int32Array>;
export declare const train: { readonly x: NdArray; readonly y: NdArray };
export declare const batch: Batch<Targets>;
export declare const book: string;
export declare const expected: readonly Int32Array[];
export declare const upload: Uint8Array;
export declare const files: readonly (readonly [path: string, id: number])[];
export declare const a: Float32Array, b: Float32Array, c: Float32Array;

// Sizes and ids.
export declare const classes: number, features: number, noise: number, first: number, last: number;
export declare function encode(token: number): NdArray;

// Models and what trains them.
export declare const model: Sequential;
export declare const body: Layer, images: Layer, texts: Layer, critic: Layer, discriminator: Layer, generator: Layer;
export declare const translator: { readonly encoder: Layer; readonly decoder: Layer<[Tensor, Tensor]> };
export declare const twoHeads: Layer<[Tensor], { readonly digit: Tensor; readonly angle: Tensor }>;
export declare const layers: readonly Layer[];
export declare const trainer: Trainer;
export declare const loss: Loss;
export declare const optimizer: Optimizer;
export declare const signal: AbortSignal;
export declare const path: string;
export declare const random: Random;
export declare function meanOverProcesses(gradients: ReadonlyMap<string, NdArray>): Promise<Map<string, NdArray>>;
