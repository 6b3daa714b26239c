/** The convolutions in plain JavaScript: one walk over all products of an image's pixel, a weight and an output's pixel. */
import type { ConvBackwardData, ConvBackwardWeights, ConvForward, ConvShape } from '../../lib/compile/instructions/index.js';
import { type Bound, type Cells, type Context, elementwise, get, set } from './kernels.js';

/** Elements of x, w and y that meet in one product. */
type Visit = (x: number, w: number, y: number) => void;

/** Every product; those of one output pixel in order of (kh, kw, c), pixels in order. */
function products(s: ConvShape, visit: Visit): void {
  const depth = s.c / s.groups;
  const width = s.oc / s.groups;
  for (let p = 0; p < s.n * s.oh * s.ow; p++) {
    const n = Math.floor(p / (s.oh * s.ow));
    const i = Math.floor(p / s.ow) % s.oh;
    const j = p % s.ow;
    for (let tap = 0; tap < s.kh * s.kw; tap++) {
      const row = i * s.strideH - s.padTop + Math.floor(tap / s.kw) * s.dilationH;
      const column = j * s.strideW - s.padLeft + (tap % s.kw) * s.dilationW;
      if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
      for (let c = 0; c < depth; c++) {
        for (let o = 0; o < s.oc; o++) {
          const channel = Math.floor(o / width) * depth + c;
          visit(((n * s.h + row) * s.w + column) * s.c + channel, (tap * depth + c) * s.oc + o, p * s.oc + o);
        }
      }
    }
  }
}

function clear(cells: Cells, size: number): void {
  for (let i = 0; i < size; i++) set(cells, i, 0);
}

function accumulate(cells: Cells, i: number, a: number, b: number, { round }: Context): void {
  set(cells, i, round(get(cells, i) + a * b));
}

export function convForward(a: Bound<ConvForward>, context: Context): void {
  const { n, oh, ow, oc } = a.shape;
  clear(a.out, n * oh * ow * oc);
  products(a.shape, (x, w, y) => accumulate(a.out, y, get(a.x, x), get(a.w, w), context));
  for (let i = 0; i < n * oh * ow * oc; i++) {
    const sum = a.bias === undefined ? get(a.out, i) : context.round(get(a.out, i) + get(a.bias, i % oc));
    set(a.out, i, a.activation === 'none' ? sum : context.round(elementwise(a.activation, [sum], context)));
  }
}

export function convBackwardData(a: Bound<ConvBackwardData>, context: Context): void {
  const { n, h, w: width, c } = a.shape;
  clear(a.out, n * h * width * c);
  products(a.shape, (x, w, y) => accumulate(a.out, x, get(a.dy, y), get(a.w, w), context));
}

export function convBackwardWeights(a: Bound<ConvBackwardWeights>, context: Context): void {
  const { n, oh, ow, oc, kh, kw, c, groups } = a.shape;
  const size = (kh * kw * c * oc) / groups;
  const share = Math.ceil((n * oh * ow) / a.parts);
  clear(a.out, a.parts * size);
  products(a.shape, (x, w, y) => {
    const part = Math.floor(Math.floor(y / oc) / share);
    accumulate(a.out, part * size + w, get(a.x, x), get(a.dy, y), context);
  });
}
