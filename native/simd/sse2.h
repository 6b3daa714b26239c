// The baseline of x86-64, plain SSE2: the vocabulary of avx512.h on 4 lanes. `fma` multiplies, rounds and adds: kFused is false.
#pragma once
#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LW_INLINE static inline __attribute__((always_inline))

namespace lanewise::baseline {
namespace {

constexpr int kLanes = 4;
constexpr int kVectorRegisters = 16;
constexpr bool kFused = false;
constexpr const char* kIsaName = "baseline";

using F32 = __m128;
struct Mask {
  __m128 v;
};
struct I32 {
  __m128i v;
};

alignas(32) constexpr int32_t kLaneMasks[2 * kLanes] = {-1, -1, -1, -1, 0, 0, 0, 0};
LW_INLINE Mask first_lanes(int n) { return {_mm_loadu_ps(reinterpret_cast<const float*>(kLaneMasks + kLanes - n))}; }

LW_INLINE F32 zero() { return _mm_setzero_ps(); }
LW_INLINE F32 set1(float x) { return _mm_set1_ps(x); }
LW_INLINE F32 load(const float* p) { return _mm_loadu_ps(p); }
// The same value, held in a register: g++ would rather read memory again in each of up to three instructions that use what it has loaded.
LW_INLINE F32 hold(F32 x) {
  asm("" : "+x"(x));
  return x;
}
LW_INLINE F32 load_n(const float* p, int n) {
  switch (n) {
    case 0: return _mm_setzero_ps();
    case 1: return _mm_load_ss(p);
    case 2: return _mm_loadl_pi(_mm_setzero_ps(), reinterpret_cast<const __m64*>(p));
    case 3: return _mm_movelh_ps(_mm_loadl_pi(_mm_setzero_ps(), reinterpret_cast<const __m64*>(p)), _mm_load_ss(p + 2));
    default: return _mm_loadu_ps(p);
  }
}
LW_INLINE void store(float* p, F32 x) { _mm_storeu_ps(p, x); }
LW_INLINE void store_n(float* p, F32 x, int n) {
  switch (n) {
    case 0: return;
    case 1: return _mm_store_ss(p, x);
    case 2: return _mm_storel_pi(reinterpret_cast<__m64*>(p), x);
    case 3: _mm_storel_pi(reinterpret_cast<__m64*>(p), x); return _mm_store_ss(p + 2, _mm_movehl_ps(x, x));
    default: return _mm_storeu_ps(p, x);
  }
}

// Hints: any address will do.
LW_INLINE void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
LW_INLINE void prefetch_l2(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

LW_INLINE F32 add(F32 a, F32 b) { return _mm_add_ps(a, b); }
LW_INLINE F32 sub(F32 a, F32 b) { return _mm_sub_ps(a, b); }
LW_INLINE F32 mul(F32 a, F32 b) { return _mm_mul_ps(a, b); }
LW_INLINE F32 div(F32 a, F32 b) { return _mm_div_ps(a, b); }
LW_INLINE F32 fma(F32 a, F32 b, F32 c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }  // a·b + c
LW_INLINE void accumulate(F32& sum, F32 a, F32 b) { sum = fma(a, b, sum); }
LW_INLINE F32 fnma(F32 a, F32 b, F32 c) { return _mm_sub_ps(c, _mm_mul_ps(a, b)); }  // c − a·b
LW_INLINE F32 sqrt(F32 a) { return _mm_sqrt_ps(a); }
LW_INLINE F32 neg(F32 a) { return _mm_xor_ps(a, _mm_set1_ps(-0.0f)); }
LW_INLINE F32 abs(F32 a) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), a); }
LW_INLINE F32 copysign(F32 magnitude, F32 sign) {
  const F32 bit = _mm_set1_ps(-0.0f);
  return _mm_or_ps(_mm_andnot_ps(bit, magnitude), _mm_and_ps(bit, sign));
}
// The second operand is returned if either is NaN (the rule of MAXPS / MINPS).
LW_INLINE F32 max_second(F32 a, F32 b) { return _mm_max_ps(a, b); }
LW_INLINE F32 min_second(F32 a, F32 b) { return _mm_min_ps(a, b); }

LW_INLINE Mask less(F32 a, F32 b) { return {_mm_cmplt_ps(a, b)}; }
LW_INLINE Mask less_equal(F32 a, F32 b) { return {_mm_cmple_ps(a, b)}; }
LW_INLINE Mask equal(F32 a, F32 b) { return {_mm_cmpeq_ps(a, b)}; }
LW_INLINE Mask not_equal(F32 a, F32 b) { return {_mm_cmpneq_ps(a, b)}; }  // true for NaN
LW_INLINE Mask unordered(F32 a, F32 b) { return {_mm_cmpunord_ps(a, b)}; }
LW_INLINE Mask mask_or(Mask a, Mask b) { return {_mm_or_ps(a.v, b.v)}; }
LW_INLINE Mask mask_and(Mask a, Mask b) { return {_mm_and_ps(a.v, b.v)}; }
LW_INLINE F32 select(Mask m, F32 yes, F32 no) { return _mm_or_ps(_mm_and_ps(m.v, yes), _mm_andnot_ps(m.v, no)); }
LW_INLINE bool any(Mask m) { return _mm_movemask_ps(m.v) != 0; }

