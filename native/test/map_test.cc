// The map kernel: every operation, layout, type and aliasing, against a scalar interpreter.
#include "../kernels/known_maps.h"
#include "kernel_harness.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr int kOps = static_cast<int>(MapOp::count);

// Every basic operation in float, as the kernel rounds it; the functions in double.
double scalar(MapOp op, float a, float b, float c, bool fused) {
  switch (op) {
    case MapOp::add: return a + b;
    case MapOp::sub: return a - b;
    case MapOp::mul: return a * b;
    case MapOp::div: return a / b;
    case MapOp::maximum: return std::isnan(a) ? a : std::isnan(b) ? b : a > b ? a : b;
    case MapOp::minimum: return std::isnan(a) ? a : std::isnan(b) ? b : a < b ? a : b;
    case MapOp::fma: return fused ? std::fma(a, b, c) : a * b + c;
    case MapOp::mul_add: return a * b + c;
    case MapOp::mul_sub: return a * b - c;
    case MapOp::sub_mul: return c - a * b;
    case MapOp::neg: return -a;
    case MapOp::abs: return std::fabs(a);
    case MapOp::sign: return a > 0 ? 1.0f : a < 0 ? -1.0f : a;
    case MapOp::sqrt: return std::sqrt(a);
    case MapOp::square: return a * a;
    case MapOp::reciprocal: return 1.0f / a;
    case MapOp::floor: return std::floor(a);
    case MapOp::round: return std::nearbyint(a);
    case MapOp::exp: return std::exp(static_cast<double>(a));
    case MapOp::expm1: return std::expm1(static_cast<double>(a));
    case MapOp::log: return std::log(static_cast<double>(a));
    case MapOp::log1p: return std::log1p(static_cast<double>(a));
    case MapOp::tanh: return std::tanh(static_cast<double>(a));
    case MapOp::sigmoid: return 1 / (1 + std::exp(-static_cast<double>(a)));
    case MapOp::erf: return std::erf(static_cast<double>(a));
    case MapOp::sin: return std::sin(static_cast<double>(a));
    case MapOp::cos: return std::cos(static_cast<double>(a));
    case MapOp::less: return a < b;
    case MapOp::less_equal: return a <= b;
    case MapOp::equal: return a == b;
    case MapOp::not_equal: return a != b;
    case MapOp::select: return a != 0 ? b : c;
    case MapOp::relu: return a < 0 ? 0 : a;
    case MapOp::is_finite: return std::isfinite(a);
    case MapOp::pow: return std::pow(static_cast<double>(a), static_cast<double>(b));
    case MapOp::count: break;
  }
  return 0;
}

bool is_function(MapOp op) { return (op >= MapOp::exp && op <= MapOp::cos) || op == MapOp::pow; }

MapArgs flat(int64_t n) {
  MapArgs args{};
  args.rank = 1;
  args.dims[0] = n;
  return args;
}
void add_input(MapArgs& args, const void* data, DType dtype, std::initializer_list<int64_t> strides) {
  MapInput& input = args.input[args.inputs++];
  input.data = data;
  input.dtype = dtype;
  std::copy(strides.begin(), strides.end(), input.stride);
}
void add_output(MapArgs& args, void* data, DType dtype, int reg) { args.output[args.outputs++] = {static_cast<float*>(data), dtype, reg}; }
void add_instruction(MapArgs& args, MapOp op, int a, int b = -1, int c = -1) { args.instruction[args.instructions++] = {op, a, b, c}; }
int temporary(const MapArgs& args, int instruction) { return args.inputs + args.constants + instruction; }

std::vector<float> awkward_values() {
  const float inf = HUGE_VALF, nan = std::nanf("");
  return {0.0f, -0.0f, 1, -1, 0.5f, -0.5f, 2.5f, -2.5f, 3.5f, inf, -inf, nan, 1e30f, -1e30f, 1e-30f, 7.25f, -100.5f};
}

}  // namespace

