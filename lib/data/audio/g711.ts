/**
 * The logarithmic codes of telephony, a sample in 8 bits: a sign, 3 bits of an exponent e and 4 of a mantissa m.
 * @see ITU-T G.711, 1988, tables 1 and 2
 */

/** A-law, whose even bits are stored inverted, in 13 bits: ±(2m + 1), or from e = 1 on ±(2m + 33) · 2^(e − 1).   byte → [−1, 1) */
export function fromALaw(byte: number): number {
  const bits = byte ^ 0x55;
  const [e, m] = [(bits >> 4) & 7, bits & 15];
  const size = e === 0 ? 2 * m + 1 : (2 * m + 33) * 2 ** (e - 1);
  return (bits < 0x80 ? -size : size) / 2 ** 12;
}

/** µ-law, whose bits are stored inverted, in 14 bits: ±((2m + 33) · 2^e − 33).   byte → [−1, 1) */
export function fromMuLaw(byte: number): number {
  const bits = byte ^ 0xff;
  const [e, m] = [(bits >> 4) & 7, bits & 15];
  const size = (2 * m + 33) * 2 ** e - 33;
  return (bits < 0x80 ? size : 0 - size) / 2 ** 13;
}
