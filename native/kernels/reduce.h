// out[o, i] = sum | mean | max | min | sum of squares over r of in[o, r, i].
//
// inner = 1: every row by the virtual lanes and pairwise chunks of lanes.h.
// inner > 1: columns side by side. Row r of a chunk of kColumnChunk rows goes to partial sum r % 4 in order, the four are added as
// (0 + 2) + (1 + 3), chunk results pairwise as those of a row. Each column is the same whatever its neighbours, tasks and vector width.
// Error of a sum: at most about 70 (inner = 1) or 130 rounding errors, those of a chunk, and log2(chunks) more. max and min: NaN wins.
// out may not overlap in.
#pragma once

#include "args.h"
#include "lanes.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kReduceTask = 16384;  // elements read by a task, about
constexpr int64_t kColumnTask = 128;    // columns: two lines at least are read from each row
constexpr int64_t kColumnChunk = 512;
constexpr int kRowPartials = 4;

struct SumOp : SumFold {
  LW_INLINE F32 read(F32 x) { return x; }
  LW_INLINE F32 accumulate(F32 sum, F32 x) { return add(sum, x); }
};
struct SquareOp : SumFold {
  LW_INLINE F32 read(F32 x) { return mul(x, x); }
  LW_INLINE F32 accumulate(F32 sum, F32 x) { return add(sum, mul(x, x)); }
};
struct MaxOp : MaxFold {
  LW_INLINE F32 read(F32 x) { return x; }
  LW_INLINE F32 accumulate(F32 a, F32 x) { return step(a, x); }
};
struct MinOp : MinFold {
  LW_INLINE F32 read(F32 x) { return x; }
  LW_INLINE F32 accumulate(F32 a, F32 x) { return step(a, x); }
};

template <class Op>
struct ReduceRead {
  const float* in;
  LW_MEMBER F32 operator()(int64_t i) const { return Op::read(load(in + i)); }
  LW_MEMBER F32 operator()(int64_t i, int n) const { return keep_lanes<Op>(Op::read(load_n(in + i, n)), n); }
};

template <class Op>
static void reduce_rows(const ReduceArgs& args, int64_t begin, int64_t end) {
  for (int64_t o = begin; o < end; ++o) {
    float total = fold_row<Op>(args.count, ReduceRead<Op>{args.in + o * args.count});
    if (args.kind == ReduceKind::mean) total /= static_cast<float>(args.count);
    args.out[o] = total;
  }
}

// At most kColumnChunk rows of kVectors vectors of columns, the last of which has `width` lanes.
template <class Op, int kVectors>
LW_INLINE Vectors<kVectors> reduce_column_chunk(const float* in, int64_t rows, int64_t pitch, int width) {
  F32 part[kRowPartials][kVectors];
  for (int p = 0; p < kRowPartials; ++p) {
    for (int v = 0; v < kVectors; ++v) part[p][v] = set1(Op::kNeutral);
  }
  const auto take = [&](int64_t r, int p) __attribute__((always_inline)) {
    for (int v = 0; v < kVectors; ++v) {
      const float* const at = in + r * pitch + v * kLanes;
      part[p][v] = Op::accumulate(part[p][v], v == kVectors - 1 && width < kLanes ? load_n(at, width) : load(at));
    }
  };
  int64_t r = 0;
  for (; r + kRowPartials <= rows; r += kRowPartials) {
    for (int p = 0; p < kRowPartials; ++p) take(r + p, p);
  }
  for (int p = 0; p < kRowPartials - 1; ++p) {
    if (r + p < rows) take(r + p, p);
  }
  Vectors<kVectors> total;
  for (int v = 0; v < kVectors; ++v) total.of[v] = Op::step(Op::step(part[0][v], part[2][v]), Op::step(part[1][v], part[3][v]));
  return total;
}

template <class Op, int kVectors>
LW_INLINE void reduce_columns_block(const float* in, int64_t rows, int64_t pitch, int width, bool mean, float* out) {
  const auto join = [](const Vectors<kVectors>& a, const Vectors<kVectors>& b) __attribute__((always_inline)) {
    Vectors<kVectors> both;
    for (int v = 0; v < kVectors; ++v) both.of[v] = Op::step(a.of[v], b.of[v]);
    return both;
  };
  Pairwise<Vectors<kVectors>> earlier;
  for (int64_t r = 0;; r += kColumnChunk) {
    Vectors<kVectors> total = reduce_column_chunk<Op, kVectors>(in + r * pitch, smaller(rows - r, kColumnChunk), pitch, width);
    if (rows - r > kColumnChunk) {
      earlier.push(total, join);
      continue;
    }
    total = earlier.with_last(total, join);
    for (int v = 0; v < kVectors; ++v) {
      const F32 result = mean ? div(total.of[v], set1(static_cast<float>(rows))) : total.of[v];
      if (v == kVectors - 1 && width < kLanes) {
        store_n(out + v * kLanes, result, width);
      } else {
        store(out + v * kLanes, result);
      }
    }
    return;
  }
}

template <class Op>
static void reduce_columns(const ReduceArgs& args, int64_t outer, int64_t begin, int64_t end) {
  constexpr int kVectors = kVectorRegisters >= 32 ? 4 : 2;
  const bool mean = args.kind == ReduceKind::mean;
  const float* in = args.in + outer * args.count * args.inner;
  float* out = args.out + outer * args.inner;
  int64_t i = begin;
  for (; i + kVectors * kLanes <= end; i += kVectors * kLanes)
    reduce_columns_block<Op, kVectors>(in + i, args.count, args.inner, kLanes, mean, out + i);
  for (; i < end; i += kLanes) {
    const int width = static_cast<int>(smaller(end - i, kLanes));
    reduce_columns_block<Op, 1>(in + i, args.count, args.inner, width, mean, out + i);
  }
}

LW_INLINE int64_t reduce_rows_per_task(const ReduceArgs& args) { return larger(1, kReduceTask / (args.count + 1)); }
LW_INLINE int64_t reduce_columns_per_task(const ReduceArgs& args) {
  return larger(1, divide_up(kReduceTask / (args.count + 1), kColumnTask)) * kColumnTask;
}

int64_t reduce_tasks(const ReduceArgs& args) {
  if (args.inner == 1) return divide_up(args.outer, reduce_rows_per_task(args));
  return args.outer * divide_up(args.inner, reduce_columns_per_task(args));
}

template <class Op>
static void reduce_run(const ReduceArgs& args, int64_t begin, int64_t end) {
  if (args.inner == 1) {
    const int64_t rows = reduce_rows_per_task(args);
    return reduce_rows<Op>(args, begin * rows, smaller(end * rows, args.outer));
  }
  const int64_t columns = reduce_columns_per_task(args);
  const int64_t blocks = divide_up(args.inner, columns);
  for (int64_t task = begin; task < end; ++task) {
    const int64_t first = task % blocks * columns;
    reduce_columns<Op>(args, task / blocks, first, smaller(args.inner, first + columns));
  }
}

int64_t reduce(const ReduceArgs& args, int64_t begin, int64_t end, void*) {
  switch (args.kind) {
    case ReduceKind::sum:
    case ReduceKind::mean: reduce_run<SumOp>(args, begin, end); break;
    case ReduceKind::max: reduce_run<MaxOp>(args, begin, end); break;
    case ReduceKind::min: reduce_run<MinOp>(args, begin, end); break;
    case ReduceKind::sum_squares: reduce_run<SquareOp>(args, begin, end); break;
    case ReduceKind::count: break;
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
