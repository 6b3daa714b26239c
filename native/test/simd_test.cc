// The vector vocabulary against scalars. Built once per ISA with that ISA's flags; the machine must have it.
#include <cmath>
#include <cstdint>
#include <limits>

#include "check.h"

#if defined(__AVX512F__)
#include "../simd/avx512.h"
namespace isa = lanewise::avx512;
#elif defined(__AVX2__)
#include "../simd/avx2.h"
namespace isa = lanewise::avx2;
#elif defined(__aarch64__)
#include "../simd/neon.h"
namespace isa = lanewise::neon;
#else
#include "../simd/sse2.h"
namespace isa = lanewise::baseline;
#endif

using isa::F32;
using isa::I32;
using isa::kLanes;
using isa::Mask;

// An always-inline function as an object that can be passed on.
#define LIFT(function) [](auto... x) { return function(x...); }

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
constexpr float kValues[] = {0.0f,   -0.0f,       1.0f, -1.0f, 0.5f,       -0.5f,   1.5f,     -1.5f,        2.5f,
                             -2.5f,  0.49999997f, 3.7f, -3.7f, 8388607.5f, 8388608, -8388609, 1e10f,        -1e10f,
                             1e-30f, -1e-30f,     kInf, -kInf, kNan,       255.0f,  256.25f,  2147483000.0f};
constexpr int kCount = sizeof kValues / sizeof kValues[0];

struct Lanes {
  float at[kLanes];
};
Lanes lanes(F32 x) {
  Lanes out;
  isa::store(out.at, x);
  return out;
}
bool same(float x, float y) { return std::memcmp(&x, &y, sizeof x) == 0 || (std::isnan(x) && std::isnan(y)); }

F32 from(int start) {
  Lanes in;
  for (int i = 0; i < kLanes; ++i) in.at[i] = kValues[(start + i) % kCount];
  return isa::load(in.at);
}

template <class Vector, class Scalar>
void unary(const char* name, Vector vector, Scalar scalar) {
  for (int s = 0; s < kCount; ++s) {
    const Lanes x = lanes(from(s)), got = lanes(vector(from(s)));
    for (int i = 0; i < kLanes; ++i) CHECK_TEXT(same(got.at[i], scalar(x.at[i])), std::string(name) + " of " + std::to_string(x.at[i]));
  }
}

template <class Vector, class Scalar>
void binary(const char* name, Vector vector, Scalar scalar) {
  for (int s = 0; s < kCount; ++s)
    for (int t = 0; t < kCount; ++t) {
      const Lanes x = lanes(from(s)), y = lanes(from(t)), got = lanes(vector(from(s), from(t)));
      for (int i = 0; i < kLanes; ++i)
        CHECK_TEXT(same(got.at[i], scalar(x.at[i], y.at[i])),
                   std::string(name) + " of " + std::to_string(x.at[i]) + ", " + std::to_string(y.at[i]));
    }
}

F32 chosen(Mask m) { return isa::select(m, isa::set1(1.0f), isa::set1(2.0f)); }
float chosen(bool b) { return b ? 1.0f : 2.0f; }

int32_t lane(I32 x, int i) {
  int32_t out[kLanes];
  isa::store_i(out, x);
  return out[i];
}

}  // namespace

LW_TEST(arithmetic) {
  binary("add", LIFT(isa::add), [](float a, float b) { return a + b; });
  binary("sub", LIFT(isa::sub), [](float a, float b) { return a - b; });
  binary("mul", LIFT(isa::mul), [](float a, float b) { return a * b; });
  binary("div", LIFT(isa::div), [](float a, float b) { return a / b; });
  binary("max_second", LIFT(isa::max_second), [](float a, float b) { return a > b ? a : b; });
  binary("min_second", LIFT(isa::min_second), [](float a, float b) { return a < b ? a : b; });
  binary("copysign", LIFT(isa::copysign), [](float a, float b) { return std::copysign(a, b); });
  const auto product = [](float a, float b, float c) {
    volatile float rounded = a * b;
    return isa::kFused ? std::fma(a, b, c) : rounded + c;
  };
  binary(
      "fma", [](F32 a, F32 b) { return isa::fma(a, b, isa::set1(-3.7f)); }, [&](float a, float b) { return product(a, b, -3.7f); });
  binary(
      "fnma", [](F32 a, F32 b) { return isa::fnma(a, b, isa::set1(-3.7f)); }, [&](float a, float b) { return product(-a, b, -3.7f); });
}

