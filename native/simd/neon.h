// AArch64 Advanced SIMD: the vocabulary of avx512.h on 4 lanes.
#pragma once
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define LW_INLINE static inline __attribute__((always_inline))

namespace lanewise::neon {
namespace {

constexpr int kLanes = 4;
constexpr int kVectorRegisters = 32;
constexpr bool kFused = true;
constexpr const char* kIsaName = "neon";

using F32 = float32x4_t;
struct Mask {
  uint32x4_t v;
};
struct I32 {
  int32x4_t v;
};

alignas(32) constexpr uint32_t kLaneMasks[2 * kLanes] = {~0u, ~0u, ~0u, ~0u, 0, 0, 0, 0};
LW_INLINE Mask first_lanes(int n) { return {vld1q_u32(kLaneMasks + kLanes - n)}; }

LW_INLINE F32 zero() { return vdupq_n_f32(0.0f); }
LW_INLINE F32 set1(float x) { return vdupq_n_f32(x); }
LW_INLINE F32 load(const float* p) { return vld1q_f32(p); }
// The same value, held in a register: g++ would rather read memory again in each of up to three instructions that use what it has loaded.
LW_INLINE F32 hold(F32 x) {
  asm("" : "+w"(x));
  return x;
}
LW_INLINE F32 load_n(const float* p, int n) {
  const F32 none = vdupq_n_f32(0.0f);
  switch (n) {
    case 0: return none;
    case 1: return vld1q_lane_f32(p, none, 0);
    case 2: return vcombine_f32(vld1_f32(p), vdup_n_f32(0.0f));
    case 3: return vld1q_lane_f32(p + 2, vcombine_f32(vld1_f32(p), vdup_n_f32(0.0f)), 2);
    default: return vld1q_f32(p);
  }
}
LW_INLINE void store(float* p, F32 x) { vst1q_f32(p, x); }
LW_INLINE void store_n(float* p, F32 x, int n) {
  switch (n) {
    case 0: return;
    case 1: return vst1q_lane_f32(p, x, 0);
    case 2: return vst1_f32(p, vget_low_f32(x));
    case 3: vst1_f32(p, vget_low_f32(x)); return vst1q_lane_f32(p + 2, x, 2);
    default: return vst1q_f32(p, x);
  }
}

// Hints: any address will do.
LW_INLINE void prefetch(const float* p) { __builtin_prefetch(p); }
LW_INLINE void prefetch_l2(const float* p) { __builtin_prefetch(p, 0, 2); }

LW_INLINE F32 add(F32 a, F32 b) { return vaddq_f32(a, b); }
LW_INLINE F32 sub(F32 a, F32 b) { return vsubq_f32(a, b); }
LW_INLINE F32 mul(F32 a, F32 b) { return vmulq_f32(a, b); }
LW_INLINE F32 div(F32 a, F32 b) { return vdivq_f32(a, b); }
LW_INLINE F32 fma(F32 a, F32 b, F32 c) { return vfmaq_f32(c, a, b); }  // a·b + c
LW_INLINE void accumulate(F32& sum, F32 a, F32 b) { sum = fma(a, b, sum); }
LW_INLINE F32 fnma(F32 a, F32 b, F32 c) { return vfmsq_f32(c, a, b); }  // c − a·b
LW_INLINE F32 sqrt(F32 a) { return vsqrtq_f32(a); }
LW_INLINE F32 neg(F32 a) { return vnegq_f32(a); }
LW_INLINE F32 abs(F32 a) { return vabsq_f32(a); }
LW_INLINE F32 copysign(F32 magnitude, F32 sign) { return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude); }
// Where denormals are flushed, a subnormal operand becomes a zero of its sign, as with MAXPS / MINPS; choosing alone keeps its bits. Not
// FMUL: compilers leave out a factor of 1.
LW_INLINE F32 flushed(F32 a) { return vmulxq_f32(a, vdupq_n_f32(1.0f)); }
// The second operand is returned if either is NaN (the rule of MAXPS / MINPS, which FMAX does not follow).
LW_INLINE F32 max_second(F32 a, F32 b) { return flushed(vbslq_f32(vcgtq_f32(a, b), a, b)); }
LW_INLINE F32 min_second(F32 a, F32 b) { return flushed(vbslq_f32(vcltq_f32(a, b), a, b)); }
LW_INLINE F32 floor(F32 a) { return vrndmq_f32(a); }
LW_INLINE F32 round(F32 a) { return vrndnq_f32(a); }  // half to even

LW_INLINE Mask less(F32 a, F32 b) { return {vcltq_f32(a, b)}; }
LW_INLINE Mask less_equal(F32 a, F32 b) { return {vcleq_f32(a, b)}; }
LW_INLINE Mask equal(F32 a, F32 b) { return {vceqq_f32(a, b)}; }
LW_INLINE Mask not_equal(F32 a, F32 b) { return {vmvnq_u32(vceqq_f32(a, b))}; }  // true for NaN
LW_INLINE Mask unordered(F32 a, F32 b) { return {vmvnq_u32(vandq_u32(vceqq_f32(a, a), vceqq_f32(b, b)))}; }
LW_INLINE Mask mask_or(Mask a, Mask b) { return {vorrq_u32(a.v, b.v)}; }
LW_INLINE Mask mask_and(Mask a, Mask b) { return {vandq_u32(a.v, b.v)}; }
LW_INLINE F32 select(Mask m, F32 yes, F32 no) { return vbslq_f32(m.v, yes, no); }
LW_INLINE bool any(Mask m) { return vmaxvq_u32(m.v) != 0; }

LW_INLINE I32 set1_i(int32_t x) { return {vdupq_n_s32(x)}; }
LW_INLINE I32 iota_i() { return {int32x4_t{0, 1, 2, 3}}; }
LW_INLINE I32 load_i(const int32_t* p) { return {vld1q_s32(p)}; }
LW_INLINE I32 load_i_n(const int32_t* p, int n) { return {vreinterpretq_s32_f32(load_n(reinterpret_cast<const float*>(p), n))}; }
LW_INLINE void store_i(int32_t* p, I32 x) { vst1q_s32(p, x.v); }
LW_INLINE void store_i_n(int32_t* p, I32 x, int n) { store_n(reinterpret_cast<float*>(p), vreinterpretq_f32_s32(x.v), n); }
LW_INLINE I32 add_i(I32 a, I32 b) { return {vaddq_s32(a.v, b.v)}; }
LW_INLINE I32 sub_i(I32 a, I32 b) { return {vsubq_s32(a.v, b.v)}; }
LW_INLINE I32 and_i(I32 a, I32 b) { return {vandq_s32(a.v, b.v)}; }
LW_INLINE Mask equal_i(I32 a, I32 b) { return {vceqq_s32(a.v, b.v)}; }
LW_INLINE I32 xor_i(I32 a, I32 b) { return {veorq_s32(a.v, b.v)}; }
template <int kBits>
LW_INLINE I32 shift_left(I32 a) {
  return {vshlq_n_s32(a.v, kBits)};
}
template <int kBits>
LW_INLINE I32 shift_right(I32 a) {  // logical
  return {vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a.v), kBits))};
}
template <int kBits>
LW_INLINE I32 shift_right_signed(I32 a) {
  return {vshrq_n_s32(a.v, kBits)};
}  // arithmetic
// Unsigned 32 × 32 → 64 of each lane: the low and the high halves.
LW_INLINE void mul_wide_u(I32 a, I32 b, I32& low, I32& high) {
  const uint32x4_t ua = vreinterpretq_u32_s32(a.v), ub = vreinterpretq_u32_s32(b.v);
  const uint32x4_t first = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(ua), vget_low_u32(ub)));
  const uint32x4_t second = vreinterpretq_u32_u64(vmull_high_u32(ua, ub));
  low.v = vreinterpretq_s32_u32(vuzp1q_u32(first, second));
  high.v = vreinterpretq_s32_u32(vuzp2q_u32(first, second));
}

