// gather_rows:      out[i] = table[ids[i]]                 rows of row_bytes bytes; out may not overlap the table
// scatter_add_rows: dtable[ids[i]] += dy[i], in order of i dtable [table_rows, columns] is overwritten: zero where no id points
// write_rows:       table[ids[i]] = in[i]                  ids outside 0 … table_rows − 1 are skipped; of equal ids the last one counts
// A bad id gives a zero row (is skipped); the first one of the range is returned.
#pragma once

#include <string.h>

#include "args.h"
#include "lanes.h"
#include "rows.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kGatherTaskBytes = 16384;
constexpr int64_t kScatterColumns = 64;  // columns of a task: every task sees all ids, so sums keep their order

LW_INLINE int64_t gather_rows_per_task(const GatherRowsArgs& args) { return larger(1, kGatherTaskBytes / (args.row_bytes + 1)); }

// memcpy for rows of floats: short ones are a vector or two.
LW_INLINE void copy_bytes(const uint8_t* from, int64_t bytes, uint8_t* to) {
  if (bytes % 4 != 0 || bytes > 1024) {
    memcpy(to, from, static_cast<size_t>(bytes));
    return;
  }
  const float* in = reinterpret_cast<const float*>(from);
  float* out = reinterpret_cast<float*>(to);
  int64_t n = bytes / 4;
  for (; n >= kLanes; n -= kLanes, in += kLanes, out += kLanes) store(out, load(in));
  if (n > 0) store_n(out, load_n(in, static_cast<int>(n)), static_cast<int>(n));
}

LW_INLINE bool good_row(const GatherRowsArgs& args, int32_t id) { return id >= 0 && id < args.table_rows; }

// Rows lie anywhere in memory: while one is copied the next but one is fetched, the first page of it. One row ahead is a quarter slower,
// four are no faster.
constexpr int64_t kRowsAhead = 2;
LW_INLINE void fetch_row(const uint8_t* from, int64_t bytes) {
  for (int64_t b = 0; b < smaller(bytes, 4096); b += 64) prefetch_l2(reinterpret_cast<const float*>(from + b));
}

int64_t gather_rows_tasks(const GatherRowsArgs& args) { return divide_up(args.count, gather_rows_per_task(args)); }

int64_t gather_rows(const GatherRowsArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t per_task = gather_rows_per_task(args);
  const int64_t stop = smaller(end * per_task, args.count);
  const volatile int32_t* ids = args.ids;  // another thread may change shared memory: what is checked is what is used
  int64_t bad = kOk;
  for (int64_t i = begin * per_task; i < stop; ++i) {
    const int32_t id = ids[i], later = i + kRowsAhead < stop ? ids[i + kRowsAhead] : -1;
    uint8_t* out = args.out + i * args.row_bytes;
    if (good_row(args, later)) fetch_row(args.table + later * args.row_bytes, args.row_bytes);
    if (good_row(args, id)) {
      copy_bytes(args.table + id * args.row_bytes, args.row_bytes, out);
    } else {
      memset(out, 0, static_cast<size_t>(args.row_bytes));
      if (bad == kOk) bad = i;
    }
  }
  return bad;
}

// Wide rows are divided by columns; of narrow ones, which have few columns to divide, a task takes every kRowParts-th row of the table.
LW_INLINE bool splits_columns(int64_t columns) { return columns >= kRowParts * kScatterColumns; }

LW_INLINE bool in_part(int64_t row, int64_t begin, int64_t end) { return row % kRowParts >= begin && row % kRowParts < end; }

int64_t scatter_add_rows_tasks(const ScatterAddRowsArgs& args) {
  return splits_columns(args.columns) ? divide_up(args.columns, kScatterColumns) : kRowParts;
}

int64_t scatter_add_rows(const ScatterAddRowsArgs& args, int64_t begin, int64_t end, void*) {
  const bool by_columns = splits_columns(args.columns);
  const int64_t first = by_columns ? begin * kScatterColumns : 0;
  const int64_t width = by_columns ? smaller(end * kScatterColumns, args.columns) - first : args.columns;
  const bool every_row = by_columns || (begin == 0 && end == kRowParts);
  if (every_row && width == args.columns) {
    memset(args.dtable, 0, static_cast<size_t>(args.table_rows * args.columns) * sizeof(float));
  } else {
    for (int64_t r = 0; r < args.table_rows; ++r) {
      if (every_row || in_part(r, begin, end)) clear_row(width, args.dtable + r * args.columns + first);
    }
  }
  const volatile int32_t* ids = args.ids;
  int64_t bad = kOk;
  for (int64_t i = 0; i < args.count; ++i) {
    const int32_t id = ids[i];
    if (id < 0 || id >= args.table_rows) {
      if (bad == kOk) bad = i;
    } else if (every_row || in_part(id, begin, end)) {
      add_row(args.dy + i * args.columns + first, width, args.dtable + id * args.columns + first);
    }
  }
  return bad;
}

int64_t write_rows_tasks(const WriteRowsArgs&) { return kRowParts; }

int64_t write_rows(const WriteRowsArgs& args, int64_t begin, int64_t end, void*) {
  const int64_t bytes = args.columns * static_cast<int64_t>(sizeof(float));
  const volatile int32_t* ids = args.ids;
  for (int64_t i = 0; i < args.count; ++i) {
    const int32_t id = ids[i];
    if (id < 0 || id >= args.table_rows || !in_part(id, begin, end)) continue;
    copy_bytes(reinterpret_cast<const uint8_t*>(args.in + i * args.columns), bytes,
               reinterpret_cast<uint8_t*>(args.table + id * args.columns));
  }
  return kOk;
}

}  // namespace
}  // namespace lanewise::LW_ISA
