// AVX2 with FMA: the vocabulary of avx512.h on 8 lanes.
#pragma once
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LW_INLINE static inline __attribute__((always_inline))

namespace lanewise::avx2 {
namespace {

constexpr int kLanes = 8;
constexpr int kVectorRegisters = 16;
constexpr bool kFused = true;
constexpr const char* kIsaName = "avx2";

using F32 = __m256;
struct Mask {
  __m256 v;
};
struct I32 {
  __m256i v;
};

alignas(64) constexpr int32_t kLaneMasks[2 * kLanes] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
LW_INLINE __m256i lane_mask(int n) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMasks + kLanes - n)); }
LW_INLINE Mask first_lanes(int n) { return {_mm256_castsi256_ps(lane_mask(n))}; }

LW_INLINE F32 zero() { return _mm256_setzero_ps(); }
LW_INLINE F32 set1(float x) { return _mm256_set1_ps(x); }
LW_INLINE F32 load(const float* p) { return _mm256_loadu_ps(p); }
// The same value, held in a register: g++ would rather read memory again in each of up to three instructions that use what it has loaded.
LW_INLINE F32 hold(F32 x) {
  asm("" : "+x"(x));
  return x;
}
LW_INLINE F32 load_n(const float* p, int n) {
  if (__builtin_constant_p(n) && n == kLanes) return load(p);
  return _mm256_maskload_ps(p, lane_mask(n));
}
LW_INLINE void store(float* p, F32 x) { _mm256_storeu_ps(p, x); }
// By parts: a masked store takes some 12 cycles on AMD's cores up to Zen 3.
LW_INLINE void store_n(float* p, F32 x, int n) {
  if (n == kLanes) return store(p, x);
  __m128 part = _mm256_castps256_ps128(x);
  if (n >= 4) {
    _mm_storeu_ps(p, part);
    part = _mm256_extractf128_ps(x, 1);
    p += 4;
    n -= 4;
  }
  if (n >= 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
    part = _mm_movehl_ps(part, part);
    p += 2;
    n -= 2;
  }
  if (n > 0) _mm_store_ss(p, part);
}

