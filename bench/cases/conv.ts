import { pixelParts } from '../../lib/ops/conv.js';
import { usesWinograd, winogradParts } from '../../lib/ops/winograd.js';
import { convDrivers } from '../drivers/conv.js';
import type { Case, Suite } from '../types.js';

interface Convolution {
  readonly name: string;
  readonly n: number;
  readonly c: number;
  readonly size: readonly [h: number, w: number];
  readonly oc: number;
  readonly kernel: readonly [kh: number, kw: number];
  readonly stride: number;
  readonly padding: number;
  readonly groups: number;
}

const convolution = (
  name: string,
  [n, c, size, oc, kernel]: readonly [n: number, c: number, size: number, oc: number, kernel: number],
  { stride = 1, padding = 0, groups = 1 } = {},
): Convolution => ({ name, n, c, size: [size, size], oc, kernel: [kernel, kernel], stride, padding, groups });

/** Layers of LeNet, small convolutional nets, VGG and ResNet for 32 × 32 and 224 × 224 pixels, and of DeepBench. */
const convolutions: readonly Convolution[] = [
  convolution('C1 LeNet 1', [64, 1, 28, 6, 5], { padding: 2 }),
  convolution('C2 LeNet 2', [64, 6, 14, 16, 5]),
  convolution('C3 MNIST 1', [64, 1, 28, 32, 3], { padding: 1 }),
  convolution('C4 MNIST 2', [64, 32, 14, 64, 3], { padding: 1 }),
  convolution('C5 VGG stem', [64, 3, 32, 64, 3], { padding: 1 }),
  convolution('C6 VGG', [64, 64, 32, 64, 3], { padding: 1 }),
  convolution('C7 VGG', [64, 128, 16, 128, 3], { padding: 1 }),
  convolution('C8 VGG', [64, 256, 8, 256, 3], { padding: 1 }),
  convolution('C9 ResNet down', [64, 64, 32, 128, 3], { stride: 2, padding: 1 }),
  convolution('C10 ResNet last', [64, 512, 4, 512, 3], { padding: 1 }),
  convolution('C11 ResNet/224 stem', [8, 3, 224, 64, 7], { stride: 2, padding: 3 }),
  convolution('C12 ResNet/224', [8, 64, 56, 64, 3], { padding: 1 }),
  convolution('C13 ResNet/224', [8, 128, 28, 128, 3], { padding: 1 }),
  convolution('C14 ResNet/224', [8, 256, 14, 256, 3], { padding: 1 }),
  convolution('C15 ResNet/224', [8, 512, 7, 512, 3], { padding: 1 }),
  convolution('C16 projection', [8, 64, 56, 128, 1], { stride: 2 }),
  convolution('C17 bottleneck', [8, 256, 56, 64, 1]),
  convolution('C18 DeepBench', [16, 192, 28, 32, 5], { padding: 2 }),
  convolution('C19 depthwise', [8, 128, 56, 128, 3], { padding: 1, groups: 128 }),
  convolution('C19 depthwise', [8, 128, 56, 128, 3], { stride: 2, padding: 1, groups: 128 }),
  { name: 'C20 speech', n: 16, c: 1, size: [700, 161], oc: 32, kernel: [20, 5], stride: 2, padding: 0, groups: 1 },
];

const passes = ['forward', 'data', 'weights'] as const;

function convCase(
  { name, n, c, size, oc, kernel, stride, padding, groups }: Convolution,
  pass: (typeof passes)[number],
  threads: number,
): Case {
  const [h, w] = size;
  const [kh, kw] = kernel;
  const [oh, ow] = [Math.floor((h + 2 * padding - kh) / stride) + 1, Math.floor((w + 2 * padding - kw) / stride) + 1];
  const geometry = { strideH: stride, strideW: stride, dilationH: 1, dilationW: 1, padTop: padding, padLeft: padding };
  const shape = { n, h, w, c, oh, ow, oc, kh, kw, ...geometry, groups };
  const transforms = usesWinograd(shape);
  const parts = transforms ? winogradParts(shape) : pixelParts(shape);
  const weights = kh * kw * (c / groups) * oc;
  const details = `${stride > 1 ? ` s${stride}` : ''}${padding > 0 ? ` p${padding}` : ''}${groups > 1 ? ` g${groups}` : ''}`;
  return {
    name: `${name} ${pass} ${n}×${h}×${w}×${c} → ${oc}, ${kh}×${kw}${details}`,
    request: [pass, n, h, w, c, oh, ow, oc, kh, kw, stride, stride, padding, padding, groups, parts, Number(transforms)].join(' '),
    threads,
    flops: 2 * n * oh * ow * weights,
    bytes: 4 * (n * h * w * c + weights + n * oh * ow * oc),
  };
}

export function convSuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.flatMap((threads) => convolutions.flatMap((shape) => passes.map((pass) => convCase(shape, pass, threads))));
  return { name: 'conv', unit: 'GFLOP/s', cases, rounds: 9, sliceMilliseconds: 10, drivers: convDrivers };
}
