// The FMA peak: x ← x / 2 + 1 / 2, which stays a normal number, in chains that share nothing and never leave the registers. Their ends are
// written to `scratch`, so that no compiler leaves them out.
//
// As many chains as hide 2 ports × 4 cycles of latency and, with the one constant, fit the registers.
#pragma once
#include <stdint.h>

namespace lanewise::LW_ISA {
namespace {

constexpr int kChains = kVectorRegisters == 16 ? 12 : 20;
constexpr int32_t kChainFlops = 2 * kChains * kLanes;

void fma_chains(int64_t rounds, void* scratch) {
  float* const ends = static_cast<float*>(scratch);
  const F32 half = hold(set1(0.5f));
  F32 chain[kChains];
#pragma GCC unroll 20
  for (int i = 0; i < kChains; ++i) chain[i] = set1(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 20
    for (int i = 0; i < kChains; ++i) chain[i] = fma(chain[i], half, half);
  }
#pragma GCC unroll 20
  for (int i = 0; i < kChains; ++i) store(ends + i * kLanes, chain[i]);
}

}  // namespace
}  // namespace lanewise::LW_ISA
