// The functions of kernels/math.h, run as maps, against float64. A stride over all floats by default; LANEWISE_EXHAUSTIVE=1 takes every
// one, LANEWISE_VERBOSE=1 prints the largest error of each function.
#include <cfloat>
#include <cstdlib>

#include "kernel_harness.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr int64_t kBatch = 1 << 16;
const bool kExhaustive = std::getenv("LANEWISE_EXHAUSTIVE") != nullptr;
const bool kVerbose = std::getenv("LANEWISE_VERBOSE") != nullptr;

void apply(const KernelTable& table, MapOp op, const float* a, const float* b, int64_t n, float* out) {
  static MapArgs args;
  args.rank = 1;
  args.dims[0] = n;
  args.inputs = b != nullptr ? 2 : 1;
  args.input[0] = {a, DType::f32, {1}};
  args.input[1] = {b, DType::f32, {1}};
  args.constants = 0;
  args.instructions = args.outputs = 1;
  args.instruction[0] = {op, 0, b != nullptr ? 1 : -1, -1};
  args.output[0] = {out, DType::f32, args.inputs};
  run(table.map_tasks, table.map, args);
}

struct Function {
  const char* name;
  MapOp op;
  double (*exact)(double);
  double bound, bound_unfused;                        // ULP, the second one for rows without FMA
  double limit = HUGE_VAL, limit_unfused = HUGE_VAL;  // the largest |x| tried
};

const Function kFunctions[] = {
    {"exp", MapOp::exp, [](double x) { return std::exp(x); }, 1.0, 2.0},
    {"expm1", MapOp::expm1, [](double x) { return std::expm1(x); }, 2.0, 3.0},
    {"log", MapOp::log, [](double x) { return std::log(x); }, 1.0, 2.0},
    {"log1p", MapOp::log1p, [](double x) { return std::log1p(x); }, 2.0, 3.0},
    {"tanh", MapOp::tanh, [](double x) { return std::tanh(x); }, 3.0, 5.0},
    {"sigmoid", MapOp::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5, 3.5},
    {"erf", MapOp::erf, [](double x) { return std::erf(x); }, 1.5, 2.5},
    {"sin", MapOp::sin, [](double x) { return std::sin(x); }, 2.0, 3.0, 1e6, 1e4},
    {"cos", MapOp::cos, [](double x) { return std::cos(x); }, 2.0, 3.0, 1e6, 1e4},
};

void sweep(const KernelTable& table, const Function& f) {
  // Odd strides meet every exponent and all low bits.
  const uint64_t stride = kExhaustive ? 1 : 1031;
  const float limit = static_cast<float>(table.fused ? f.limit : f.limit_unfused);
  std::vector<float> x(kBatch), y(kBatch);
  double worst = 0;
  float worst_x = 0;
  for (uint64_t bits = 0; bits < 1ull << 32; bits += stride * kBatch) {
    int64_t n = 0;
    for (int64_t i = 0; i < kBatch && bits + stride * i < 1ull << 32; ++i) {
      const uint32_t pattern = static_cast<uint32_t>(bits + stride * i);
      std::memcpy(&x[n], &pattern, 4);
      const bool subnormal = x[n] != 0 && std::fabs(x[n]) < 0x1p-126f;
      if (!subnormal && !(std::fabs(x[n]) > limit)) ++n;
    }
    apply(table, f.op, x.data(), nullptr, n, y.data());
    for (int64_t i = 0; i < n; ++i) {
      const double error = ulps(y[i], f.exact(x[i]));
      if (error <= worst) continue;
      worst = error;
      worst_x = x[i];
    }
  }
  char message[160];
  std::snprintf(message, sizeof message, "%s %s: %.3f ULP at %a (%g)", table.isa, f.name, worst, worst_x, worst_x);
  if (kVerbose) std::printf("%s\n", message);
  CHECK_TEXT(worst <= (table.fused ? f.bound : f.bound_unfused), message);
}