LW_TEST(functions) {
  unary("sqrt", LIFT(isa::sqrt), [](float a) { return std::sqrt(a); });
  unary("neg", LIFT(isa::neg), [](float a) { return -a; });
  unary("abs", LIFT(isa::abs), [](float a) { return std::fabs(a); });
  unary("floor", LIFT(isa::floor), [](float a) { return std::floor(a); });
  unary("round", LIFT(isa::round), [](float a) { return std::nearbyint(a); });
}

LW_TEST(comparisons) {
  binary(
      "less", [](F32 a, F32 b) { return chosen(isa::less(a, b)); }, [](float a, float b) { return chosen(a < b); });
  binary(
      "less_equal", [](F32 a, F32 b) { return chosen(isa::less_equal(a, b)); }, [](float a, float b) { return chosen(a <= b); });
  binary(
      "equal", [](F32 a, F32 b) { return chosen(isa::equal(a, b)); }, [](float a, float b) { return chosen(a == b); });
  binary(
      "not_equal", [](F32 a, F32 b) { return chosen(isa::not_equal(a, b)); }, [](float a, float b) { return chosen(a != b); });
  binary(
      "unordered", [](F32 a, F32 b) { return chosen(isa::unordered(a, b)); }, [](float a, float b) { return chosen(a != a || b != b); });
  const F32 one = isa::set1(1.0f), two = isa::set1(2.0f);
  const Mask yes = isa::less(one, two), no = isa::less(two, one);
  CHECK(isa::any(yes) && !isa::any(no) && isa::any(isa::mask_or(yes, no)) && !isa::any(isa::mask_and(yes, no)));
  for (int n = 0; n <= kLanes; ++n)
    for (int i = 0; i < kLanes; ++i) CHECK(lanes(chosen(isa::first_lanes(n))).at[i] == chosen(i < n));
}

LW_TEST(partial_memory) {
  for (int n = 0; n <= kLanes; ++n) {
    float in[kLanes], out[kLanes + 1];
    int32_t in_i[kLanes], out_i[kLanes + 1];
    uint8_t in_u8[kLanes], out_u8[kLanes + 1];
    for (int i = 0; i < kLanes; ++i) in[i] = 1.0f + i, in_i[i] = 7 + i, in_u8[i] = static_cast<uint8_t>(250 + i);
    for (int i = 0; i <= kLanes; ++i) out[i] = -1, out_i[i] = -1, out_u8[i] = 99;
    const Lanes x = lanes(isa::load_n(in, n)), u = lanes(isa::load_u8_n(in_u8, n));
    const I32 x_i = isa::load_i_n(in_i, n);
    isa::store_n(out, isa::load(in), n);
    isa::store_i_n(out_i, isa::load_i(in_i), n);
    isa::store_u8_n(out_u8, isa::load_u8(in_u8), n);
    for (int i = 0; i < kLanes; ++i) {
      CHECK(x.at[i] == (i < n ? in[i] : 0) && lane(x_i, i) == (i < n ? in_i[i] : 0) && u.at[i] == (i < n ? in_u8[i] : 0));
      CHECK(out[i] == (i < n ? in[i] : -1) && out_i[i] == (i < n ? in_i[i] : -1) && out_u8[i] == (i < n ? in_u8[i] : 99));
    }
    CHECK(out[kLanes] == -1 && out_i[kLanes] == -1 && out_u8[kLanes] == 99);
  }
}

