// Pooling and column statistics against plain loops: every ISA, random task ranges, the same bits on every fused row.
#include <array>
#include <memory>

#include "kernel_harness.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

const float kNan = std::nanf("");

PoolShape random_pool(Source& source) {
  PoolShape s{};
  s.n = 1 + source.below(3);
  s.h = source.below(12);
  s.w = 1 + source.below(12);
  const int64_t channels[] = {1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 40};
  s.c = channels[source.below(12)];
  s.kh = 1 + source.below(4);
  s.kw = 1 + source.below(4);
  s.stride_h = 1 + source.below(4);
  s.stride_w = 1 + source.below(4);
  s.pad_top = source.below(4);
  s.pad_left = source.below(4);
  s.oh = source.below(8);
  s.ow = source.below(8);
  if (source.below(3) == 0) {  // side by side
    s.stride_h = s.kh, s.stride_w = s.kw, s.pad_top = s.pad_left = 0;
    s.w += source.below(40);
    if (source.below(2) == 0) s.oh = s.h / s.kh, s.ow = s.w / s.kw;
  }
  return s;
}

int64_t inputs(const PoolShape& s) { return s.n * s.h * s.w * s.c; }
int64_t outputs(const PoolShape& s) { return s.n * s.oh * s.ow * s.c; }

// Calls visit(input element or −1 outside, output element, tap) for every tap of every window, in order.
template <class Visit>
void each_tap(const PoolShape& s, const Visit& visit) {
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t i = 0; i < s.oh; ++i)
      for (int64_t j = 0; j < s.ow; ++j)
        for (int64_t c = 0; c < s.c; ++c)
          for (int64_t tap = 0; tap < s.kh * s.kw; ++tap) {
            const int64_t row = i * s.stride_h - s.pad_top + tap / s.kw, column = j * s.stride_w - s.pad_left + tap % s.kw;
            const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
            visit(inside ? ((n * s.h + row) * s.w + column) * s.c + c : -1, ((n * s.oh + i) * s.ow + j) * s.c + c, tap);
          }
}

// Taps of the window of output element `o` that an average divides by.
int64_t counted(const PoolShape& s, bool padding, int64_t o) {
  const int64_t i = o / s.c / s.ow % s.oh, j = o / s.c % s.ow;
  int64_t count = 0;
  for (int64_t tap = 0; tap < s.kh * s.kw; ++tap) {
    const int64_t row = i * s.stride_h - s.pad_top + tap / s.kw, column = j * s.stride_w - s.pad_left + tap % s.kw;
    const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
    const bool padded = row < s.h + s.pad_top && column < s.w + s.pad_left;
    count += padding ? padded : inside;
  }
  return count;
}

std::string describe(const KernelTable& table, const char* what, const PoolShape& s) {
  return text(table, what, {s.n, s.h, s.w, s.c, s.oh, s.ow, s.kh, s.kw, s.stride_h, s.stride_w, s.pad_top, s.pad_left});
}

}  // namespace

LW_TEST(pools_are_those_of_plain_loops) {
  Source source(5);
  for (int round = 0; round < 150; ++round) {
    const PoolShape s = random_pool(source);
    Guarded<float> x = source.floats(inputs(s)), dy = source.floats(outputs(s));
    for (int64_t i = 0; i < x.size(); ++i) x[i] = source.below(20) == 0 ? kNan : std::round(4 * x[i]) / 4;  // ties and NaN
    std::vector<float> best(static_cast<size_t>(outputs(s)), -HUGE_VALF), dx(static_cast<size_t>(inputs(s)));
    std::vector<int32_t> where(best.size(), -1);
    each_tap(s, [&](int64_t in, int64_t out, int64_t tap) {
      if (in < 0) return;
      float& most = best[static_cast<size_t>(out)];
      int32_t& at = where[static_cast<size_t>(out)];
      if (at >= 0 && (std::isnan(most) || x[in] <= most)) return;
      most = x[in];
      at = static_cast<int32_t>(tap);
    });
    each_tap(s, [&](int64_t in, int64_t out, int64_t tap) {
      if (in >= 0 && where[static_cast<size_t>(out)] == tap) dx[static_cast<size_t>(in)] += dy[out];
    });
    for_each_table([&](const KernelTable& table) {
      Guarded<float> y(outputs(s), 7.0f), slope(inputs(s), 7.0f);
      Guarded<int32_t> index(outputs(s), 7);
      run(table.max_pool_tasks, table.max_pool, MaxPoolArgs{s, x.data(), y.data(), index.data()}, 1 + static_cast<uint64_t>(round));
      CHECK_TEXT(same_bits(y.data(), best.data(), y.size()) && y.intact(), describe(table, "max", s));
      CHECK_TEXT(std::equal(where.begin(), where.end(), index.data()) && index.intact(), describe(table, "index", s));
      run(table.max_pool_backward_tasks, table.max_pool_backward, MaxPoolBackwardArgs{s, dy.data(), index.data(), slope.data()}, 3);
      CHECK_TEXT(same_bits(slope.data(), dx.data(), slope.size()) && slope.intact(), describe(table, "max backward", s));
    });
  }
}

