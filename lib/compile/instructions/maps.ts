/** Elementwise operations over one index space. */
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';

/** In the order of `MapOp` in native/kernels/args.h. */
export const mapOps = [
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'fma',
  'neg',
  'abs',
  'sign',
  'sqrt',
  'square',
  'reciprocal',
  'floor',
  'round',
  'exp',
  'expm1',
  'log',
  'log1p',
  'tanh',
  'sigmoid',
  'erf',
  'sin',
  'cos',
  'less',
  'lessEqual',
  'equal',
  'notEqual',
  'select',
  'relu',
  'isFinite',
  'pow',
  'mulAdd',
  'mulSub',
  'subMul',
] as const;

/**
 * An operation of single elements.
 * @useDeclaredType
 */
export type MapOp = (typeof mapOps)[number];

/** One step of a map: registers are numbered inputs, then constants, then results in order. */
export interface MapStep {
  readonly op: MapOp;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface MapInput {
  readonly tensor: Tensor;
  /** Element of `tensor` at the origin of the index space. */
  readonly offset: number;
  /** Strides over the map's index space, 0 where broadcast. */
  readonly strides: readonly number[];
}

export interface MapOutput {
  readonly tensor: Tensor;
  readonly register: number;
}

export interface Map {
  readonly kind: 'map';
  readonly dims: Shape;
  readonly inputs: readonly MapInput[];
  readonly constants: readonly number[];
  readonly steps: readonly MapStep[];
  readonly outputs: readonly MapOutput[];
}
