// The numbers of the shapes in kernels/args.h in the order in which the instruction stream and the raw calls give them.
#pragma once
#include <stdint.h>

#include <span>

#include "kernels/args.h"

namespace lanewise {

template <class Shape>
struct ShapeField {
  const char* name;
  int64_t Shape::*field;
  int64_t least;
};

inline std::span<const ShapeField<ConvShape>> fields_of(const ConvShape&) {
  static constexpr ShapeField<ConvShape> kFields[] = {
      {"n", &ConvShape::n, 0},
      {"h", &ConvShape::h, 0},
      {"w", &ConvShape::w, 0},
      {"c", &ConvShape::c, 0},
      {"oh", &ConvShape::oh, 0},
      {"ow", &ConvShape::ow, 0},
      {"oc", &ConvShape::oc, 0},
      {"kh", &ConvShape::kh, 0},
      {"kw", &ConvShape::kw, 0},
      {"strideH", &ConvShape::stride_h, 1},
      {"strideW", &ConvShape::stride_w, 1},
      {"dilationH", &ConvShape::dilation_h, 1},
      {"dilationW", &ConvShape::dilation_w, 1},
      {"padTop", &ConvShape::pad_top, 0},
      {"padLeft", &ConvShape::pad_left, 0},
      {"groups", &ConvShape::groups, 1},
  };
  return kFields;
}

inline std::span<const ShapeField<PoolShape>> fields_of(const PoolShape&) {
  static constexpr ShapeField<PoolShape> kFields[] = {
      {"n", &PoolShape::n, 0},
      {"h", &PoolShape::h, 0},
      {"w", &PoolShape::w, 0},
      {"c", &PoolShape::c, 0},
      {"oh", &PoolShape::oh, 0},
      {"ow", &PoolShape::ow, 0},
      {"kh", &PoolShape::kh, 0},
      {"kw", &PoolShape::kw, 0},
      {"strideH", &PoolShape::stride_h, 1},
      {"strideW", &PoolShape::stride_w, 1},
      {"padTop", &PoolShape::pad_top, 0},
      {"padLeft", &PoolShape::pad_left, 0},
  };
  return kFields;
}

inline bool groups_divide(const ConvShape& s) { return s.c % s.groups == 0 && s.oc % s.groups == 0; }
// The tap of a maximum is an int32.
inline bool taps_have_numbers(const PoolShape& s) { return s.kh * s.kw <= INT32_MAX; }

}  // namespace lanewise