LW_TEST(averages_are_those_of_plain_loops) {
  Source source(6);
  for (int round = 0; round < 150; ++round) {
    const PoolShape s = random_pool(source);
    const bool padding = round % 2 == 0;
    const Guarded<float> x = source.floats(inputs(s)), dy = source.floats(outputs(s));
    std::vector<float> y(static_cast<size_t>(outputs(s))), dx(static_cast<size_t>(inputs(s)));
    each_tap(s, [&](int64_t in, int64_t out, int64_t) {
      if (in < 0) return;
      y[static_cast<size_t>(out)] += x[in];
      dx[static_cast<size_t>(in)] += dy[out] / static_cast<float>(counted(s, padding, out));
    });
    for (int64_t o = 0; o < outputs(s); ++o) y[static_cast<size_t>(o)] /= static_cast<float>(std::max<int64_t>(1, counted(s, padding, o)));
    for_each_table([&](const KernelTable& table) {
      Guarded<float> mine(outputs(s), 7.0f), slope(inputs(s), 7.0f);
      run(table.avg_pool_tasks, table.avg_pool, AvgPoolArgs{s, padding, x.data(), mine.data()}, 2);
      CHECK_TEXT(same_bits(mine.data(), y.data(), mine.size()) && mine.intact(), describe(table, "average", s));
      run(table.avg_pool_backward_tasks, table.avg_pool_backward, AvgPoolBackwardArgs{s, padding, dy.data(), slope.data()}, 2);
      CHECK_TEXT(same_bits(slope.data(), dx.data(), slope.size()) && slope.intact(), describe(table, "average backward", s));
    });
  }
}

// Windows of many rows and of long ones. A term is rounded in its piece, where pieces of half kPoolPiece at least are added up, and in the
// division.
LW_TEST(averages_of_large_windows_lose_few_digits) {
  for (const auto& [h, w] : std::vector<std::array<int64_t, 2>>{{1024, 1024}, {1, 300001}, {4097, 3}, {50, 300}}) {
    PoolShape s{};
    s.n = s.oh = s.ow = 1, s.h = s.kh = h, s.w = s.kw = w, s.c = 3, s.stride_h = s.stride_w = 1;
    const Guarded<float> x(inputs(s), 0.1f);
    const double roundings = static_cast<double>(kPoolPiece + 2 * h * w / kPoolPiece + 2);
    std::vector<float> first;
    for_each_table([&](const KernelTable& table) {
      Guarded<float> y(3);
      run(table.avg_pool_tasks, table.avg_pool, AvgPoolArgs{s, false, x.data(), y.data()});
      CHECK_TEXT(std::fabs(y[0] - 0.1f) <= roundings * 0x1p-24 * 0.1, describe(table, "large window", s));
      if (first.empty()) first.assign(y.data(), y.data() + 3);
      CHECK_TEXT(same_bits(y.data(), first.data(), 3), describe(table, "large window, same bits", s));
    });
  }
}

