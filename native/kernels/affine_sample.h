// Images under an affine map of the pixel coordinates, bilinear: shift, crop, flip, rotation and scale of a batch in one pass.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

int64_t affine_sample_tasks(const AffineSampleArgs& a) { return a.n; }

LW_INLINE float pixel(const AffineSampleArgs& a, int64_t n, int64_t row, int64_t column, int64_t c) {
  if (row < 0 || row >= a.h || column < 0 || column >= a.w) return a.fill;
  const int64_t at = ((n * a.h + row) * a.w + column) * a.c + c;
  return a.dtype == DType::u8 ? static_cast<const uint8_t*>(a.x)[at] : static_cast<const float*>(a.x)[at];
}

int64_t affine_sample(const AffineSampleArgs& a, int64_t begin, int64_t end, void*) {
  for (int64_t n = begin; n < end; ++n)
    for (int64_t i = 0; i < a.oh; ++i)
      for (int64_t j = 0; j < a.ow; ++j) {
        const float* t = a.theta + n * 6;
        const float fi = static_cast<float>(i), fj = static_cast<float>(j);
        const float y = t[0] * fi + t[1] * fj + t[2], x = t[3] * fi + t[4] * fj + t[5];
        const bool near = y > -1 && y < static_cast<float>(a.h) && x > -1 && x < static_cast<float>(a.w);
        // Truncation of what is above −1, shifted so that it rounds down.
        const int64_t row = near ? static_cast<int64_t>(y + 1) - 1 : 0, column = near ? static_cast<int64_t>(x + 1) - 1 : 0;
        const float down = y - static_cast<float>(row), right = x - static_cast<float>(column);
        for (int64_t c = 0; c < a.c; ++c) {
          float value = a.fill;
          if (near) {
            const float above = pixel(a, n, row, column, c), above_right = pixel(a, n, row, column + 1, c);
            const float below = pixel(a, n, row + 1, column, c), below_right = pixel(a, n, row + 1, column + 1, c);
            const float top = above + right * (above_right - above), bottom = below + right * (below_right - below);
            value = top + down * (bottom - top);
          }
          a.y[((n * a.oh + i) * a.ow + j) * a.c + c] = value;
        }
      }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