// Hints: any address will do.
LW_INLINE void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
LW_INLINE void prefetch_l2(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

LW_INLINE F32 add(F32 a, F32 b) { return _mm256_add_ps(a, b); }
LW_INLINE F32 sub(F32 a, F32 b) { return _mm256_sub_ps(a, b); }
LW_INLINE F32 mul(F32 a, F32 b) { return _mm256_mul_ps(a, b); }
LW_INLINE F32 div(F32 a, F32 b) { return _mm256_div_ps(a, b); }
LW_INLINE F32 fma(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a, b, c); }  // a·b + c
// sum += a·b, by the form that writes over the sum: in loops compilers also choose those that write over a factor and copy it back.
LW_INLINE void accumulate(F32& sum, F32 a, F32 b) { asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b)); }
LW_INLINE F32 fnma(F32 a, F32 b, F32 c) { return _mm256_fnmadd_ps(a, b, c); }  // c − a·b
LW_INLINE F32 sqrt(F32 a) { return _mm256_sqrt_ps(a); }
LW_INLINE F32 neg(F32 a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
LW_INLINE F32 abs(F32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
LW_INLINE F32 copysign(F32 magnitude, F32 sign) {
  const F32 bit = _mm256_set1_ps(-0.0f);
  return _mm256_or_ps(_mm256_andnot_ps(bit, magnitude), _mm256_and_ps(bit, sign));
}
// The second operand is returned if either is NaN (the rule of MAXPS / MINPS).
LW_INLINE F32 max_second(F32 a, F32 b) { return _mm256_max_ps(a, b); }
LW_INLINE F32 min_second(F32 a, F32 b) { return _mm256_min_ps(a, b); }
LW_INLINE F32 floor(F32 a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
LW_INLINE F32 round(F32 a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }  // half to even

LW_INLINE Mask less(F32 a, F32 b) { return {_mm256_cmp_ps(a, b, _CMP_LT_OQ)}; }
LW_INLINE Mask less_equal(F32 a, F32 b) { return {_mm256_cmp_ps(a, b, _CMP_LE_OQ)}; }
LW_INLINE Mask equal(F32 a, F32 b) { return {_mm256_cmp_ps(a, b, _CMP_EQ_OQ)}; }
LW_INLINE Mask not_equal(F32 a, F32 b) { return {_mm256_cmp_ps(a, b, _CMP_NEQ_UQ)}; }  // true for NaN
LW_INLINE Mask unordered(F32 a, F32 b) { return {_mm256_cmp_ps(a, b, _CMP_UNORD_Q)}; }
LW_INLINE Mask mask_or(Mask a, Mask b) { return {_mm256_or_ps(a.v, b.v)}; }
LW_INLINE Mask mask_and(Mask a, Mask b) { return {_mm256_and_ps(a.v, b.v)}; }
LW_INLINE F32 select(Mask m, F32 yes, F32 no) { return _mm256_blendv_ps(no, yes, m.v); }
LW_INLINE bool any(Mask m) { return _mm256_movemask_ps(m.v) != 0; }

LW_INLINE I32 set1_i(int32_t x) { return {_mm256_set1_epi32(x)}; }
LW_INLINE I32 iota_i() { return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)}; }
LW_INLINE I32 load_i(const int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
LW_INLINE I32 load_i_n(const int32_t* p, int n) { return {_mm256_maskload_epi32(p, lane_mask(n))}; }
LW_INLINE void store_i(int32_t* p, I32 x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.v); }
LW_INLINE void store_i_n(int32_t* p, I32 x, int n) { store_n(reinterpret_cast<float*>(p), _mm256_castsi256_ps(x.v), n); }
LW_INLINE I32 add_i(I32 a, I32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
LW_INLINE I32 sub_i(I32 a, I32 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
LW_INLINE I32 and_i(I32 a, I32 b) { return {_mm256_and_si256(a.v, b.v)}; }
LW_INLINE Mask equal_i(I32 a, I32 b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))}; }
LW_INLINE I32 xor_i(I32 a, I32 b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int kBits>
LW_INLINE I32 shift_left(I32 a) {
  return {_mm256_slli_epi32(a.v, kBits)};
}
template <int kBits>
LW_INLINE I32 shift_right(I32 a) {
  return {_mm256_srli_epi32(a.v, kBits)};
}  // logical
template <int kBits>
LW_INLINE I32 shift_right_signed(I32 a) {
  return {_mm256_srai_epi32(a.v, kBits)};
}  // arithmetic
// Unsigned 32 × 32 → 64 of each lane: the low and the high halves.
LW_INLINE void mul_wide_u(I32 a, I32 b, I32& low, I32& high) {
  const __m256i even = _mm256_mul_epu32(a.v, b.v);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
  low.v = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  high.v = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

LW_INLINE F32 bits_to_float(I32 a) { return _mm256_castsi256_ps(a.v); }
LW_INLINE I32 float_to_bits(F32 a) { return {_mm256_castps_si256(a)}; }
LW_INLINE F32 to_float(I32 a) { return _mm256_cvtepi32_ps(a.v); }
LW_INLINE I32 to_int(F32 a) { return {_mm256_cvttps_epi32(a)}; }  // toward zero
LW_INLINE F32 load_u8(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
LW_INLINE F32 load_u8_n(const uint8_t* p, int n) {
  alignas(8) uint8_t bytes[kLanes] = {};
  for (int i = 0; i < n; ++i) bytes[i] = p[i];
  return load_u8(bytes);
}
// Truncates toward zero and keeps the low byte.
LW_INLINE void store_u8_n(uint8_t* p, F32 x, int n) {
  const __m256i low = _mm256_and_si256(_mm256_cvttps_epi32(x), _mm256_set1_epi32(0xff));
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  const __m128i packed = _mm_packus_epi16(words, words);
  if (n == kLanes) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), packed);
    return;
  }
  alignas(8) uint8_t bytes[kLanes];
  _mm_storel_epi64(reinterpret_cast<__m128i*>(bytes), packed);
  for (int i = 0; i < n; ++i) p[i] = bytes[i];
}

// a[0], b[0], a[1], b[1], …: n ≤ kLanes / 2 of each, 0 beyond.
LW_INLINE F32 load_pairs_n(const float* a, const float* b, int n) {
  const F32 x = load_n(a, n), y = load_n(b, n);
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y), 0x20);
}
// p[0] and p[1] in turn.
LW_INLINE F32 set1_pair(const float* p) {
  double pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return _mm256_castpd_ps(_mm256_set1_pd(pair));
}

// Lane i of the result is lane which[i] of x, 0 ≤ which[i] < kLanes.
LW_INLINE F32 permute(F32 x, I32 which) { return _mm256_permutevar8x32_ps(x, which.v); }

// Transposes the kLanes × kLanes block held in rows[0..kLanes).
LW_INLINE void transpose(F32 rows[kLanes]) {
  F32 t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
  F32 u[8];
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
  }
}

}  // namespace
}  // namespace lanewise::avx2