LW_TEST(column_statistics_are_near_those_in_double) {
  Source source(7);
  const int64_t extents[][3] = {{1, 1, 1}, {2, 3, 5},  {1, 512, 16}, {1, 513, 17}, {3, 100, 40}, {1, 5000, 33}, {2, 1027, 3}, {0, 4, 4},
                                {1, 4, 0}, {37, 3, 1}, {5, 16, 1},   {6, 77, 1},   {3, 512, 1},  {2, 4097, 1},  {1, 9000, 1}};
  for (const auto& [outer, rows, columns] : extents) {
    const Guarded<float> x = source.floats(outer * rows * columns, 98, 102), dy = source.floats(outer * rows * columns);
    std::vector<float> fused;
    for_each_table([&, outer = outer, rows = rows, columns = columns](const KernelTable& table) {
      const int64_t size = outer * columns;
      Guarded<float> mean(size), variance(size), sum(size), product(size);
      const int64_t count = row_chunks(rows, columns);
      Guarded<float> chunks(count == 1 ? 0 : size * count * 2);
      for (int64_t round = 0; round < (count == 1 ? 1 : 2); ++round)
        run(table.column_moments_tasks, table.column_moments,
            ColumnMomentsArgs{outer, rows, columns, x.data(), mean.data(), variance.data(), chunks.data(), round}, 3);
      for (int64_t round = 0; round < (count == 1 ? 1 : 2); ++round)
        run(table.column_products_tasks, table.column_products,
            ColumnProductsArgs{outer, rows, columns, x.data(), mean.data(), dy.data(), sum.data(), product.data(), chunks.data(), round},
            4);
      // Roundings on the way of one element: a chain of a quarter of a chunk, its fold, four a level of chunks, the division.
      const double roundings = (128 + 3 + 4 * std::ceil(std::log2(static_cast<double>(count))) + 2) * 0x1p-24;
      for (int64_t o = 0; o < outer; ++o)
        for (int64_t j = 0; j < columns; ++j) {
          double total = 0, squares = 0, slopes = 0, products = 0, slope_size = 0, product_size = 0;
          const auto at = [&](const Guarded<float>& t, int64_t r) { return static_cast<double>(t[(o * rows + r) * columns + j]); };
          for (int64_t r = 0; r < rows; ++r) total += at(x, r) / static_cast<double>(rows);
          const double used = mean[o * columns + j];
          for (int64_t r = 0; r < rows; ++r) {
            squares += (at(x, r) - total) * (at(x, r) - total) / static_cast<double>(rows);
            slopes += at(dy, r);
            slope_size += std::fabs(at(dy, r));
            products += at(dy, r) * (at(x, r) - used);
            product_size += std::fabs(at(dy, r) * (at(x, r) - used));
          }
          const int64_t e = o * columns + j;
          const double mean_error = roundings * 102;
          CHECK_TEXT(std::fabs(mean[e] - total) <= mean_error, text(table, "mean", {outer, rows, columns, j}));
          // Around a mean that is off by e, squares grow by e² and, chunk by chunk, by the cross term 2·e·|x − mean|.
          CHECK_TEXT(std::fabs(variance[e] - squares) <= (roundings + 0x1p-22) * 4 + mean_error * mean_error + 2 * mean_error * 2,
                     text(table, "variance", {outer, rows, columns, j}));
          CHECK_TEXT(std::fabs(sum[e] - slopes) <= roundings * slope_size, text(table, "sum", {outer, rows, columns, j}));
          CHECK_TEXT(std::fabs(product[e] - products) <= (roundings + 0x1p-23) * product_size,
                     text(table, "product", {outer, rows, columns, j}));
        }
      // No multiplication is joined with an addition here, so even the row without FMA has the same bits.
      std::vector<float> all;
      for (const auto* part : {&mean, &variance, &sum, &product}) all.insert(all.end(), part->data(), part->data() + size);
      if (fused.empty()) fused = all;
      CHECK_TEXT(same_bits(all.data(), fused.data(), static_cast<int64_t>(all.size())), text(table, "same bits", {outer, rows, columns}));
      CHECK(mean.intact() && variance.intact() && sum.intact() && product.intact() && chunks.intact());
    });
  }
}