LW_TEST(every_operation_at_every_size) {
  const std::vector<float> awkward = awkward_values();
  for_each_table([&](const KernelTable& table) {
    for (int o = 0; o < kOps; ++o) {
      const MapOp op = static_cast<MapOp>(o);
      for (int64_t n : kSizes) {
        Guarded<float> in[3] = {Guarded<float>(n), Guarded<float>(n), Guarded<float>(n)};
        for (int64_t i = 0; i < n; ++i) {
          for (int k = 0; k < 3; ++k) in[k][i] = awkward[(i * (k + 1) + i / 17 * k) % awkward.size()];
        }
        if (op == MapOp::sin || op == MapOp::cos)
          for (int64_t i = 0; i < n; ++i) in[0][i] = std::isfinite(in[0][i]) ? std::remainder(in[0][i], 1000.0f) : in[0][i];
        Guarded<float> out(n);
        MapArgs args = flat(n);
        for (const Guarded<float>& x : in) add_input(args, x.data(), DType::f32, {1});
        add_instruction(args, op, 0, map_arity(op) > 1 ? 1 : -1, map_arity(op) > 2 ? 2 : -1);
        add_output(args, out.data(), DType::f32, 3);
        run(table.map_tasks, table.map, args);
        double worst = 0;
        for (int64_t i = 0; i < n; ++i) worst = larger_error(worst, ulps(out[i], scalar(op, in[0][i], in[1][i], in[2][i], table.fused)));
        CHECK_TEXT(worst <= (is_function(op) ? 4 : 0), text(table, "operation, size, ULP", {o, n, static_cast<int64_t>(worst)}));
        CHECK_TEXT(out.intact(), text(table, "operation, size", {o, n}));
      }
    }
  });
}

// Whether maxss gives a zero for a subnormal number, as processors do that take denormals for zeros; qemu gives the number.
static bool max_flushes() {
#if defined(__x86_64__)
  const FlushDenormals flush;
  volatile float tiny = 1e-40f;
  const float larger = _mm_cvtss_f32(_mm_max_ss(_mm_set_ss(-1.0f), _mm_set_ss(tiny)));
  uint32_t bits;
  std::memcpy(&bits, &larger, sizeof bits);
  return bits == 0;
#else
  return true;
#endif
}

// A subnormal number is a zero of its sign, and of two zeros the second is returned: the same bits on every row.
LW_TEST(larger_and_smaller_of_subnormal_numbers) {
  const float tiny = max_flushes() ? 1e-40f : 0.0f;
  const std::vector<float> values = {0.0f, -0.0f, tiny, -tiny, 0x1p-126f, -0x1p-126f, 1.0f, -1.0f, HUGE_VALF, -HUGE_VALF};
  const auto flushed = [](float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; };
  const int64_t n = static_cast<int64_t>(values.size() * values.size());
  Guarded<float> a(n), b(n), zero(n, 0.0f), out(n), expected(n);
  for (int64_t i = 0; i < n; ++i) a[i] = values[i / 10], b[i] = values[i % 10];
  for_each_table([&](const KernelTable& table) {
    for (MapOp op : {MapOp::maximum, MapOp::minimum, MapOp::relu}) {
      const Guarded<float>& first = op == MapOp::relu ? zero : a;
      for (int64_t i = 0; i < n; ++i) {
        const float x = flushed(first[i]), y = flushed(b[i]);
        expected[i] = (op == MapOp::minimum ? x < y : x > y) ? x : y;
      }
      MapArgs args = flat(n);
      add_input(args, op == MapOp::relu ? b.data() : a.data(), DType::f32, {1});
      if (op != MapOp::relu) add_input(args, b.data(), DType::f32, {1});
      add_instruction(args, op, 0, op == MapOp::relu ? -1 : 1);
      add_output(args, out.data(), DType::f32, args.inputs);
      run(table.map_tasks, table.map, args);
      CHECK_TEXT(std::memcmp(out.data(), expected.data(), static_cast<size_t>(n) * sizeof(float)) == 0,
                 text(table, "operation", {static_cast<int64_t>(op)}));
    }
  });
}

LW_TEST(signs_of_subnormal_numbers_are_zeros) {
  const std::vector<float> values = {0.0f, -0.0f, 1e-40f, -1e-40f, 0x1p-126f, -0x1p-126f, 3.0f, -3.0f, std::nanf(""), -HUGE_VALF};
  const std::vector<float> signs = {0.0f, -0.0f, 0.0f, -0.0f, 1.0f, -1.0f, 1.0f, -1.0f, std::nanf(""), -1.0f};
  const int64_t n = 57;
  Guarded<float> x(n), out(n), expected(n);
  for (int64_t i = 0; i < n; ++i) x[i] = values[static_cast<size_t>(i % 10)], expected[i] = signs[static_cast<size_t>(i % 10)];
  for_each_table([&](const KernelTable& table) {
    MapArgs args = flat(n);
    add_input(args, x.data(), DType::f32, {1});
    add_instruction(args, MapOp::sign, 0);
    add_output(args, out.data(), DType::f32, 1);
    run(table.map_tasks, table.map, args);
    CHECK_TEXT(same_bits(out, expected), table.isa);
  });
}

