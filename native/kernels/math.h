// Elementary functions of a vector: exp, expm1, log, log1p, tanh, sigmoid, erf, sin, cos, pow.
//
// The same sequence of correctly rounded operations on every ISA with FMA, so the same bits there; the baseline rounds
// products before adding and stays within one more ULP, save where said. NaN in gives NaN out, ±inf and ±0 go where IEEE 754 says.
// All this with denormals flushed, as programs and raw kernels run: subnormal arguments may count as zero, a result below 2^-126 is zero.
//
// Largest error found against float64, in ULP, on the rows with FMA: every float of 2^-13 ≤ |x| < 128 and a stride over the others
// (pow: a million pairs over all results). native/test/math_test.cc holds the bounds in brackets; LANEWISE_EXHAUSTIVE=1 tries every float.
//   exp   0.93 (1)     log    0.83 (1)     tanh     2.57 (3)       erf        1.08 (1.5)
//   expm1 1.56 (2)     log1p  1.39 (2)     sigmoid  2.41 (2.5)     sin, cos   1.58 (2), |x| ≤ kTrigonometricLimit, NaN beyond
//   pow   0.91 (3)
// Coefficients: scripts/minimax/minimax.py.
#pragma once

#include "args.h"

namespace lanewise::LW_ISA {
namespace {

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");
constexpr float kMinNormal = 0x1p-126f;

// c0 + c1·x + c2·x² + …
LW_INLINE F32 horner(F32, float c) { return set1(c); }
template <class... Floats>
LW_INLINE F32 horner(F32 x, float c, Floats... rest) {
  return fma(x, horner(x, rest...), set1(c));
}

// NaN wins; of two equal operands the second is returned.
LW_INLINE F32 maximum(F32 a, F32 b) { return select(unordered(a, a), a, max_second(a, b)); }
LW_INLINE F32 minimum(F32 a, F32 b) { return select(unordered(a, a), a, min_second(a, b)); }

// Adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits.
constexpr float kRounder = 0x1.8p23f;

// x = n · ln 2 + r, |r| ≤ ln 2 / 2 (+ rounding). ln 2 is split so that n · ln2_high is exact.
struct ExpReduction {
  I32 n;  // in the low bits; those above are not clean
  F32 r;
};
LW_INLINE ExpReduction reduce_exp(F32 x) {
  const F32 shifted = fma(x, set1(0x1.715476p+0f), set1(kRounder));
  const F32 n = sub(shifted, set1(kRounder));
  const F32 r = fnma(n, set1(0x1.7f7d1cp-20f), fnma(n, set1(0x1.62e4p-1f), x));
  return {float_to_bits(shifted), r};
}

constexpr float kExpLow = -0x1.5d589ep+6f;  // the first float whose exp is normal, -87.33654
constexpr float kExpHigh = 0x1.62e42ep+6f;  // the last one whose exp is finite, 88.72283

LW_INLINE F32 exp_polynomial(F32 r) { return horner(r, 1.0f, 1.0f, 0.5f, 0x1.5554a0p-3f, 0x1.555448p-5f, 0x1.1233f8p-7f, 0x1.6e4aaep-10f); }

LW_INLINE F32 exp(F32 x) {
  const ExpReduction e = reduce_exp(x);
  const F32 p = exp_polynomial(e.r);
  const F32 y = bits_to_float(add_i(float_to_bits(p), shift_left<23>(e.n)));
  const F32 bounded = select(less_equal(x, set1(kExpHigh)), y, add(x, set1(kInfinity)));
  return select(less(x, set1(kExpLow)), zero(), bounded);
}

// exp for x ≤ 0 or NaN, a little cheaper.
LW_INLINE F32 exp_nonpositive(F32 x) {
  const ExpReduction e = reduce_exp(x);
  const F32 p = exp_polynomial(e.r);
  const F32 scale = bits_to_float(add_i(shift_left<23>(e.n), set1_i(127 << 23)));
  return select(less(x, set1(kExpLow)), zero(), mul(p, scale));
}

// (e^x − 1) / 2 = (2^n · (expm1(r) + 1) − 1) / 2: at half scale n = 128 does not overflow.
LW_INLINE F32 half_expm1(ExpReduction e) {
  const F32 q = horner(e.r, 0.5f, 0x1.5554a0p-3f, 0x1.555448p-5f, 0x1.1233f8p-7f, 0x1.6e4aaep-10f);
  const F32 m = fma(mul(e.r, e.r), q, e.r);
  const F32 half_scale = bits_to_float(add_i(shift_left<23>(e.n), set1_i(126 << 23)));
  return fma(half_scale, m, sub(half_scale, set1(0.5f)));
}

LW_INLINE F32 expm1(F32 x) {
  const F32 lifted = max_second(set1(-18.0f), x);  // −1 to the last bit from there on
  const F32 half = half_expm1(reduce_exp(lifted));
  // So small it is x, and half of the smallest would be flushed. The sum with 0 flushes what is subnormal; of x, as compilers leave it out
  // where the sign is known.
  const F32 y = copysign(select(less(abs(x), set1(0x1p-30f)), add(x, zero()), add(half, half)), x);
  return select(less_equal(x, set1(kExpHigh)), y, add(x, set1(kInfinity)));
}

// x = 2^exponent · mantissa, √½ ≤ mantissa < √2.
struct LogReduction {
  I32 exponent;
  F32 mantissa;
};
LW_INLINE LogReduction reduce_log(F32 x) {
  const I32 bits = float_to_bits(x);
  const I32 exponent = shift_right_signed<23>(sub_i(bits, set1_i(0x3f3504f3)));
  return {exponent, bits_to_float(sub_i(bits, shift_left<23>(exponent)))};
}

// n · ln 2 + log(1 + f)
LW_INLINE F32 log_sum(F32 n, F32 f) {
  const F32 q = horner(f, 0x1.555548p-2f, -0x1.000070p-2f, 0x1.99a542p-3f, -0x1.552f16p-3f, 0x1.2303d6p-3f, -0x1.0100e8p-3f, 0x1.efcef8p-4f,
                       -0x1.bf6a94p-4f, 0x1.b7960ep-5f);
  const F32 f2 = mul(f, f);
  const F32 tail = fnma(set1(0.5f), f2, fma(mul(f, f2), q, mul(n, set1(0x1.7f7d1cp-20f))));
  return fma(n, set1(0x1.62e4p-1f), add(f, tail));
}

LW_INLINE F32 log(F32 x) {
  const LogReduction l = reduce_log(x);
  const F32 y = log_sum(to_float(l.exponent), sub(l.mantissa, set1(1.0f)));
  const F32 bounded = select(less(x, set1(kInfinity)), y, x);
  const F32 low = select(less_equal(x, set1(-kMinNormal)), set1(kNaN), set1(-kInfinity));
  return select(less(x, set1(kMinNormal)), low, bounded);
}

LW_INLINE F32 log1p(F32 x) {
  const F32 one = set1(1.0f);
  const F32 u = add(one, x);
  const F32 t = sub(u, one);
  const F32 lost = add(sub(one, sub(u, t)), sub(x, t));  // u + lost = 1 + x
  const LogReduction l = reduce_log(u);
  const F32 scale = bits_to_float(sub_i(set1_i(127 << 23), shift_left<23>(l.exponent)));
  const F32 rough = sub(l.mantissa, one);
  const F32 f = select(less(x, set1(0x1p60f)), fma(lost, scale, rough), rough);  // far out the scale leaves the range
  const F32 y = copysign(log_sum(to_float(l.exponent), f), x);
  const F32 bounded = select(less(x, set1(kInfinity)), y, x);
  const F32 low = select(less(x, set1(-1.0f)), set1(kNaN), set1(-kInfinity));
  return select(less_equal(x, set1(-1.0f)), low, bounded);
}

// 1 / (1 + e^-x), as z / (1 + z) for negative x: no cancellation, no overflow.
LW_INLINE F32 sigmoid(F32 x) {
  const F32 z = exp_nonpositive(neg(abs(x)));
  const F32 numerator = select(less(x, zero()), z, set1(1.0f));
  return div(numerator, add(set1(1.0f), z));
}

// h / (h + 1) with h = expm1(2|x|) / 2; it is 1 from |x| = 9.02 on.
LW_INLINE F32 tanh(F32 x) {
  const F32 a = min_second(set1(10.0f), abs(x));
  const ExpReduction e = reduce_exp(add(a, a));
  const F32 h = half_expm1(e);
  return copysign(div(h, add(h, set1(1.0f))), x);
}

// x + x·P(x²) below 1, 1 − exp(Q(|x|)) beyond.
LW_INLINE F32 erf(F32 x) {
  const F32 t = mul(x, x);
  const F32 p =
      horner(t, 0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2ce6p-4f, -0x1.b7f71ap-6f, 0x1.53f224p-8f, -0x1.a3515ep-11f, 0x1.4771fep-14f);
  const F32 a = abs(x);
  const F32 c = min_second(set1(4.0f), a);
  const F32 q = horner(c, 0x1.8b3f28p-13f, -0x1.212c2cp+0f, -0x1.4434f8p-1f, -0x1.bc1868p-4f, 0x1.9d0a5ap-6f, -0x1.1395fep-8f,
                       0x1.cede5cp-12f, -0x1.6bf104p-16f);
  const F32 far = copysign(sub(set1(1.0f), exp_nonpositive(q)), x);
  // Where products are rounded, that of the smallest x with p would be flushed.
  const F32 near = kFused ? fma(x, p, x) : mul(x, add(p, set1(1.0f)));
  return select(less(a, set1(1.0f)), near, far);
}

// Up to here the reduction by π/2 keeps its relative accuracy; beyond, sin and cos are NaN rather than noise.
constexpr float kTrigonometricLimit = kFused ? 1e6f : 1e4f;

struct QuarterTurns {
  I32 n;  // quarter turns in the low bits
  F32 r;  // |r| ≤ π/4
};
LW_INLINE QuarterTurns reduce_quarter(F32 x) {
  const F32 shifted = fma(x, set1(0x1.45f306p-1f), set1(kRounder));
  const F32 n = sub(shifted, set1(kRounder));
  F32 r;
  if constexpr (kFused) {
    r = fnma(n, set1(0x1.921fb6p+0f), x);
    r = fnma(n, set1(-0x1.777a5cp-25f), r);
    r = fnma(n, set1(-0x1.ee59dap-50f), r);
  } else {  // parts of 11 bits: their products with n are exact
    r = fnma(n, set1(0x1.92p+0f), x);
    r = fnma(n, set1(0x1.fb4p-12f), r);
    r = fnma(n, set1(0x1.444p-24f), r);
    r = fnma(n, set1(0x1.68c234p-39f), r);
  }
  return {float_to_bits(shifted), r};
}

LW_INLINE F32 sin_of_turns(I32 n, F32 r) {
  const F32 t = mul(r, r);
  const F32 s = fma(mul(r, t), horner(t, -0x1.555546p-3f, 0x1.110776p-7f, -0x1.9952fap-13f), r);
  const F32 c = fma(mul(t, t), horner(t, 0x1.55554ap-5f, -0x1.6c098ap-10f, 0x1.98c0d2p-16f), fnma(set1(0.5f), t, set1(1.0f)));
  const F32 magnitude = select(not_equal(to_float(and_i(n, set1_i(1))), zero()), c, s);
  return bits_to_float(xor_i(float_to_bits(magnitude), shift_left<30>(and_i(n, set1_i(2)))));
}

LW_INLINE F32 sin(F32 x) {
  const QuarterTurns q = reduce_quarter(x);
  // Of −0, too, and of what is subnormal, a zero of its sign.
  const F32 y = select(equal(x, zero()), mul(x, zero()), sin_of_turns(q.n, q.r));
  return select(less_equal(abs(x), set1(kTrigonometricLimit)), y, set1(kNaN));
}

LW_INLINE F32 cos(F32 x) {
  const QuarterTurns q = reduce_quarter(x);
  const F32 y = sin_of_turns(add_i(q.n, set1_i(1)), q.r);
  return select(less_equal(abs(x), set1(kTrigonometricLimit)), y, set1(kNaN));
}

// a·b − product, exactly: by FMA, or by Dekker's splitting into halves of 12 bits.
LW_INLINE F32 product_error(F32 a, F32 b, F32 product) {
  if constexpr (kFused) return fma(a, b, neg(product));
  const I32 high_bits = set1_i(-4096);
  const F32 ah = bits_to_float(and_i(float_to_bits(a), high_bits)), bh = bits_to_float(and_i(float_to_bits(b), high_bits));
  const F32 al = sub(a, ah), bl = sub(b, bh);
  return add(add(add(sub(mul(ah, bh), product), mul(ah, bl)), mul(al, bh)), mul(al, bl));
}

// log2(x) = high + low to about 2^-35, for normal positive x.
struct Log2 {
  F32 high, low;
};
LW_INLINE Log2 log2_extended(F32 x) {
  const F32 one = set1(1.0f);
  const LogReduction l = reduce_log(x);
  const F32 e = to_float(l.exponent);
  // s = (m − 1) / (m + 1), with its rounding error s_low
  const F32 numerator = sub(l.mantissa, one);
  const F32 denominator = add(l.mantissa, one);
  const F32 denominator_low = sub(l.mantissa, sub(denominator, one));
  const F32 s = div(numerator, denominator);
  const F32 product = mul(s, denominator);
  const F32 remainder = sub(sub(sub(numerator, product), product_error(s, denominator, product)), mul(s, denominator_low));
  const F32 s_low = div(remainder, denominator);
  // atanh(s) = s + s³ / 3 + s⁵·p(s²); the first two terms in two floats each
  const F32 t = mul(s, s);
  const F32 cube = mul(s, t);
  const F32 cube_low = fma(s, product_error(s, s, t), product_error(s, t, cube));
  const F32 third = set1(0x1.555556p-2f), third_low = set1(-0x1.555556p-27f);
  const F32 main_cube = mul(cube, third);
  const F32 series = mul(t, horner(t, 0x1.99999ap-3f, 0x1.24927cp-3f, 0x1.c6b650p-4f, 0x1.892430p-4f));
  const F32 tail =
      add(fma(cube, add(series, third_low), fma(cube_low, third, product_error(cube, third, main_cube))), fma(s_low, t, s_low));
  // times 2 / ln 2, plus the exponent
  const F32 factor = set1(0x1.715476p+1f), factor_low = set1(0x1.4ae0cp-25f);
  const F32 first = mul(s, factor), second = mul(main_cube, factor);
  const F32 sum = add(first, second);
  const F32 sum_low = sub(second, sub(sum, first));
  const F32 lows =
      add(add(sum_low, fma(s, factor_low, product_error(s, factor, first))), fma(tail, factor, product_error(main_cube, factor, second)));
  const F32 rough = add(e, sum);
  const F32 rest = add(sub(sum, sub(rough, e)), lows);
  const F32 high = add(rough, rest);
  return {high, sub(rest, sub(high, rough))};
}

// 2^(b · log2 |a|) with the logarithm and the product in two floats; signs and limits as C's pow.
LW_INLINE F32 pow(F32 a, F32 b) {
  const F32 one = set1(1.0f), magnitude = abs(a);
  const Log2 l = log2_extended(magnitude);
  const F32 bounded = select(less(magnitude, set1(kInfinity)), l.high, magnitude);
  const F32 high = select(less(magnitude, set1(kMinNormal)), set1(-kInfinity), bounded);
  const F32 y = mul(b, high);
  const F32 y_low = fma(b, l.low, product_error(b, high, y));
  const F32 shifted = add(y, set1(kRounder));
  const F32 f = add(sub(y, sub(shifted, set1(kRounder))), y_low);
  const F32 p =
      horner(f, 1.0f, 0x1.62e430p-1f, 0x1.ebfbe0p-3f, 0x1.c6b06ep-5f, 0x1.3b2a60p-7f, 0x1.5da5a2p-10f, 0x1.4409b0p-13f, 0x1.e07a32p-17f);
  F32 power = bits_to_float(add_i(float_to_bits(p), shift_left<23>(float_to_bits(shifted))));
  // On which side of the limits the exponent lies is told by both of its parts, of which y alone may be rounded to the limit itself.
  // The differences are exact near them; far below the polynomial's power means nothing.
  power = select(less(add(sub(y, set1(128.0f)), y_low), zero()), power, add(y, set1(kInfinity)));
  power = select(less(y, set1(-127.0f)), zero(), power);
  power = select(less(add(add(y, set1(126.0f)), y_low), zero()), zero(), power);
  power = select(less(power, set1(kMinNormal)), zero(), power);
  power = select(equal(magnitude, one), one, power);
  // A negative base: the sign of an odd power, NaN of one that is no integer (±0 and ±inf excepted).
  const Mask negative = less(copysign(one, a), zero());
  const F32 half = mul(b, set1(0.5f));
  const Mask odd = mask_and(equal(floor(b), b), not_equal(floor(half), half));
  const F32 signed_power = select(mask_and(negative, odd), neg(power), power);
  const Mask undefined = mask_and(mask_and(less_equal(a, set1(-kMinNormal)), less(magnitude, set1(kInfinity))), not_equal(floor(b), b));
  const F32 result = select(undefined, set1(kNaN), select(unordered(b, b), b, signed_power));
  return select(mask_or(equal(b, zero()), equal(a, one)), one, result);
}

}  // namespace
}  // namespace lanewise::LW_ISA