LW_TEST(integers) {
  const uint32_t values[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xd2511f53, 0xcd9e8d57, 12345};
  for (uint32_t a : values)
    for (uint32_t b : values) {
      // Other lanes hold other numbers, so that neighbours cannot stand in for each other.
      int32_t x[kLanes], y[kLanes];
      for (int i = 0; i < kLanes; ++i) x[i] = static_cast<int32_t>(a + 3u * i), y[i] = static_cast<int32_t>(b - 5u * i);
      const I32 vx = isa::load_i(x), vy = isa::load_i(y);
      I32 low, high;
      isa::mul_wide_u(vx, vy, low, high);
      for (int i = 0; i < kLanes; ++i) {
        const uint32_t p = static_cast<uint32_t>(x[i]), q = static_cast<uint32_t>(y[i]);
        const uint64_t wide = static_cast<uint64_t>(p) * q;
        CHECK(static_cast<uint32_t>(lane(low, i)) == static_cast<uint32_t>(wide) && static_cast<uint32_t>(lane(high, i)) == wide >> 32);
        CHECK(static_cast<uint32_t>(lane(isa::add_i(vx, vy), i)) == p + q && static_cast<uint32_t>(lane(isa::sub_i(vx, vy), i)) == p - q);
        CHECK(static_cast<uint32_t>(lane(isa::and_i(vx, vy), i)) == (p & q) &&
              static_cast<uint32_t>(lane(isa::xor_i(vx, vy), i)) == (p ^ q));
        CHECK(static_cast<uint32_t>(lane(isa::shift_left<9>(vx), i)) == p << 9 &&
              static_cast<uint32_t>(lane(isa::shift_right<9>(vx), i)) == p >> 9);
        CHECK(lane(isa::shift_right_signed<9>(vx), i) == x[i] >> 9);
        CHECK(lanes(isa::to_float(vx)).at[i] == static_cast<float>(x[i]));
        CHECK(lane(isa::float_to_bits(isa::bits_to_float(vx)), i) == x[i]);
      }
    }
  for (int i = 0; i < kLanes; ++i) CHECK(lane(isa::iota_i(), i) == i && lane(isa::set1_i(-7), i) == -7);
}

LW_TEST(conversion_to_int) {
  for (int s = 0; s < kCount; ++s) {
    const Lanes x = lanes(from(s));
    for (int i = 0; i < kLanes; ++i) {
      const bool fits = std::fabs(x.at[i]) < 2147483648.0f;
      CHECK(lane(isa::to_int(from(s)), i) == (fits ? static_cast<int32_t>(x.at[i]) : INT32_MIN));
    }
  }
}

LW_TEST(pairs) {
  float a[kLanes], b[kLanes], out[kLanes];
  for (int i = 0; i < kLanes; ++i) a[i] = static_cast<float>(i), b[i] = static_cast<float>(100 + i);
  for (int n = 0; n <= kLanes / 2; ++n) {
    isa::store(out, isa::load_pairs_n(a, b, n));
    for (int i = 0; i < kLanes; ++i) CHECK(out[i] == (i / 2 < n ? (i % 2 == 0 ? a : b)[i / 2] : 0));
  }
  isa::store(out, isa::set1_pair(b + 1));
  for (int i = 0; i < kLanes; ++i) CHECK(out[i] == b[1 + i % 2]);
}

LW_TEST(permute) {
  float from[kLanes], out[kLanes];
  int32_t which[kLanes];
  for (int i = 0; i < kLanes; ++i) from[i] = static_cast<float>(100 + i), which[i] = (5 * i * i + 3) % kLanes;
  isa::store(out, isa::permute(isa::load(from), isa::load_i(which)));
  for (int i = 0; i < kLanes; ++i) CHECK(out[i] == from[which[i]]);
}

LW_TEST(transpose) {
  F32 rows[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    Lanes row;
    for (int j = 0; j < kLanes; ++j) row.at[j] = static_cast<float>(i * kLanes + j);
    rows[i] = isa::load(row.at);
  }
  isa::transpose(rows);
  for (int i = 0; i < kLanes; ++i)
    for (int j = 0; j < kLanes; ++j) CHECK(lanes(rows[i]).at[j] == static_cast<float>(j * kLanes + i));
}