LW_TEST(inputs_of_every_layout_and_type) {
  Source source(1);
  struct Shape {
    std::vector<int64_t> dims;
  };
  const Shape shapes[] = {{{7}},        {{1, 1}},     {{5, 10}},        {{3, 513}},
                          {{64, 16}},   {{2, 3, 4}},  {{1, 40, 1, 30}}, {{2, 3, 1, 4, 5, 6}},
                          {{17, 1000}}, {{2000, 10}}, {{300, 64}},      {{50, 512}},
                          {{0, 4}},     {{4, 0}},     {{701, 401}}};  // beyond the caches: blocks are fetched ahead
  for_each_table([&](const KernelTable& table) {
    for (const Shape& shape : shapes) {
      for (int repeat = 0; repeat < 12; ++repeat) {
        const int rank = static_cast<int>(shape.dims.size());
        int64_t n = 1;
        for (int64_t d : shape.dims) n *= d;
        MapArgs args{};
        args.rank = rank;
        std::copy(shape.dims.begin(), shape.dims.end(), args.dims);
        std::vector<Guarded<float>> floats;
        std::vector<Guarded<int32_t>> ints;
        std::vector<Guarded<uint8_t>> bytes;
        floats.reserve(8), ints.reserve(8), bytes.reserve(8);
        const int inputs = 1 + static_cast<int>(source.below(4));
        for (int k = 0; k < inputs; ++k) {
          // Random dimensions are broadcast; the rest are contiguous, permuted or stretched.
          int64_t strides[kMaxRank], extent = 1;
          const int64_t stretch = source.below(4) == 0 ? 3 : 1;
          const bool reversed = source.below(3) == 0;
          for (int i = 0; i < rank; ++i) {
            const int d = reversed ? i : rank - 1 - i;
            const bool broadcast = source.below(3) == 0;
            strides[d] = broadcast ? 0 : extent * stretch;
            if (!broadcast) extent *= args.dims[d];
          }
          const int64_t count = std::max<int64_t>(0, (extent - 1) * stretch + 1);
          MapInput& input = args.input[args.inputs++];
          std::copy(strides, strides + rank, input.stride);
          input.dtype = static_cast<DType>(source.below(3));
          if (input.dtype == DType::f32) {
            floats.push_back(source.floats(count));
            input.data = floats.back().data();
          } else if (input.dtype == DType::i32) {
            ints.push_back(source.ids(count, 1000));
            input.data = ints.back().data();
          } else {
            bytes.emplace_back(count);
            for (int64_t i = 0; i < count; ++i) bytes.back()[i] = static_cast<uint8_t>(source.below(256));
            input.data = bytes.back().data();
          }
        }
        // out = ((x0 · 2 + x1) + x2) …
        args.constants = 1;
        args.constant[0] = 2;
        add_instruction(args, MapOp::mul, 0, inputs);
        for (int k = 1; k < inputs; ++k) add_instruction(args, MapOp::add, temporary(args, k - 1), k);
        Guarded<float> out(n), split(n);
        add_output(args, out.data(), DType::f32, temporary(args, args.instructions - 1));
        run(table.map_tasks, table.map, args);
        bool right = true;
        for (int64_t i = 0; i < n; ++i) {
          float expected = 0;
          for (int k = 0; k < inputs; ++k) {
            int64_t position = i, at = 0;
            for (int d = rank - 1; d >= 0; --d) {
              at += position % args.dims[d] * args.input[k].stride[d];
              position /= args.dims[d];
            }
            const MapInput& input = args.input[k];
            const float x = input.dtype == DType::f32   ? static_cast<const float*>(input.data)[at]
                            : input.dtype == DType::i32 ? static_cast<float>(static_cast<const int32_t*>(input.data)[at])
                                                        : static_cast<const uint8_t*>(input.data)[at];
            expected = k == 0 ? x * 2 : expected + x;
          }
          right = right && out[i] == expected;
        }
        CHECK_TEXT(right && out.intact(), text(table, "layout: elements, rank, inputs, repeat", {n, rank, inputs, repeat}));
        args.output[0].data = split.data();
        run(table.map_tasks, table.map, args, 7 + repeat);
        CHECK_TEXT(same_bits(out, split), text(table, "split", {n, rank}));
      }
    }
  });
}

