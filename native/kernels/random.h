// Counter-based random bits and uniform numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
// as 1, 2, 3", 2011). Element e depends on seed, stream, step and e alone. Exact, the same on every ISA.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kRandomTask = 4096;  // a multiple of kRandomBatch
constexpr int32_t kPhiloxMultiplier0 = static_cast<int32_t>(0xD2511F53), kPhiloxMultiplier1 = static_cast<int32_t>(0xCD9E8D57);
constexpr int32_t kPhiloxWeyl0 = static_cast<int32_t>(0x9E3779B9), kPhiloxWeyl1 = static_cast<int32_t>(0xBB67AE85);

struct PhiloxBlock {
  I32 word[4];
};

LW_INLINE PhiloxBlock philox(I32 c0, I32 c1, I32 c2, I32 c3, int32_t seed_low, int32_t seed_high) {
  const I32 m0 = set1_i(kPhiloxMultiplier0), m1 = set1_i(kPhiloxMultiplier1);
  I32 k0 = set1_i(seed_low), k1 = set1_i(seed_high);
  for (int round = 0; round < 10; ++round) {
    I32 low0, high0, low1, high1;
    mul_wide_u(c0, m0, low0, high0);
    mul_wide_u(c2, m1, low1, high1);
    c0 = xor_i(xor_i(high1, c1), k0);
    c1 = low1;
    c2 = xor_i(xor_i(high0, c3), k1);
    c3 = low0;
    k0 = add_i(k0, set1_i(kPhiloxWeyl0));
    k1 = add_i(k1, set1_i(kPhiloxWeyl1));
  }
  return {{c0, c1, c2, c3}};
}

// kLanes consecutive (or spread) blocks of the program's counters, in the form asked for.
LW_INLINE PhiloxBlock random_blocks(const RandomArgs& args, I32 counter) {
  PhiloxBlock bits =
      philox(counter, set1_i(static_cast<int32_t>(args.stream)), set1_i(static_cast<int32_t>(args.step)),
             set1_i(static_cast<int32_t>(args.step >> 32)), static_cast<int32_t>(args.seed), static_cast<int32_t>(args.seed >> 32));
  if (args.kind == RandomKind::uniform) {
    for (I32& word : bits.word) word = float_to_bits(mul(to_float(shift_right<8>(word)), set1(0x1p-24f)));
  }
  return bits;
}

constexpr int kRandomGroups = kLanes / 4;
constexpr int kRandomBatch = kLanes * kLanes;

// kRandomBatch elements from 4 · block on. Group g computes blocks g, g + kRandomGroups, … so that the transposed words are
// kLanes runs of consecutive elements.
LW_INLINE void random_batch(const RandomArgs& args, int64_t block, float* out) {
  static_assert(kRandomGroups == 4 || kRandomGroups == 2 || kRandomGroups == 1);
  const I32 spread = kRandomGroups == 4 ? shift_left<2>(iota_i()) : kRandomGroups == 2 ? shift_left<1>(iota_i()) : iota_i();
  F32 word[kLanes];
  for (int g = 0; g < kRandomGroups; ++g) {
    const PhiloxBlock bits = random_blocks(args, add_i(set1_i(static_cast<int32_t>(block + g)), spread));
    for (int w = 0; w < 4; ++w) word[4 * g + w] = bits_to_float(bits.word[w]);
  }
  transpose(word);
  for (int l = 0; l < kLanes; ++l) store(out + l * kLanes, word[l]);
}

// n ≤ 4 · kLanes elements from 4 · block on.
LW_INLINE void random_rest(const RandomArgs& args, int64_t block, int n, float* out) {
  const PhiloxBlock bits = random_blocks(args, add_i(set1_i(static_cast<int32_t>(block)), iota_i()));
  alignas(64) float word[4][kLanes];
  for (int w = 0; w < 4; ++w) store(word[w], bits_to_float(bits.word[w]));
  for (int k = 0; k < n; ++k) out[k] = word[k % 4][k / 4];
}

int64_t random_tasks(const RandomArgs& args) { return (args.count + kRandomTask - 1) / kRandomTask; }

int64_t random(const RandomArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t stop = end * kRandomTask < args.count ? end * kRandomTask : args.count;
  int64_t i = begin * kRandomTask;
  for (; i + kRandomBatch <= stop; i += kRandomBatch) random_batch(args, args.first_block + i / 4, args.out + i);
  for (; i < stop; i += 4 * kLanes)
    random_rest(args, args.first_block + i / 4, static_cast<int>(smaller(stop - i, 4 * kLanes)), args.out + i);
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
