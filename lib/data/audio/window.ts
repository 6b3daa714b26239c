/** Windows that frames are multiplied by before their Fourier transform. */
export const windowKinds = ['hann', 'hamming', 'rectangular'] as const;
/**
 * How the samples of a window are weighted.
 * @useDeclaredType
 */
export type WindowKind = (typeof windowKinds)[number];

/** Hamming's constants to two digits, as everywhere. */
const hammingMean = 0.54;

/**
 * The window's values; periodic, as for spectra, so that value n = length would be that of n = 0. One alone is 1, as in PyTorch and NumPy.
 *
 * hann: ½ − ½ cos(2πn / length), hamming: 0.54 − 0.46 cos(2πn / length)
 */
export function windowOf(kind: WindowKind, length: number): Float64Array {
  if (length === 1) return Float64Array.of(1);
  const raisedCosine = (mean: number): Float64Array =>
    Float64Array.from({ length }, (_, n) => mean - (1 - mean) * Math.cos((2 * Math.PI * n) / length));
  switch (kind) {
    case 'hann':
      return raisedCosine(0.5);
    case 'hamming':
      return raisedCosine(hammingMean);
    case 'rectangular':
      return new Float64Array(length).fill(1);
    default:
      return kind satisfies never;
  }
}