LW_TEST(outputs_convert_by_truncation) {
  for_each_table([](const KernelTable& table) {
    for (int64_t n : kSizes) {
      Guarded<float> x(n);
      for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(i % 250) + 0.75f;
      Guarded<int32_t> ints(n);
      Guarded<uint8_t> bytes(n);
      Guarded<float> copy(n), constant(n);
      MapArgs args = flat(n);
      add_input(args, x.data(), DType::f32, {1});
      args.constants = 1;
      args.constant[0] = 3;
      add_instruction(args, MapOp::neg, 0);
      add_output(args, ints.data(), DType::i32, 2);
      add_output(args, bytes.data(), DType::u8, 0);
      add_output(args, copy.data(), DType::f32, 0);
      add_output(args, constant.data(), DType::f32, 1);
      run(table.map_tasks, table.map, args);
      bool right = true;
      for (int64_t i = 0; i < n; ++i) right = right && ints[i] == -(i % 250) && bytes[i] == i % 250 && copy[i] == x[i] && constant[i] == 3;
      CHECK_TEXT(right && ints.intact() && bytes.intact() && copy.intact() && constant.intact(), text(table, "size", {n}));
    }
  });
}

// Random programs whose outputs may lie on their inputs, against the scalar interpreter.
LW_TEST(random_programs_in_place) {
  const MapOp ops[] = {MapOp::add, MapOp::sub, MapOp::mul,    MapOp::maximum, MapOp::minimum, MapOp::fma,
                       MapOp::neg, MapOp::abs, MapOp::select, MapOp::less,    MapOp::floor,   MapOp::sign};
  for_each_table([&](const KernelTable& table) {
    for (int seed = 1; seed <= 200; ++seed) {
      Source source(static_cast<uint64_t>(seed));
      const int64_t n = kSizes[source.below(static_cast<int64_t>(kSizes.size()))] * (seed % 10 == 0 ? 7 : 1);
      MapArgs args = flat(n);
      std::vector<Guarded<float>> memory;
      const int inputs = 1 + static_cast<int>(source.below(kMaxMapInputs));
      for (int k = 0; k < inputs; ++k) memory.push_back(source.floats(n));
      const std::vector<Guarded<float>> before = memory;
      for (int k = 0; k < inputs; ++k) {
        if (source.below(4) == 0) {
          add_input(args, before[k].data(), DType::f32, {n == 0 ? 1 : 0});
        } else {
          add_input(args, memory[k].data(), DType::f32, {1});
        }
      }
      args.constants = static_cast<int>(source.below(kMaxMapConstants + 1));
      for (int k = 0; k < args.constants; ++k) args.constant[k] = source.uniform(-1, 1);
      const int instructions = 1 + static_cast<int>(source.below(seed % 3 == 0 ? kMaxMapInstructions : 8));
      for (int i = 0; i < instructions; ++i) {
        const int known = inputs + args.constants + i;
        const auto any_register = [&] {
          return static_cast<int>(source.below(2) == 0 ? std::max<int64_t>(0, known - 1 - source.below(4)) : source.below(known));
        };
        const MapOp op = ops[source.below(std::size(ops))];
        add_instruction(args, op, any_register(), map_arity(op) > 1 ? any_register() : -1, map_arity(op) > 2 ? any_register() : -1);
      }
      // Each output takes a memory of its own, an input's more often than not.
      const int outputs = 1 + static_cast<int>(source.below(std::min(inputs, kMaxMapOutputs)));
      std::vector<Guarded<float>> fresh;
      fresh.reserve(kMaxMapOutputs);
      for (int o = 0; o < outputs; ++o) {
        const bool last = o == 0;
        const int reg = last ? temporary(args, instructions - 1) : static_cast<int>(source.below(temporary(args, instructions)));
        if (source.below(3) == 0) {
          fresh.emplace_back(n);
          add_output(args, fresh.back().data(), DType::f32, reg);
        } else {
          add_output(args, memory[o].data(), DType::f32, reg);
        }
      }
      run(table.map_tasks, table.map, args, seed % 2 ? static_cast<uint64_t>(seed) : 0);
      std::vector<float> value(static_cast<size_t>(temporary(args, instructions)));
      bool right = true;
      for (int64_t i = 0; i < n; ++i) {
        for (int k = 0; k < inputs; ++k) value[k] = before[k][args.input[k].stride[0] == 0 ? 0 : i];
        for (int k = 0; k < args.constants; ++k) value[inputs + k] = args.constant[k];
        for (int k = 0; k < instructions; ++k) {
          const MapInstruction& in = args.instruction[k];
          const auto get = [&](int reg) { return reg < 0 ? 0.0f : value[reg]; };
          value[temporary(args, k)] = static_cast<float>(scalar(in.op, get(in.a), get(in.b), get(in.c), table.fused));
        }
        for (int o = 0; o < outputs; ++o) right = right && ulps(args.output[o].data[i], value[args.output[o].reg]) == 0;
      }
      CHECK_TEXT(right, text(table, "program: seed, size, inputs, instructions, outputs", {seed, n, inputs, instructions, outputs}));
      for (const Guarded<float>& m : memory) CHECK_TEXT(m.intact(), text(table, "seed", {seed}));
    }
  });
}

