import { array } from '../../lib/array.js';
import * as ops from '../../lib/ops/index.js';
import { type Fn, checkForward, checkGradient, sample } from '../support/check-op.js';

const one = (name: string, fn: Fn, { low = -2, high = 2, operations = 4 } = {}): void => {
  const x = sample([3, 5], 1, low, high);
  it(`${name}: values`, () => checkForward(fn, [x], operations));
  it(`${name}: first and second gradient`, () => checkGradient(fn, [x], 2));
};
const two = (name: string, fn: Fn, { low = -2, high = 2, operations = 4 } = {}): void => {
  const a = sample([2, 3, 4], 1, low, high);
  for (const shape of [[2, 3, 4], [4], [3, 1], []]) {
    const b = sample(shape, 2, low, high);
    it(`${name} with [${shape.join()}]: values`, () => checkForward(fn, [a, b], operations));
    it(`${name} with [${shape.join()}]: first and second gradient`, () => checkGradient(fn, [a, b], 2));
    it(`${name} with [${shape.join()}] first: gradient`, () => checkGradient((x, y) => fn(y, x), [a, b]));
  }
};
/** Values that floats hold exactly, with ties and signs. */
const steps = array(Float32Array.of(-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3.5, -2.5), [3, 4]);

describe('elementwise operations', () => {
  one('neg', (x) => ops.neg(x));
  one('abs', (x) => ops.abs(x));
  one('sqrt', (x) => ops.sqrt(x), { low: 0.2 });
  one('square', (x) => ops.square(x));
  one('reciprocal', (x) => ops.reciprocal(x), { low: 0.3 });
  one('exp', (x) => ops.exp(x));
  one('expm1', (x) => ops.expm1(x));
  one('log', (x) => ops.log(x), { low: 0.2 });
  one('log1p', (x) => ops.log1p(x), { low: -0.7 });
  one('tanh', (x) => ops.tanh(x));
  one('sigmoid', (x) => ops.sigmoid(x));
  one('erf', (x) => ops.erf(x));
  one('sin', (x) => ops.sin(x));
  one('cos', (x) => ops.cos(x));
  one('relu', (x) => ops.relu(x));
  one('softplus', (x) => ops.softplus(x), { operations: 8 });
  one('clip', (x) => ops.clip(x, -0.9, 1.1));
  one('where', (x) => ops.where(ops.less(x, 0.1), ops.square(x), ops.sin(x)));
  one('power of 3', (x) => ops.pow(x, 3));
  one('power of 2, which becomes a square', (x) => ops.pow(x, 2));
  two('add', (a, b) => ops.add(a, b));
  two('sub', (a, b) => ops.sub(a, b));
  two('mul', (a, b) => ops.mul(a, b));
  two('div', (a, b) => ops.div(a, b), { low: 0.4 });
  two('maximum', (a, b) => ops.maximum(a, b));
  two('minimum', (a, b) => ops.minimum(a, b));
  two('pow', (a, b) => ops.pow(a, b), { low: 0.3, operations: 8 });

  for (const [name, fn] of Object.entries({ floor: ops.floor, round: ops.round, sign: ops.sign })) {
    it(`${name}: values, halves included`, () => checkForward((x) => fn(x), [steps]));
  }
  for (const [name, fn] of Object.entries({
    less: ops.less,
    lessEqual: ops.lessEqual,
    greater: ops.greater,
    greaterEqual: ops.greaterEqual,
    equal: ops.equal,
    notEqual: ops.notEqual,
  })) {
    it(`${name}: values`, () => checkForward((x) => fn(x, ops.transpose(ops.reshape(x, [4, 3]))), [steps]));
  }
  it('isFinite: values', () => checkForward((x) => ops.isFinite(ops.div(1, x)), [steps]));
  it('equal values share the gradient of maximum', () => checkForward((x) => ops.maximum(x, 0), [steps]));
  it('casts truncate', () => checkForward((x) => ops.cast(ops.cast(x, 'int32'), 'float32'), [steps]));
  it('integers are read as floats', () =>
    checkForward((x, y) => ops.mul(x, y), [array(Int32Array.of(-3, 0, 7)), array(Uint8Array.of(255, 1, 2))]));
  it('bytes become ids', () => checkForward((x) => ops.cast(x, 'int32'), [array(Uint8Array.of(255, 1, 2))]));
});