LW_TEST(column_statistics_of_many_rows_lose_few_digits) {
  for (const auto& [rows, columns] : std::vector<std::array<int64_t, 2>>{{4000037, 2}, {4000037, 1}, {1000003, 3}}) {
    const int64_t size = rows * columns, count = row_chunks(rows, columns);
    // Values 1.5 and 2.5 of mean 2 and variance 1/4, but for the last row of an odd number.
    Guarded<float> x(size), dy(size), around(columns), mean(columns), variance(columns), sum(columns), product(columns);
    std::fill_n(dy.data(), size, 0.1f);
    std::fill_n(around.data(), columns, 2.0f);
    for (int64_t i = 0; i < size; ++i) x[i] = i / columns % 2 == 0 ? 1.5f : 2.5f;
    const double n = static_cast<double>(rows), slopes = n * 0.1f, roundings = 128 + 3 + 4 * std::ceil(std::log2(count)) + 2;
    for_each_table([&, rows = rows, columns = columns](const KernelTable& table) {
      Guarded<float> chunks(columns * count * 2);
      for (int64_t round = 0; round < 2; ++round)
        run(table.column_products_tasks, table.column_products,
            ColumnProductsArgs{1, rows, columns, x.data(), around.data(), dy.data(), sum.data(), product.data(), chunks.data(), round}, 4);
      for (int64_t round = 0; round < 2; ++round)
        run(table.column_moments_tasks, table.column_moments,
            ColumnMomentsArgs{1, rows, columns, x.data(), mean.data(), variance.data(), chunks.data(), round}, 3);
      for (int64_t j = 0; j < columns; ++j) {
        CHECK_TEXT(std::fabs(sum[j] - slopes) <= roundings * 0x1p-24 * slopes, text(table, "sum", {rows, columns, j}));
        CHECK_TEXT(std::fabs(product[j] + 0.05f) <= roundings * 0x1p-24 * slopes, text(table, "product", {rows, columns, j}));
        CHECK_TEXT(std::fabs(mean[j] - 2 + 0.5 / n) <= roundings * 0x1p-24, text(table, "mean", {rows, columns, j}));
        CHECK_TEXT(std::fabs(variance[j] - 0.25) <= 2 * roundings * 0x1p-24, text(table, "variance", {rows, columns, j}));
      }
    });
  }
}

LW_TEST(column_moments_far_from_zero) {
  const int64_t extents[][2] = {{0, 67}, {1, 67}, {512, 67}, {1300, 67}, {0, 1}, {1, 1}, {512, 1}, {10000, 1}};
  for (const auto& [rows, columns] : extents) {
    const int64_t count = row_chunks(rows, columns);
    const Guarded<float> x(rows * columns, 10000.1f);
    for_each_table([&, rows = rows, columns = columns](const KernelTable& table) {
      Guarded<float> mean(columns), variance(columns), chunks(count == 1 ? 0 : columns * count * 2);
      for (int64_t round = 0; round < (count == 1 ? 1 : 2); ++round)
        run(table.column_moments_tasks, table.column_moments,
            ColumnMomentsArgs{1, rows, columns, x.data(), mean.data(), variance.data(), chunks.data(), round});
      const Guarded<float> exact(columns, rows == 0 ? kNan : 10000.1f), none(columns, rows == 0 ? kNan : 0.0f);
      CHECK_TEXT(same_bits(mean, exact) && same_bits(variance, none), text(table, "constant columns", {rows}));
    });
  }
}

namespace {

// One element as args.h defines it, each operation rounded by itself.
float sampled(const AffineSampleArgs& a, int64_t n, int64_t i, int64_t j, int64_t c) {
  const float* t = a.theta + n * 6;
  const float fi = static_cast<float>(i), fj = static_cast<float>(j);
  const volatile float ti = t[0] * fi, tj = t[1] * fj, ui = t[3] * fi, uj = t[4] * fj;
  const volatile float ts = ti + tj, us = ui + uj;
  const float y = ts + t[2], x = us + t[5];
  if (!(y > -1 && y < static_cast<float>(a.h) && x > -1 && x < static_cast<float>(a.w))) return a.fill;
  const float row = std::floor(y), column = std::floor(x);
  const auto at = [&](float r, float q) {
    if (r < 0 || r >= static_cast<float>(a.h) || q < 0 || q >= static_cast<float>(a.w)) return a.fill;
    const int64_t place = ((n * a.h + static_cast<int64_t>(r)) * a.w + static_cast<int64_t>(q)) * a.c + c;
    return a.dtype == DType::u8 ? static_cast<float>(static_cast<const uint8_t*>(a.x)[place]) : static_cast<const float*>(a.x)[place];
  };
  const auto between = [](float from, float to, float share) {
    const volatile float step = share * (to - from);
    return share == 0 ? from : from + step;
  };
  const float right = x - column;
  return between(between(at(row, column), at(row, column + 1), right), between(at(row + 1, column), at(row + 1, column + 1), right),
                 y - row);
}

}  // namespace

