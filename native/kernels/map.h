// A fused elementwise program: out = f(inputs) over an index space, run as a register machine on blocks that stay in L1.
//
// Registers hold kMapBlock elements each. Contiguous f32 inputs are read where they lie; scalars and constants are one
// vector read again and again; broadcast, strided, u8 and i32 inputs are expanded into a block of scratch. The instruction that
// computes an output writes straight into it when no later instruction could still read an input lying there.
// The maps of known_maps.h run as one compiled loop a block instead: Adam in half the time, the same bits.
// Accuracy: the basic operations round correctly, the functions are those of math.h. maximum, minimum and relu keep NaN; a
// comparison with NaN is 0 (not_equal: 1). Elements do not depend on one another, nor on the split into tasks.
#pragma once

#include "args.h"
#include "index_space.h"
#include "known_map_loops.h"
#include "map_instruction.h"
#include "map_plan.h"

namespace lanewise::LW_ISA {
namespace {

constexpr int64_t kMapTask = 4096;
// A map over more floats than this, 2 MB, is not expected in the L2 cache: its next block is fetched while one is computed.
constexpr int64_t kMapFar = 512 * 1024;

// out[i] = input[at + i · stride], i < n
static void map_expand_run(const MapInput& input, int64_t at, int64_t stride, int64_t n, float* out) {
  if (stride == 0) {
    const F32 x = set1(map_scalar(input, at));
    for (; n >= kLanes; n -= kLanes, out += kLanes) store(out, x);
    if (n > 0) store_n(out, x, static_cast<int>(n));
    return;
  }
  if (stride != 1) {
    for (int64_t i = 0; i < n; ++i) out[i] = map_scalar(input, at + i * stride);
    return;
  }
  switch (input.dtype) {
    case DType::i32: {
      const int32_t* p = static_cast<const int32_t*>(input.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, out += kLanes) store(out, to_float(load_i(p)));
      if (n > 0) store_n(out, to_float(load_i_n(p, static_cast<int>(n))), static_cast<int>(n));
      return;
    }
    case DType::u8: {
      const uint8_t* p = static_cast<const uint8_t*>(input.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, out += kLanes) store(out, load_u8(p));
      if (n > 0) store_n(out, load_u8_n(p, static_cast<int>(n)), static_cast<int>(n));
      return;
    }
    default: {
      const float* p = static_cast<const float*>(input.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, out += kLanes) store(out, load(p));
      if (n > 0) store_n(out, load_n(p, static_cast<int>(n)), static_cast<int>(n));
    }
  }
}

// Fills a block from position `first` of the (collapsed) index space on.
static void map_expand(const IndexSpace& space, const MapInput& input, const int64_t* stride, int64_t first, int64_t n, float* out) {
  Cursor cursor = cursor_at(space, stride, first);
  const int last = space.rank - 1;
  while (n > 0) {
    const int64_t left = space.dims[last] - cursor.index[last];
    const int64_t run = left < n ? left : n;
    map_expand_run(input, cursor.offset, stride[last], run, out);
    out += run;
    n -= run;
    if (n > 0) cursor_next_row(space, stride, cursor);
  }
}

static void map_store_output(const MapOutput& output, int64_t at, int64_t n, MapOperand from) {
  switch (output.dtype) {
    case DType::f32:
      return map_vectors(
          n, {output.data + at, kLanes, false}, [](F32 x) __attribute__((always_inline)) { return x; }, from);
    case DType::i32: {
      int32_t* p = reinterpret_cast<int32_t*>(output.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, from.data += from.step) store_i(p, to_int(load(from.data)));
      if (n > 0) store_i_n(p, to_int(load_n(from.data, static_cast<int>(n))), static_cast<int>(n));
      return;
    }
    case DType::u8: {
      uint8_t* p = reinterpret_cast<uint8_t*>(output.data) + at;
      for (; n >= kLanes; n -= kLanes, p += kLanes, from.data += from.step) store_u8_n(p, load(from.data), kLanes);
      if (n > 0) store_u8_n(p, load_n(from.data, static_cast<int>(n)), static_cast<int>(n));
      return;
    }
    case DType::count: return;
  }
}

// The next block of everything that moves on, into the L2 cache: as many lines at once for the L1 cache hold up Zen 4's own loads and
// stores.
static void map_fetch(const MapPlan& plan, int64_t n) {
  for (int m = 0; m < plan.moving_count; ++m) {
    const float* const next = plan.registers[plan.moving[m]].data + n;
    for (int64_t e = 0; e < kMapBlock; e += kLine) prefetch_l2(next + e);
  }
}

int64_t map_elements(const MapArgs& args) {
  int64_t n = 1;
  for (int d = 0; d < args.rank; ++d) n *= args.dims[d];
  return n;
}

int64_t map_tasks(const MapArgs& args) { return (map_elements(args) + kMapTask - 1) / kMapTask; }

int64_t map(const MapArgs& args, int64_t begin, int64_t end, void* scratch) {
  const int64_t elements = map_elements(args);
  int64_t first = begin * kMapTask;
  const int64_t stop = end * kMapTask < elements ? end * kMapTask : elements;
  if (first >= stop) return kOk;
  MapPlan plan;
  map_plan(args, first, stop - first < kMapBlock, static_cast<float*>(scratch), plan);
  const int temporaries = args.inputs + args.constants;
  const KnownMapRun known = known_map_run(args.known - 1);
  const bool far = elements * plan.moving_count > kMapFar;
  for (bool is_first = true;; is_first = false) {
    const int64_t n = stop - first < plan.block ? stop - first : plan.block;
    for (int i = 0; i < args.inputs; ++i) {
      const MapAccess access = plan.access[i];
      if (access == MapAccess::expanded || (is_first && access == MapAccess::pattern))
        map_expand(plan.space, args.input[i], plan.stride[i], first, n, plan.registers[i].data);
    }
    if (far && first + n < stop) map_fetch(plan, n);
    if (known != nullptr) {
      known(n, plan.registers);
    } else {
      for (int i = 0; i < args.instructions; ++i) map_instruction(args.instruction[i], n, plan.registers[temporaries + i], plan.registers);
    }
    for (int s = 0; s < plan.stored_count; ++s) {
      const MapOutput& output = args.output[plan.stored[s]];
      map_store_output(output, first, n, plan.registers[output.reg]);
    }
    first += n;
    if (first >= stop) return kOk;
    for (int m = 0; m < plan.moving_count; ++m) plan.registers[plan.moving[m]].data += n;
  }
}

}  // namespace
}  // namespace lanewise::LW_ISA
