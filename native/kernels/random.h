// Counter-based random bits and uniform numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
// as 1, 2, 3", 2011). Element e depends on seed, stream, step and e alone. Exact, the same on every ISA.
#pragma once

#include "args.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kRandomTask = 16384;  // a multiple of 4 · kLanes
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

// Elements 4 · block … of kLanes consecutive blocks, in order, to out.
LW_INLINE void random_blocks(const RandomArgs& args, int64_t block, float* out) {
  const I32 counter = add_i(set1_i(static_cast<int32_t>(block)), iota_i());
  PhiloxBlock bits = philox(counter, set1_i(static_cast<int32_t>(args.stream)), set1_i(static_cast<int32_t>(args.step)),
                            set1_i(static_cast<int32_t>(args.step >> 32)), static_cast<int32_t>(args.seed), static_cast<int32_t>(args.seed >> 32));
  alignas(64) int32_t word[4][kLanes];
  for (int w = 0; w < 4; ++w) {
    if (args.kind == RandomKind::uniform) bits.word[w] = float_to_bits(mul(to_float(shift_right<8>(bits.word[w])), set1(0x1p-24f)));
    store_i(word[w], bits.word[w]);
  }
  int32_t* to = reinterpret_cast<int32_t*>(out);
  for (int i = 0; i < kLanes; ++i) {
    for (int w = 0; w < 4; ++w) to[4 * i + w] = word[w][i];
  }
}

int64_t random_tasks(const RandomArgs& args) { return (args.count + kRandomTask - 1) / kRandomTask; }

int64_t random(const RandomArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t stop = end * kRandomTask < args.count ? end * kRandomTask : args.count;
  int64_t i = begin * kRandomTask;
  for (; i + 4 * kLanes <= stop; i += 4 * kLanes) random_blocks(args, i / 4, args.out + i);
  if (i < stop) {
    alignas(64) float rest[4 * kLanes];
    random_blocks(args, i / 4, rest);
    for (int64_t k = i; k < stop; ++k) args.out[k] = rest[k - i];
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