std::vector<float> special_values() {
  const float inf = HUGE_VALF, nan = std::nanf("");
  std::vector<float> values = {0.0f,
                               -0.0f,
                               inf,
                               -inf,
                               nan,
                               -nan,
                               1,
                               -1,
                               2,
                               -2,
                               3,
                               -3,
                               0.5f,
                               -0.5f,
                               1.5f,
                               -2.5f,
                               0x1p-126f,
                               -0x1p-126f,
                               FLT_MAX,
                               -FLT_MAX,
                               0x1p24f,
                               0x1p24f + 2,
                               -0x1p24f,
                               1e30f,
                               88.72283f,
                               88.72284f,
                               -87.33654f,
                               -87.33655f,
                               -88.0f,
                               -104.0f,
                               9.01f,
                               20.0f,
                               -20.0f,
                               0x1p-30f,
                               -0x1p-30f,
                               1 + 0x1p-23f,
                               1 - 0x1p-24f,
                               0x1.6a09e6p-1f,
                               0x1.6a09e6p0f};
  uint32_t payload = 0x7fc12345;  // a NaN whose low bits are set
  float quiet;
  std::memcpy(&quiet, &payload, 4);
  values.push_back(quiet);
  return values;
}

}  // namespace

LW_TEST(functions_stay_within_their_error) {
  for_each_table([](const KernelTable& table) {
    for (const Function& f : kFunctions) sweep(table, f);
  });
}

LW_TEST(functions_at_special_values) {
  const std::vector<float> x = special_values();
  std::vector<float> y(x.size());
  for_each_table([&](const KernelTable& table) {
    for (const Function& f : kFunctions) {
      apply(table, f.op, x.data(), nullptr, static_cast<int64_t>(x.size()), y.data());
      for (size_t i = 0; i < x.size(); ++i) {
        if (std::isfinite(f.limit) && std::isfinite(x[i]) && std::fabs(x[i]) > f.limit_unfused) continue;
        const double exact = f.exact(x[i]);
        char message[120];
        std::snprintf(message, sizeof message, "%s %s(%a) = %a, exact %a", table.isa, f.name, x[i], y[i], exact);
        CHECK_TEXT(ulps(y[i], exact) <= (table.fused ? f.bound : f.bound_unfused), message);
        if (exact == 0) CHECK_TEXT(std::signbit(exact) == std::signbit(y[i]) || x[i] != 0, message);
      }
    }
  });
}

// The smallest normal arguments, where what is added to them is flushed on the way.
LW_TEST(functions_of_the_smallest_numbers) {
  std::vector<float> x, y;
  for (uint32_t bits = 1u << 23; bits < 6u << 23; bits += 4099) {
    float value;
    std::memcpy(&value, &bits, 4);
    x.insert(x.end(), {value, -value});
  }
  y.resize(x.size());
  for_each_table([&](const KernelTable& table) {
    for (const Function& f : kFunctions) {
      apply(table, f.op, x.data(), nullptr, static_cast<int64_t>(x.size()), y.data());
      double worst = 0;
      for (size_t i = 0; i < x.size(); ++i) worst = larger_error(worst, ulps(y[i], f.exact(x[i])));
      CHECK_TEXT(worst <= (table.fused ? f.bound : f.bound_unfused),
                 table.isa + (" " + std::string(f.name)) + ": " + std::to_string(worst));
    }
  });
}

LW_TEST(functions_of_subnormal_numbers_are_those_of_zero) {
  const float x[] = {1e-40f, -1e-40f, 0x1.fffffcp-127f, -0x1.fffffcp-127f, 1e-45f, -1e-45f};
  float y[6];
  for_each_table([&](const KernelTable& table) {
    for (const Function& f : kFunctions) {
      apply(table, f.op, x, nullptr, 6, y);
      for (int i = 0; i < 6; ++i) {
        const double exact = f.exact(std::copysign(0.0, double(x[i])));
        CHECK_TEXT(y[i] == exact && std::signbit(y[i]) == std::signbit(exact), table.isa + (" " + std::string(f.name)));
      }
    }
  });
}

LW_TEST(functions_are_bounded_and_saturate) {
  Source source(3);
  const Guarded<float> x = source.floats(100000, -20, 20);
  Guarded<float> y(x.size());
  for_each_table([&](const KernelTable& table) {
    apply(table, MapOp::tanh, x.data(), nullptr, x.size(), y.data());
    bool inside = true;
    for (int64_t i = 0; i < x.size(); ++i) inside = inside && std::fabs(y[i]) <= 1 && (std::fabs(x[i]) < 10 || std::fabs(y[i]) == 1);
    CHECK_TEXT(inside, table.isa);
    apply(table, MapOp::sigmoid, x.data(), nullptr, x.size(), y.data());
    inside = true;
    for (int64_t i = 0; i < x.size(); ++i) inside = inside && y[i] >= 0 && y[i] <= 1;
    CHECK_TEXT(inside, table.isa);
  });
}

