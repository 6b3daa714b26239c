// Arithmetic of sizes, which are never negative.
#pragma once
#include <stdint.h>

namespace lanewise::LW_ISA {
namespace {

LW_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
LW_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
LW_INLINE constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace
}  // namespace lanewise::LW_ISA
