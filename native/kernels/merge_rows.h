// merge_rows: the rows of dy [count, columns] that belong to one id added up where the id comes first.
//
//   sums[i] = Σ dy[j] over ids[j] == ids[i], in order of j, owners[i] = ids[i]   if no j < i has that id
//   sums[i] = 0,                                           owners[i] = −1        otherwise
//
// A bad id counts as one that came before; the first bad one is returned. The work grows with count · columns, not with the table.
// A task takes the ids whose hash falls into its part and finds their first positions in a hash table in the scratch memory. Ids for
// which that has no room wait for another pass over all of them: more than kMergeIds different ones in one call.
#pragma once

#include <string.h>

#include "args.h"
#include "rows.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kMergeSlots = 1 << 19, kMergeIds = kMergeSlots / 2;  // slots: a power of two
static_assert(kMergeSlots * sizeof(int32_t) <= kScratchBytes);
constexpr int kRowPartBits = 4;
static_assert(1 << kRowPartBits == kRowParts);

// A bijection of 32 bits that spreads regular ids: lowbias32, https://nullprogram.com/blog/2018/07/31/.
LW_INLINE uint32_t hash_id(int32_t id) {
  uint32_t x = static_cast<uint32_t>(id);
  x = (x ^ x >> 16) * 0x7feb352d;
  x = (x ^ x >> 15) * 0x846ca68b;
  return x ^ x >> 16;
}

int64_t merge_rows_tasks(const MergeRowsArgs&) { return kRowParts; }

int64_t merge_rows(const MergeRowsArgs& args, int64_t begin, int64_t end, void* scratch) {
  constexpr int32_t kNone = -1, kWaiting = -2;
  const int64_t columns = args.columns;
  int32_t* const owners = args.owners;
  int32_t* const first_of = static_cast<int32_t*>(scratch);  // positions by hash, −1 where free
  uint32_t slots = 16;
  while (slots < 2 * args.count && slots < kMergeSlots) slots *= 2;
  const volatile int32_t* ids = args.ids;
  int64_t bad = kOk;
  bool waiting = false;
  do {
    const bool again = waiting;
    waiting = false;
    int64_t room = slots / 2;
    memset(first_of, 0xff, slots * sizeof(int32_t));
    for (int64_t i = 0; i < args.count; ++i) {
      const int32_t id = ids[i];
      const uint32_t hash = hash_id(id);
      const auto part = static_cast<int64_t>(hash >> (32 - kRowPartBits));
      if (part < begin || part >= end || (again && owners[i] != kWaiting)) continue;
      const float* dy = args.dy + i * columns;
      float* sum = args.sums + i * columns;
      owners[i] = kNone;
      if (id < 0 || id >= args.table_rows) {
        if (bad == kOk || i < bad) bad = i;
        clear_row(columns, sum);
        continue;
      }
      uint32_t slot = hash & (slots - 1);
      while (first_of[slot] >= 0 && owners[first_of[slot]] != id) slot = (slot + 1) & (slots - 1);
      if (first_of[slot] >= 0) {
        add_row(dy, columns, args.sums + first_of[slot] * columns);
        clear_row(columns, sum);
      } else if (room > 0) {
        --room;
        first_of[slot] = static_cast<int32_t>(i);
        owners[i] = id;
        begin_row(dy, columns, sum);
      } else {
        owners[i] = kWaiting;
        waiting = true;
      }
    }
  } while (waiting);
  return bad;
}

}  // namespace
}  // namespace lanewise::LW_ISA
