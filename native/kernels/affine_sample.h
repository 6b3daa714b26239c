// Images under an affine map of the pixel coordinates, bilinear: shift, crop, flip, rotation and scale of a batch in one pass.
// Vectors hold neighbouring output pixels of a row; the products and sums are those of each pixel alone, in the order args.h gives.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

int64_t affine_sample_tasks(const AffineSampleArgs& a) { return a.n; }

// Where kLanes output pixels lie in the input: the pixel above and to the left, the way from it, and which are near the image at all.
struct SamplePoints {
  int32_t row[kLanes], column[kLanes];
  F32 down, right;
  Mask near;
  bool any;
};

LW_INLINE SamplePoints sample_points(const AffineSampleArgs& a, const float* t, int64_t i, int64_t j) {
  const F32 fi = set1(static_cast<float>(i)), fj = to_float(add_i(set1_i(static_cast<int32_t>(j)), iota_i())), one = set1(1.0f);
  const F32 y = add(add(mul(set1(t[0]), fi), mul(set1(t[1]), fj)), set1(t[2]));
  const F32 x = add(add(mul(set1(t[3]), fi), mul(set1(t[4]), fj)), set1(t[5]));
  SamplePoints p;
  p.near = mask_and(mask_and(less(set1(-1.0f), y), less(y, set1(static_cast<float>(a.h)))),
                    mask_and(less(set1(-1.0f), x), less(x, set1(static_cast<float>(a.w)))));
  p.any = any(p.near);
  // Truncation of what is above −1, shifted so that it rounds down.
  const I32 row = sub_i(to_int(select(p.near, add(y, one), one)), set1_i(1));
  const I32 column = sub_i(to_int(select(p.near, add(x, one), one)), set1_i(1));
  p.down = sub(y, to_float(row));
  p.right = sub(x, to_float(column));
  store_i(p.row, row);
  store_i(p.column, column);
  return p;
}

template <class T>
LW_INLINE float sample_pixel(const AffineSampleArgs& a, const T* image, int64_t row, int64_t column) {
  return row < 0 || row >= a.h || column < 0 || column >= a.w ? a.fill : static_cast<float>(image[(row * a.w + column) * a.c]);
}

// a + t·(b − a), and where t is 0 it is a, whatever b is: NaN stays in its pixel under a map of whole pixels.
LW_INLINE F32 between(F32 a, F32 b, F32 t) { return select(equal(t, zero()), a, add(a, mul(t, sub(b, a)))); }

// One channel of `count` pixels.
template <class T>
LW_INLINE void sample_channel(const AffineSampleArgs& a, const T* image, const SamplePoints& p, int64_t count, float* out) {
  alignas(64) float above[kLanes] = {}, above_right[kLanes] = {}, below[kLanes] = {}, below_right[kLanes] = {}, value[kLanes];
  const int64_t pitch = a.w * a.c;
  for (int64_t k = 0; p.any && k < count; ++k) {
    const int64_t row = p.row[k], column = p.column[k];
    if (row >= 0 && row + 1 < a.h && column >= 0 && column + 1 < a.w) {
      const T* const at = image + row * pitch + column * a.c;
      above[k] = static_cast<float>(at[0]), above_right[k] = static_cast<float>(at[a.c]);
      below[k] = static_cast<float>(at[pitch]), below_right[k] = static_cast<float>(at[pitch + a.c]);
    } else {
      above[k] = sample_pixel(a, image, row, column), above_right[k] = sample_pixel(a, image, row, column + 1);
      below[k] = sample_pixel(a, image, row + 1, column), below_right[k] = sample_pixel(a, image, row + 1, column + 1);
    }
  }
  const F32 top = between(load(above), load(above_right), p.right), bottom = between(load(below), load(below_right), p.right);
  const F32 result = select(p.near, between(top, bottom, p.down), set1(a.fill));
  if (a.c == 1) return store_n(out, result, static_cast<int>(count));
  store(value, result);
  for (int64_t k = 0; k < count; ++k) out[k * a.c] = value[k];
}

template <class T>
void sample_images(const AffineSampleArgs& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    const T* const image = static_cast<const T*>(a.x) + n * a.h * a.w * a.c;
    for (int64_t i = 0; i < a.oh; ++i)
      for (int64_t j = 0; j < a.ow; j += kLanes) {
        const SamplePoints p = sample_points(a, a.theta + n * 6, i, j);
        float* const out = a.y + ((n * a.oh + i) * a.ow + j) * a.c;
        for (int64_t c = 0; c < a.c; ++c) sample_channel(a, image + c, p, a.ow - j < kLanes ? a.ow - j : kLanes, out + c);
      }
  }
}

int64_t affine_sample(const AffineSampleArgs& a, int64_t begin, int64_t end, void*) {
  if (a.dtype == DType::u8) {
    sample_images<uint8_t>(a, begin, end);
  } else {
    sample_images<float>(a, begin, end);
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
