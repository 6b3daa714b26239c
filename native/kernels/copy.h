// Strided copy: out[Σ i·out_stride] = in[Σ i·in_stride] over an index space, elements of 1 or 4 bytes. out may not overlap in.
//
// The dimensions are put in the order of the output's strides and merged. Then the last one is contiguous on both sides (rows are
// copied whole), or the input is contiguous along another dimension (tiles are transposed in registers), or neither (element by element).
#pragma once

#include <string.h>

#include "args.h"
#include "index_space.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kCopyTask = 16384;     // elements
constexpr int64_t kTransposeStrip = 64;  // rows of the input's contiguous dimension moved together

struct CopyPlan {
  IndexSpace space;
  int64_t in[kMaxRank], out[kMaxRank];
  int across;      // the dimension transposed with the last one, or −1
  int64_t pieces;  // units of work in one row (or one plane, when transposing)
  int64_t units, units_per_task;
};

// How a copy is done: a function of the arguments alone.
static CopyPlan copy_plan(const CopyArgs& args) {
  int order[kMaxRank];
  for (int d = 0; d < args.rank; ++d) {
    int at = d;
    for (; at > 0 && args.out_stride[order[at - 1]] < args.out_stride[d]; --at) order[at] = order[at - 1];
    order[at] = d;
  }
  int64_t dims[kMaxRank], in[kMaxRank], out[kMaxRank];
  int64_t elements = 1;
  for (int d = 0; d < args.rank; ++d) {
    dims[d] = args.dims[order[d]];
    in[d] = args.in_stride[order[d]];
    out[d] = args.out_stride[order[d]];
    elements *= dims[d];
  }
  CopyPlan plan;
  const int64_t* strides[2] = {in, out};
  int64_t* merged[2] = {plan.in, plan.out};
  collapse(args.rank, dims, 2, strides, plan.space, merged);
  const int last = plan.space.rank - 1;
  plan.across = -1;
  if (args.element_bytes == 4 && plan.out[last] == 1 && plan.in[last] != 1) {
    for (int d = 0; d < last; ++d) {
      if (plan.in[d] == 1 && plan.space.dims[d] > 1) plan.across = d;
    }
  }
  if (elements == 0) {
    plan.units = 0;
    plan.units_per_task = 1;
    return plan;
  }
  int64_t rows = elements / plan.space.dims[last];
  int64_t unit = smaller(plan.space.dims[last], kCopyTask);
  plan.pieces = divide_up(plan.space.dims[last], kCopyTask);
  if (plan.across >= 0) {
    // The transposed dimension goes next to the last one; the walk goes over the rest.
    const int d = plan.across, beside = last - 1;
    const int64_t width = plan.space.dims[d], width_in = plan.in[d], width_out = plan.out[d];
    for (int k = d; k < beside; ++k) {
      plan.space.dims[k] = plan.space.dims[k + 1];
      plan.in[k] = plan.in[k + 1];
      plan.out[k] = plan.out[k + 1];
    }
    plan.space.dims[beside] = width;
    plan.in[beside] = width_in;
    plan.out[beside] = width_out;
    plan.across = beside;
    rows /= width;
    plan.pieces = divide_up(width, kTransposeStrip);
    unit = smaller(width, kTransposeStrip) * plan.space.dims[last];
  }
  plan.units = rows * plan.pieces;
  plan.units_per_task = larger(1, kCopyTask / unit);
  return plan;
}

template <class Element>
LW_INLINE void copy_elements(const Element* in, int64_t in_stride, int64_t n, Element* out, int64_t out_stride) {
  for (int64_t i = 0; i < n; ++i) out[i * out_stride] = in[i * in_stride];
}

// out[r · out_pitch + c] = in[c · in_pitch + r], r < rows, c < columns.
static void transpose_strip(const float* in, int64_t in_pitch, int64_t rows, int64_t columns, float* out, int64_t out_pitch) {
  for (int64_t c = 0; c < columns; c += kLanes) {
    const int width = static_cast<int>(smaller(columns - c, kLanes));
    for (int64_t r = 0; r < rows; r += kLanes) {
      const int height = static_cast<int>(smaller(rows - r, kLanes));
      F32 tile[kLanes];
      const float* from = in + c * in_pitch + r;
      float* to = out + r * out_pitch + c;
      if (width == kLanes && height == kLanes) {
        for (int k = 0; k < kLanes; ++k) tile[k] = load(from + k * in_pitch);
        transpose(tile);
        for (int k = 0; k < kLanes; ++k) store(to + k * out_pitch, tile[k]);
      } else {
        for (int k = 0; k < kLanes; ++k) tile[k] = k < width ? load_n(from + k * in_pitch, height) : zero();
        transpose(tile);
        for (int k = 0; k < kLanes; ++k) {
          if (k < height) store_n(to + k * out_pitch, tile[k], width);
        }
      }
    }
  }
}

template <class Element>
static void copy_by_plan(const CopyPlan& plan, const Element* in, Element* out, int64_t begin, int64_t end) {
  const int last = plan.space.rank - 1;
  // Positions of whole rows (planes): the walk has the inner dimensions at index 0.
  IndexSpace walk = plan.space;
  walk.dims[last] = 1;
  if (plan.across >= 0) walk.dims[plan.across] = 1;
  Cursor from = cursor_at(walk, plan.in, begin / plan.pieces);
  Cursor to = cursor_at(walk, plan.out, begin / plan.pieces);
  int64_t piece = begin % plan.pieces;
  for (int64_t unit = begin; unit < end; ++unit) {
    if (plan.across >= 0) {
      const int64_t first = piece * kTransposeStrip;
      if constexpr (sizeof(Element) == 4) {
        transpose_strip(in + from.offset + first, plan.in[last], smaller(plan.space.dims[plan.across] - first, kTransposeStrip),
                        plan.space.dims[last], out + to.offset + first * plan.out[plan.across], plan.out[plan.across]);
      }
    } else {
      const int64_t first = piece * kCopyTask;
      const int64_t n = smaller(plan.space.dims[last] - first, kCopyTask);
      const Element* a = in + from.offset + first * plan.in[last];
      Element* b = out + to.offset + first * plan.out[last];
      if (plan.in[last] == 1 && plan.out[last] == 1) {
        if constexpr (sizeof(Element) == 4) {
          int64_t i = 0;
          for (; i + kLanes <= n; i += kLanes) store(b + i, load(a + i));
          if (i < n) store_n(b + i, load_n(a + i, static_cast<int>(n - i)), static_cast<int>(n - i));
        } else {
          memcpy(b, a, static_cast<size_t>(n));
        }
      } else {
        copy_elements(a, plan.in[last], n, b, plan.out[last]);
      }
    }
    if (++piece < plan.pieces) continue;
    piece = 0;
    cursor_next_row(walk, plan.in, from);
    cursor_next_row(walk, plan.out, to);
  }
}

int64_t copy_tasks(const CopyArgs& args) {
  const CopyPlan plan = copy_plan(args);
  return divide_up(plan.units, plan.units_per_task);
}

int64_t copy(const CopyArgs& args, int64_t begin, int64_t end, void*) {
  const CopyPlan plan = copy_plan(args);
  const int64_t first = begin * plan.units_per_task;
  const int64_t stop = smaller(end * plan.units_per_task, plan.units);
  if (first >= stop) return kOk;
  if (args.element_bytes == 4) {
    copy_by_plan(plan, reinterpret_cast<const float*>(args.in), reinterpret_cast<float*>(args.out), first, stop);
  } else {
    copy_by_plan(plan, args.in, args.out, first, stop);
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