// Adding 2^23 leaves no room for a fraction; larger magnitudes, infinities and NaN are returned as they are.
LW_INLINE F32 round(F32 a) {  // half to even
  const F32 limit = _mm_set1_ps(8388608.0f), magnitude = abs(a);
  const F32 rounded = copysign(_mm_sub_ps(_mm_add_ps(magnitude, limit), limit), a);
  return select(less(magnitude, limit), rounded, a);
}
LW_INLINE F32 floor(F32 a) {
  const F32 rounded = round(a);
  return _mm_sub_ps(rounded, _mm_and_ps(_mm_cmpgt_ps(rounded, a), _mm_set1_ps(1.0f)));
}

LW_INLINE I32 set1_i(int32_t x) { return {_mm_set1_epi32(x)}; }
LW_INLINE I32 iota_i() { return {_mm_setr_epi32(0, 1, 2, 3)}; }
LW_INLINE I32 load_i(const int32_t* p) { return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))}; }
LW_INLINE I32 load_i_n(const int32_t* p, int n) { return {_mm_castps_si128(load_n(reinterpret_cast<const float*>(p), n))}; }
LW_INLINE void store_i(int32_t* p, I32 x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), x.v); }
LW_INLINE void store_i_n(int32_t* p, I32 x, int n) { store_n(reinterpret_cast<float*>(p), _mm_castsi128_ps(x.v), n); }
LW_INLINE I32 add_i(I32 a, I32 b) { return {_mm_add_epi32(a.v, b.v)}; }
LW_INLINE I32 sub_i(I32 a, I32 b) { return {_mm_sub_epi32(a.v, b.v)}; }
LW_INLINE I32 and_i(I32 a, I32 b) { return {_mm_and_si128(a.v, b.v)}; }
LW_INLINE Mask equal_i(I32 a, I32 b) { return {_mm_castsi128_ps(_mm_cmpeq_epi32(a.v, b.v))}; }
LW_INLINE I32 xor_i(I32 a, I32 b) { return {_mm_xor_si128(a.v, b.v)}; }
template <int kBits>
LW_INLINE I32 shift_left(I32 a) {
  return {_mm_slli_epi32(a.v, kBits)};
}
template <int kBits>
LW_INLINE I32 shift_right(I32 a) {
  return {_mm_srli_epi32(a.v, kBits)};
}  // logical
template <int kBits>
LW_INLINE I32 shift_right_signed(I32 a) {
  return {_mm_srai_epi32(a.v, kBits)};
}  // arithmetic
// Unsigned 32 × 32 → 64 of each lane: the low and the high halves.
LW_INLINE void mul_wide_u(I32 a, I32 b, I32& low, I32& high) {
  const __m128i even = _mm_mul_epu32(a.v, b.v);
  const __m128i odd = _mm_mul_epu32(_mm_srli_epi64(a.v, 32), _mm_srli_epi64(b.v, 32));
  const __m128i low_half = _mm_set1_epi64x(0xffffffff);
  low.v = _mm_or_si128(_mm_and_si128(even, low_half), _mm_slli_epi64(odd, 32));
  high.v = _mm_or_si128(_mm_srli_epi64(even, 32), _mm_andnot_si128(low_half, odd));
}

LW_INLINE F32 bits_to_float(I32 a) { return _mm_castsi128_ps(a.v); }
LW_INLINE I32 float_to_bits(F32 a) { return {_mm_castps_si128(a)}; }
LW_INLINE F32 to_float(I32 a) { return _mm_cvtepi32_ps(a.v); }
LW_INLINE I32 to_int(F32 a) { return {_mm_cvttps_epi32(a)}; }  // toward zero
LW_INLINE F32 load_u8(const uint8_t* p) { return _mm_setr_ps(p[0], p[1], p[2], p[3]); }
LW_INLINE F32 load_u8_n(const uint8_t* p, int n) {
  uint8_t bytes[kLanes] = {};
  for (int i = 0; i < n; ++i) bytes[i] = p[i];
  return load_u8(bytes);
}
// Truncates toward zero and keeps the low byte.
LW_INLINE void store_u8_n(uint8_t* p, F32 x, int n) {
  alignas(16) int32_t values[kLanes];
  _mm_store_si128(reinterpret_cast<__m128i*>(values), _mm_cvttps_epi32(x));
  for (int i = 0; i < n; ++i) p[i] = static_cast<uint8_t>(values[i]);
}

// a[0], b[0], a[1], b[1]: n ≤ 2 of each, 0 beyond.
LW_INLINE F32 load_pairs_n(const float* a, const float* b, int n) { return _mm_unpacklo_ps(load_n(a, n), load_n(b, n)); }
// p[0] and p[1] in turn.
LW_INLINE F32 set1_pair(const float* p) { return _mm_setr_ps(p[0], p[1], p[0], p[1]); }

// Lane i of the result is lane which[i] of x, 0 ≤ which[i] < kLanes.
LW_INLINE F32 permute(F32 x, I32 which) {
  float from[kLanes];
  int32_t lane[kLanes];
  store(from, x), store_i(lane, which);
  return _mm_setr_ps(from[lane[0]], from[lane[1]], from[lane[2]], from[lane[3]]);
}

// Transposes the kLanes × kLanes block held in rows[0..kLanes).
LW_INLINE void transpose(F32 rows[kLanes]) { _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]); }

}  // namespace
}  // namespace lanewise::baseline