// Whole rows of a table of `columns`: inputs are contiguous, the same in every row or one element; outputs lie on inputs or elsewhere.
LW_TEST(known_maps_equal_their_interpretation) {
  Source source(11);
  for_each_table([&](const KernelTable& table) {
    for (int k = 0; k < kKnownMapCount; ++k) {
      const KnownMap& known = kKnownMaps[k];
      for (int repeat = 0; repeat < 24; ++repeat) {
        const int64_t columns = 1 + source.below(repeat % 2 ? 40 : 700), rows = 1 + source.below(40), n = rows * columns;
        MapArgs args{};
        args.rank = 2;
        args.dims[0] = rows, args.dims[1] = columns;
        args.constants = known.constants, args.instructions = known.instructions;
        for (int i = 0; i < known.constants; ++i) args.constant[i] = source.uniform(-1, 1);
        std::copy(known.instruction, known.instruction + known.instructions, args.instruction);
        std::vector<Guarded<float>> memory, fresh, results;
        memory.reserve(kMaxMapInputs), fresh.reserve(kMaxMapOutputs);
        std::vector<int> whole;
        for (int i = 0; i < known.inputs; ++i) {
          const bool single = (known.repeated >> i & 1) != 0, row = !single && rows > 1 && columns > 1 && source.below(3) == 0;
          memory.push_back(source.floats(single ? 1 : row ? columns : n, -2, 2));
          add_input(args, memory[i].data(), DType::f32, {row || single ? 0 : columns, single ? 0 : 1});
          if (!single && !row) whole.push_back(i);
        }
        for (int o = 0; o < known.outputs; ++o) {
          fresh.push_back(Guarded<float>(n));
          const bool in_place = !whole.empty() && source.below(2) == 0;
          float* const to = in_place ? memory[whole.back()].data() : fresh[o].data();
          if (in_place) whole.pop_back();
          add_output(args, to, DType::f32, known.output[o]);
        }
        const std::vector<Guarded<float>> before = memory;
        if (n > 1) CHECK(find_known_map(args) == k + 1);
        for (const int32_t number : {0, k + 1}) {
          for (size_t i = 0; i < memory.size(); ++i) std::copy(before[i].data(), before[i].data() + before[i].size(), memory[i].data());
          args.known = number;
          run(table.map_tasks, table.map, args, repeat % 3 ? static_cast<uint64_t>(repeat) : 0);
          for (int o = 0; o < known.outputs; ++o) {
            results.push_back(Guarded<float>(n));
            std::copy(args.output[o].data, args.output[o].data + n, results.back().data());
          }
        }
        for (int o = 0; o < known.outputs; ++o)
          CHECK_TEXT(same_bits(results[o], results[known.outputs + o]),
                     text(table, "known map, output, rows, columns", {k, o, rows, columns}));
        for (const Guarded<float>& m : memory) CHECK(m.intact());
        for (const Guarded<float>& f : fresh) CHECK(f.intact());
      }
    }
  });
}

LW_TEST(fused_rows_agree_on_a_long_program) {
  Source source(9);
  const Guarded<float> x = source.floats(5003, -6, 6), row = source.floats(1, -1, 1);
  std::vector<std::vector<float>> results;
  for_each_table([&](const KernelTable& table) {
    if (!table.fused) return;
    Guarded<float> out(x.size());
    MapArgs args = flat(x.size());
    add_input(args, x.data(), DType::f32, {1});
    add_input(args, row.data(), DType::f32, {0});
    add_instruction(args, MapOp::tanh, 0);
    add_instruction(args, MapOp::sigmoid, 0);
    add_instruction(args, MapOp::fma, 2, 3, 1);
    add_instruction(args, MapOp::erf, 4);
    add_instruction(args, MapOp::exp, 5);
    add_instruction(args, MapOp::log, 6);
    add_instruction(args, MapOp::div, 7, 6);
    add_output(args, out.data(), DType::f32, temporary(args, 6));
    run(table.map_tasks, table.map, args);
    results.emplace_back(out.data(), out.data() + out.size());
  });
  for (const std::vector<float>& r : results) CHECK(same_bits(results[0].data(), r.data(), x.size()));
}