// Where the other sizes are zero no memory bounds an extent, so it must not be walked.
LW_TEST(gradients_without_pixels) {
  constexpr int64_t kHuge = INT32_MAX;
  for_each_table([](const KernelTable& t) {
    const auto check = [&](const char* what, const auto& kernel) {
      Guarded<float> dx(2 * 3 * 5, 1.0f);
      kernel(dx.data());
      const auto is_zero = [](float value) { return value == 0; };
      CHECK_TEXT(std::all_of(dx.data(), dx.data() + dx.size(), is_zero) && dx.intact(), text(t, what, {}));
    };
    for (const auto& [oh, ow, kh, kw] : std::vector<std::array<int64_t, 4>>{{0, 4, kHuge, kHuge}, {4, 0, kHuge, kHuge}, {4, 4, kHuge, 0}})
      check("col2im", [&, oh = oh, ow = ow, kh = kh, kw = kw](float* dx) {
        run(t.col2im_tasks, t.col2im, Col2imArgs{{1, 2, 3, 5, oh, ow, 0, kh, kw, 1, 1, 1, 1, 0, 0, 1}, nullptr, dx}, 1);
      });
    const PoolShape pool = {1, 2, 3, 5, kHuge, 0, kHuge, 1, 1, 1, kHuge, 0};
    check("max", [&](float* dx) {
      run(t.max_pool_backward_tasks, t.max_pool_backward, MaxPoolBackwardArgs{pool, nullptr, nullptr, dx}, 1);
    });
    check("average", [&](float* dx) {
      run(t.avg_pool_backward_tasks, t.avg_pool_backward, AvgPoolBackwardArgs{pool, true, nullptr, dx}, 1);
    });
  });
}

// Windows of an image of many rows and no columns see nothing.
LW_TEST(means_without_columns) {
  constexpr int64_t kHuge = INT32_MAX;
  for_each_table([](const KernelTable& t) {
    Guarded<float> y(2000 * 1000, 1.0f);
    run(t.avg_pool_tasks, t.avg_pool, AvgPoolArgs{{1, kHuge, 0, 1, 2000, 1000, kHuge, 1, 1, 1, 0, 0}, false, nullptr, y.data()}, 1);
    const auto is_zero = [](float value) { return value == 0; };
    CHECK_TEXT(std::all_of(y.data(), y.data() + y.size(), is_zero) && y.intact(), text(t, "average", {}));
  });
}

// What windows see of no image is padding.
LW_TEST(im2col_without_an_image) {
  for_each_table([](const KernelTable& t) {
    for (const auto& [h, w, c, dilation] : std::vector<std::array<int64_t, 4>>{{0, 1000, 3, 1}, {4, 0, 3, 1}, {0, 0, 40, 2}, {4, 0, 40, 1}})
      for (const int64_t stride : {1, 7}) {  // 7: windows that share nothing
        Guarded<float> columns(2 * 3 * 3 * 9 * c, 1.0f);
        run(t.im2col_tasks, t.im2col,
            Im2colArgs{{2, h, w, c, 3, 3, 0, 3, 3, stride, stride, dilation, dilation, 2, 2, 1}, nullptr, columns.data()}, 1);
        const auto is_zero = [](float value) { return value == 0; };
        CHECK_TEXT(std::all_of(columns.data(), columns.data() + columns.size(), is_zero) && columns.intact(), text(t, "im2col", {h, w, c}));
      }
  });
}

