// AVX-512 (F, DQ, BW, VL): the vector vocabulary every kernel is written in. The other ISAs define the same names.
//
// F32 holds kLanes floats, I32 as many integers, Mask one truth value a lane.
// `*_n(p, n)` touch only the first n lanes (0 ≤ n ≤ kLanes) in memory; lanes beyond are zero in the register.
#pragma once
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LW_INLINE static inline __attribute__((always_inline))

namespace lanewise::avx512 {
namespace {

constexpr int kLanes = 16;
constexpr int kVectorRegisters = 32;
constexpr bool kFused = true;
constexpr const char* kIsaName = "avx512";

using F32 = __m512;
using Mask = __mmask16;
struct I32 {
  __m512i v;
};

LW_INLINE Mask first_lanes(int n) { return static_cast<Mask>((1u << n) - 1u); }

LW_INLINE F32 zero() { return _mm512_setzero_ps(); }
LW_INLINE F32 set1(float x) { return _mm512_set1_ps(x); }
LW_INLINE F32 load(const float* p) { return _mm512_loadu_ps(p); }
// The same value, held in a register: g++ would rather read memory again in each of up to three instructions that use what it has loaded.
LW_INLINE F32 hold(F32 x) {
  asm("" : "+v"(x));
  return x;
}
LW_INLINE F32 load_n(const float* p, int n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
LW_INLINE void store(float* p, F32 x) { _mm512_storeu_ps(p, x); }
LW_INLINE void store_n(float* p, F32 x, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), x); }

// Hints: any address will do.
LW_INLINE void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
LW_INLINE void prefetch_l2(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

LW_INLINE F32 add(F32 a, F32 b) { return _mm512_add_ps(a, b); }
LW_INLINE F32 sub(F32 a, F32 b) { return _mm512_sub_ps(a, b); }
LW_INLINE F32 mul(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
LW_INLINE F32 div(F32 a, F32 b) { return _mm512_div_ps(a, b); }
LW_INLINE F32 fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }  // a·b + c
LW_INLINE void accumulate(F32& sum, F32 a, F32 b) { sum = fma(a, b, sum); }
LW_INLINE F32 fnma(F32 a, F32 b, F32 c) { return _mm512_fnmadd_ps(a, b, c); }  // c − a·b
LW_INLINE F32 sqrt(F32 a) { return _mm512_sqrt_ps(a); }
LW_INLINE F32 neg(F32 a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
LW_INLINE F32 abs(F32 a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
LW_INLINE F32 copysign(F32 magnitude, F32 sign) {
  const F32 bit = _mm512_set1_ps(-0.0f);
  return _mm512_or_ps(_mm512_andnot_ps(bit, magnitude), _mm512_and_ps(bit, sign));
}
// The second operand is returned if either is NaN (the rule of MAXPS / MINPS).
LW_INLINE F32 max_second(F32 a, F32 b) { return _mm512_max_ps(a, b); }
LW_INLINE F32 min_second(F32 a, F32 b) { return _mm512_min_ps(a, b); }
LW_INLINE F32 floor(F32 a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
LW_INLINE F32 round(F32 a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }  // half to even

LW_INLINE Mask less(F32 a, F32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
LW_INLINE Mask less_equal(F32 a, F32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
LW_INLINE Mask equal(F32 a, F32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
LW_INLINE Mask not_equal(F32 a, F32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }  // true for NaN
LW_INLINE Mask unordered(F32 a, F32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
LW_INLINE Mask mask_or(Mask a, Mask b) { return static_cast<Mask>(a | b); }
LW_INLINE Mask mask_and(Mask a, Mask b) { return static_cast<Mask>(a & b); }
LW_INLINE F32 select(Mask m, F32 yes, F32 no) { return _mm512_mask_blend_ps(m, no, yes); }
LW_INLINE bool any(Mask m) { return m != 0; }

LW_INLINE I32 set1_i(int32_t x) { return {_mm512_set1_epi32(x)}; }
LW_INLINE I32 iota_i() { return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)}; }
LW_INLINE I32 load_i(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
LW_INLINE I32 load_i_n(const int32_t* p, int n) { return {_mm512_maskz_loadu_epi32(first_lanes(n), p)}; }
LW_INLINE void store_i(int32_t* p, I32 x) { _mm512_storeu_si512(p, x.v); }
LW_INLINE void store_i_n(int32_t* p, I32 x, int n) { _mm512_mask_storeu_epi32(p, first_lanes(n), x.v); }
LW_INLINE I32 add_i(I32 a, I32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
LW_INLINE I32 sub_i(I32 a, I32 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
LW_INLINE I32 and_i(I32 a, I32 b) { return {_mm512_and_si512(a.v, b.v)}; }
LW_INLINE Mask equal_i(I32 a, I32 b) { return _mm512_cmpeq_epi32_mask(a.v, b.v); }
LW_INLINE I32 xor_i(I32 a, I32 b) { return {_mm512_xor_si512(a.v, b.v)}; }
template <int kBits>
LW_INLINE I32 shift_left(I32 a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
template <int kBits>
LW_INLINE I32 shift_right(I32 a) {
  return {_mm512_srli_epi32(a.v, kBits)};
}  // logical
template <int kBits>
LW_INLINE I32 shift_right_signed(I32 a) {
  return {_mm512_srai_epi32(a.v, kBits)};
}  // arithmetic
// Unsigned 32 × 32 → 64 of each lane: the low and the high halves.
LW_INLINE void mul_wide_u(I32 a, I32 b, I32& low, I32& high) {
  const __m512i even = _mm512_mul_epu32(a.v, b.v);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), _mm512_srli_epi64(b.v, 32));
  low.v = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
  high.v = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
}

LW_INLINE F32 bits_to_float(I32 a) { return _mm512_castsi512_ps(a.v); }
LW_INLINE I32 float_to_bits(F32 a) { return {_mm512_castps_si512(a)}; }
LW_INLINE F32 to_float(I32 a) { return _mm512_cvtepi32_ps(a.v); }
LW_INLINE I32 to_int(F32 a) { return {_mm512_cvttps_epi32(a)}; }  // toward zero
LW_INLINE F32 load_u8(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
LW_INLINE F32 load_u8_n(const uint8_t* p, int n) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first_lanes(n), p)));
}
// Truncates toward zero and keeps the low byte.
LW_INLINE void store_u8_n(uint8_t* p, F32 x, int n) {
  _mm_mask_storeu_epi8(p, first_lanes(n), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(x)));
}

// a[0], b[0], a[1], b[1], …: n ≤ kLanes / 2 of each, 0 beyond.
LW_INLINE F32 load_pairs_n(const float* a, const float* b, int n) {
  const __mmask8 mask = static_cast<__mmask8>((1u << n) - 1u);
  const __m512i order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return _mm512_permutex2var_ps(_mm512_castps256_ps512(_mm256_maskz_loadu_ps(mask, a)), order,
                                _mm512_castps256_ps512(_mm256_maskz_loadu_ps(mask, b)));
}
// p[0] and p[1] in turn.
LW_INLINE F32 set1_pair(const float* p) {
  double pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return _mm512_castpd_ps(_mm512_set1_pd(pair));
}

// Lane i of the result is lane which[i] of x, 0 ≤ which[i] < kLanes.
LW_INLINE F32 permute(F32 x, I32 which) { return _mm512_permutexvar_ps(which.v, x); }

// Transposes the kLanes × kLanes block held in rows[0..kLanes).
LW_INLINE void transpose(F32 rows[kLanes]) {
  F32 t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  F32 u[16];
  for (int i = 0; i < 16; i += 4) {
    u[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
    u[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
    u[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
    u[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
  }
  for (int i = 0; i < 4; ++i) {
    const F32 a = _mm512_shuffle_f32x4(u[i], u[i + 4], 0x88), b = _mm512_shuffle_f32x4(u[i], u[i + 4], 0xdd);
    const F32 c = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0x88), d = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0xdd);
    rows[i] = _mm512_shuffle_f32x4(a, c, 0x88);
    rows[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
    rows[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
    rows[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
}

}  // namespace
}  // namespace lanewise::avx512