LW_INLINE F32 bits_to_float(I32 a) { return vreinterpretq_f32_s32(a.v); }
LW_INLINE I32 float_to_bits(F32 a) { return {vreinterpretq_s32_f32(a)}; }
LW_INLINE F32 to_float(I32 a) { return vcvtq_f32_s32(a.v); }
// Toward zero. Out of range and NaN give INT32_MIN, as CVTTPS2DQ does; FCVTZS alone would saturate.
LW_INLINE I32 to_int(F32 a) {
  const uint32x4_t fits = vcltq_f32(vabsq_f32(a), vdupq_n_f32(2147483648.0f));
  return {vbslq_s32(fits, vcvtq_s32_f32(a), vdupq_n_s32(INT32_MIN))};
}
LW_INLINE F32 load_u8(const uint8_t* p) {
  return F32{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]), static_cast<float>(p[3])};
}
LW_INLINE F32 load_u8_n(const uint8_t* p, int n) {
  uint8_t bytes[kLanes] = {};
  for (int i = 0; i < n; ++i) bytes[i] = p[i];
  return load_u8(bytes);
}
// Truncates toward zero and keeps the low byte.
LW_INLINE void store_u8_n(uint8_t* p, F32 x, int n) {
  int32_t values[kLanes];
  vst1q_s32(values, to_int(x).v);
  for (int i = 0; i < n; ++i) p[i] = static_cast<uint8_t>(values[i]);
}

// a[0], b[0], a[1], b[1]: n ≤ 2 of each, 0 beyond.
LW_INLINE F32 load_pairs_n(const float* a, const float* b, int n) { return vzip1q_f32(load_n(a, n), load_n(b, n)); }
// p[0] and p[1] in turn.
LW_INLINE F32 set1_pair(const float* p) {
  const float32x2_t pair = vld1_f32(p);
  return vcombine_f32(pair, pair);
}

// Lane i of the result is lane which[i] of x, 0 ≤ which[i] < kLanes.
LW_INLINE F32 permute(F32 x, I32 which) {
  // Bytes 4·which[i] … 4·which[i] + 3.
  const uint32x4_t first = vmulq_n_u32(vreinterpretq_u32_s32(which.v), 0x04040404u);
  const uint8x16_t bytes = vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x03020100u)));
  return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(x), bytes));
}

// Transposes the kLanes × kLanes block held in rows[0..kLanes).
LW_INLINE void transpose(F32 rows[kLanes]) {
  const float32x4x2_t low = vtrnq_f32(rows[0], rows[1]), high = vtrnq_f32(rows[2], rows[3]);
  rows[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
  rows[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
  rows[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
  rows[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

}  // namespace
}  // namespace lanewise::neon