LW_TEST(affine_sample) {
  for_each_table([](const KernelTable& t) {
    uint64_t seed = 1;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::array<float, 6>> maps = {{1, 0, 0, 0, 1, 0},
                                                    {1, 0, -2, 0, 1, 3},
                                                    {1, 0, 0, 0, -1, 8},
                                                    {0.9f, -0.4f, 1.25f, 0.4f, 0.9f, -1.5f},
                                                    {1, 0, 1e30f, 0, 1, 0},
                                                    {1, 0, 0, 0, 1, nan},
                                                    {0.3f, 0, -0.999f, 0, 0.3f, -0.001f}};
    for (int64_t c : {1, 3, 8, 17})
      for (int64_t size : {1, 5, 9, 33})
        for (DType dtype : {DType::f32, DType::u8}) {
          Source source(++seed);
          AffineSampleArgs a = {};
          a.n = static_cast<int64_t>(maps.size()), a.h = size, a.w = size + 1, a.c = c, a.oh = size + 2, a.ow = size;
          const size_t pixels = static_cast<size_t>(a.n * a.h * a.w * c);
          const std::unique_ptr<float[]> floats(new float[pixels]);
          const std::unique_ptr<uint8_t[]> bytes(new uint8_t[pixels]);
          for (size_t e = 0; e < pixels; ++e) {
            floats[e] = source.uniform(-1, 1);
            bytes[e] = static_cast<uint8_t>(e * 97 % 256);
          }
          a.x = dtype == DType::u8 ? static_cast<const void*>(bytes.get()) : floats.get();
          a.dtype = dtype;
          a.theta = maps[0].data();
          a.fill = 0.25f;
          Guarded<float> y(a.n * a.oh * a.ow * c, nan);
          a.y = y.data();
          run(t.affine_sample_tasks, t.affine_sample, a, seed);
          int64_t wrong = 0, place = 0;
          for (int64_t n = 0; n < a.n; ++n)
            for (int64_t i = 0; i < a.oh; ++i)
              for (int64_t j = 0; j < a.ow; ++j)
                for (int64_t k = 0; k < c; ++k, ++place) wrong += y[place] != sampled(a, n, i, j, k);
          CHECK_TEXT(wrong == 0 && y.intact(),
                     text(t, "affine sample", {c, size, int64_t(dtype)}) + ": " + std::to_string(wrong) + " wrong");
        }
  });
}

// Whole pixels come through as they are, NaN and ∞ beside them or not, under maps that shift and mirror.
LW_TEST(affine_sample_of_whole_pixels) {
  for_each_table([](const KernelTable& t) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::array<float, 6>> maps = {
        {1, 0, 0, 0, 1, 0}, {1, 0, 0, 0, -1, 10}, {-1, 0, 6, 0, 1, 0}, {1, 0, -2, 0, 1, 3}, {0, 1, 0, -1, 0, 8}};
    for (int64_t c : {1, 3, 17}) {
      AffineSampleArgs a = {};
      a.n = static_cast<int64_t>(maps.size()), a.h = a.oh = 7, a.w = a.ow = 11, a.c = c;
      Source source(static_cast<uint64_t>(c));
      Guarded<float> x = source.floats(a.n * a.h * a.w * c), y(x.size(), 7.0f);
      const float special[] = {nan, HUGE_VALF, -HUGE_VALF, -0.0f};
      for (int64_t e = 0; e < x.size(); ++e)
        if (source.below(3) == 0) x[e] = special[source.below(4)];
      a.x = x.data(), a.dtype = DType::f32, a.theta = maps[0].data(), a.fill = 0.25f, a.y = y.data();
      run(t.affine_sample_tasks, t.affine_sample, a, 5);
      std::vector<float> expected(static_cast<size_t>(x.size()));
      for (int64_t e = 0; e < x.size(); ++e) {
        const int64_t k = e % c, j = e / c % a.ow, i = e / c / a.ow % a.oh, n = e / c / a.ow / a.oh;
        std::array<int64_t, 6> m;
        std::copy_n(maps[static_cast<size_t>(n)].begin(), 6, m.begin());
        const int64_t row = m[0] * i + m[1] * j + m[2], column = m[3] * i + m[4] * j + m[5];
        const bool inside = row >= 0 && row < a.h && column >= 0 && column < a.w;
        expected[static_cast<size_t>(e)] = inside ? x[((n * a.h + row) * a.w + column) * c + k] : a.fill;
      }
      CHECK_TEXT(same_bits(y.data(), expected.data(), y.size()) && y.intact(), text(t, "whole pixels", {c}));
    }
  });
}
