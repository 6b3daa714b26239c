// Where an operand of a product comes from. One side of a product is a matrix of `outer` × depth: rows of A, or columns of B.
//
// `Strided` is read in place through the strides of GemmArgs. A gathered operand is another packer for the same driver and has
//   rows(i, count, p, depth, out, pitch)      out[i'][p'] = element (i + i', p + p')
//   panel(p, depth, i, count, width, out)     out[p'][i'] likewise, at pitch `width`
//   from(i)                                   the operand that begins at i
// Both may write up to a vector beyond the last element; `panel` leaves anything beyond `count`.
// kDepthMajor: as A it is packed by `panel`, a whole block at once.
#pragma once
#include "blocking.h"

namespace lanewise::LW_ISA {
namespace {

struct Strided {
  static constexpr bool kGathered = false, kDepthMajor = false;
  void rows(int64_t, int64_t, int64_t, int64_t, float*, int64_t) const {}
  void panel(int64_t, int64_t, int64_t, int64_t, int64_t, float*) const {}
  Strided from(int64_t) const { return {}; }
};

}  // namespace
}  // namespace lanewise::LW_ISA
