// Neighbours of fewer elements than a vector, read and written as whole vectors: what is written beyond the one the next one replaces.
#pragma once

#include "args.h"

namespace lanewise::LW_ISA {
namespace {

// n elements of which `room` follow that may be read.
LW_INLINE F32 load_over(const float* p, int n, int64_t room) { return room >= kLanes ? load(p) : load_n(p, n); }
LW_INLINE I32 load_i_over(const int32_t* p, int n, int64_t room) { return room >= kLanes ? load_i(p) : load_i_n(p, n); }

// n elements; all others of the `room` from p on are still to be written.
LW_INLINE void store_over(float* p, F32 x, int n, int64_t room) { room >= kLanes ? store(p, x) : store_n(p, x, n); }
LW_INLINE void store_i_over(int32_t* p, I32 x, int n, int64_t room) { room >= kLanes ? store_i(p, x) : store_i_n(p, x, n); }

}  // namespace
}  // namespace lanewise::LW_ISA