LW_TEST(sin_and_cos_refuse_what_they_cannot_reduce) {
  const float x[] = {2e6f, -1e20f, FLT_MAX};
  float y[3];
  for_each_table([&](const KernelTable& table) {
    for (MapOp op : {MapOp::sin, MapOp::cos}) {
      apply(table, op, x, nullptr, 3, y);
      CHECK_TEXT(std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[2]), table.isa);
    }
  });
}

static void check_pow(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> y(a.size());
  for_each_table([&](const KernelTable& table) {
    apply(table, MapOp::pow, a.data(), b.data(), static_cast<int64_t>(a.size()), y.data());
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const double exact = std::pow(static_cast<double>(a[i]), static_cast<double>(b[i]));
      const double error = ulps(y[i], exact);
      if (error <= worst) continue;
      worst = error;
      at = i;
    }
    char message[160];
    std::snprintf(message, sizeof message, "%s pow: %.3f ULP at %a ^ %a = %a", table.isa, worst, a[at], b[at], y[at]);
    if (kVerbose) std::printf("%s\n", message);
    CHECK_TEXT(worst <= (table.fused ? 3.0 : 4.0), message);
  });
}

LW_TEST(pow_follows_c) {
  std::vector<float> a, b;
  for (float x : special_values()) {
    for (float y : special_values()) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  Source source(5);
  for (int i = 0; i < (kExhaustive ? 100000000 : 1000000); ++i) {
    // Bases over many exponents, and near 1 where large exponents matter.
    const float base = i % 2 ? std::exp(source.uniform(-80, 80)) : std::exp(source.uniform(-0.5f, 0.5f));
    const float reach = 88 / std::max(std::fabs(std::log(base)), 1e-6f);
    a.push_back(base);
    b.push_back(source.uniform(-reach, reach));
  }
  check_pow(a, b);
}

// Where the result overflows or becomes subnormal it is decided by the last bits of b · log2 a.
LW_TEST(pow_at_the_limits_of_its_results) {
  std::vector<float> a, b;
  Source source(6);
  for (const double edge : {128.0, -126.0}) {
    for (int i = 0; i < 1000000;) {
      const float base = std::ldexp(1 + source.uniform(0, 1), static_cast<int>(source.below(16)) - 3);
      const double log = std::log2(static_cast<double>(base));
      if (std::fabs(log) < 1e-3) continue;
      float exponent = static_cast<float>(edge / log);
      const int64_t step = source.below(9) - 4;
      for (int64_t s = std::abs(step); s > 0; --s) exponent = std::nextafter(exponent, step < 0 ? -HUGE_VALF : HUGE_VALF);
      a.push_back(base), b.push_back(exponent), ++i;
    }
  }
  check_pow(a, b);
}

// The bits of a fused row are a promise across machines: a change of these numbers is a change of everybody's results.
LW_TEST(fused_rows_have_the_promised_bits) {
  std::vector<float> x, exponent;
  for (uint64_t bits = 0; bits < 1ull << 32; bits += 4099) {
    const uint32_t pattern = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &pattern, 4);
    if (value != 0 && std::fabs(value) < 0x1p-126f) continue;
    x.push_back(value);
    exponent.push_back(static_cast<float>(bits % 97) / 7 - 5);
  }
  std::vector<float> y(x.size());
  for_each_table([&](const KernelTable& table) {
    if (!table.fused) return;
    Digest digest;
    for (const Function& f : kFunctions) {
      apply(table, f.op, x.data(), nullptr, static_cast<int64_t>(x.size()), y.data());
      digest.add(y.data(), static_cast<int64_t>(y.size()));
    }
    apply(table, MapOp::pow, x.data(), exponent.data(), static_cast<int64_t>(x.size()), y.data());
    digest.add(y.data(), static_cast<int64_t>(y.size()));
    CHECK_TEXT(digest.value() == 0x8c6e90f2b9739acf, table.isa + (" " + digest.text()));
  });
}
