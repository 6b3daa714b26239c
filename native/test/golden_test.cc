// The bits of products and convolutions on every fused row, as one number each: AVX-512, AVX2 and NEON agree across machines, though no
// machine can run them all. rows_test.cc and math_test.cc hold those of reductions, softmax and elementary functions. Pooling, sampling,
// recurrences and the rest have none: images_test.cc and recurrent_test.cc compare them with references wherever they run.
#include <array>

#include "kernel_harness.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

// Adds what `compute(table, digest)` makes on each fused row; all must be the promised number.
template <class Compute>
void promise(const char* what, uint64_t promised, const Compute& compute) {
  for_each_table([&](const KernelTable& table) {
    if (!table.fused) return;
    Digest digest;
    compute(table, digest);
    CHECK_TEXT(digest.value() == promised, text(table, what, {}) + " " + digest.text());
  });
}

constexpr ConvShape kConvolutions[] = {
    {2, 9, 9, 3, 9, 9, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1},                                                             // few input channels
    {1, 11, 7, 16, 5, 3, 24, 3, 3, 2, 2, 1, 1, 0, 0, 1},                                                           // strided
    {2, 8, 8, 32, 8, 8, 40, 1, 1, 1, 1, 1, 1, 0, 0, 1},                                                            // 1×1
    {1, 10, 10, 24, 10, 10, 24, 3, 3, 1, 1, 1, 1, 1, 1, 24}, {1, 12, 12, 8, 8, 8, 12, 3, 3, 1, 1, 2, 2, 0, 0, 2},  // dilated, two groups
};
int64_t inputs(const ConvShape& s) { return s.n * s.h * s.w * s.c; }
int64_t outputs(const ConvShape& s) { return s.n * s.oh * s.ow * s.oc; }
int64_t weights(const ConvShape& s) { return s.kh * s.kw * s.c / s.groups * s.oc; }

}  // namespace

LW_TEST(products_have_the_promised_bits) {
  promise("gemm", 0x09c0cc6c11923726, [](const KernelTable& table, Digest& digest) {
    Source source(1);
    for (const auto& [m, n, k] :
         {std::array<int64_t, 3>{1, 1, 1}, {7, 5, 3}, {17, 33, 65}, {64, 64, 64}, {3, 130, 800}, {150, 1, 500}, {97, 101, 1031}}) {
      const auto a = source.floats(m * k), b = source.floats(k * n), bias = source.floats(n);
      Guarded<float> c(m * n);
      run(table.gemm_tasks, table.gemm, GemmArgs{m,        n, k, 1, 1,           a.data(),         k,     1,    0, 0, b.data(), n, 1, 0, 0,
                                                 c.data(), n, 0, 0, bias.data(), Activation::tanh, false, false});
      digest.add(c.data(), c.size());
    }
  });
}

LW_TEST(convolutions_have_the_promised_bits) {
  promise("conv", 0x62115b40180d56b0, [](const KernelTable& table, Digest& digest) {
    Source source(2);
    for (const ConvShape& s : kConvolutions) {
      const auto x = source.floats(inputs(s)), w = source.floats(weights(s)), dy = source.floats(outputs(s));
      Guarded<float> y(outputs(s)), dx(inputs(s)), dw(weights(s));
      run(table.conv_forward_tasks, table.conv_forward, ConvForwardArgs{s, x.data(), w.data(), nullptr, Activation::relu, y.data()});
      run(table.conv_backward_data_tasks, table.conv_backward_data, ConvBackwardDataArgs{s, dy.data(), w.data(), dx.data()});
      run(table.conv_backward_weights_tasks, table.conv_backward_weights, ConvBackwardWeightsArgs{s, 1, x.data(), dy.data(), dw.data()});
      for (const auto* out : {&y, &dx, &dw}) digest.add(out->data(), out->size());
    }
  });
}

LW_TEST(transforms_have_the_promised_bits) {
  promise("winograd", 0x1c95c5cd3da1283f, [](const KernelTable& table, Digest& digest) {
    Source source(3);
    const WinogradShape s = {2, 9, 7, 24, 9, 7, 40, 1, 1}, back = {2, 9, 7, 40, 9, 7, 24, 1, 1};
    const int64_t pixels = s.n * s.h * s.w, size = s.c * s.oc;
    const auto x = source.floats(pixels * s.c), w = source.floats(9 * size), dy = source.floats(pixels * s.oc);
    Guarded<float> u(36 * size), turned(36 * size), sums(2 * 36 * size), y(pixels * s.oc), dx(pixels * s.c), dw(9 * size);
    run(table.winograd_weights_tasks, table.winograd_weights, WinogradWeightsArgs{s.c, s.oc, false, w.data(), u.data()});
    run(table.winograd_conv_tasks, table.winograd_conv, WinogradConvArgs{s, x.data(), u.data(), nullptr, Activation::relu, y.data()});
    run(table.winograd_weights_tasks, table.winograd_weights, WinogradWeightsArgs{s.c, s.oc, true, w.data(), turned.data()});
    run(table.winograd_conv_tasks, table.winograd_conv,
        WinogradConvArgs{back, dy.data(), turned.data(), nullptr, Activation::none, dx.data()});
    run(table.winograd_backward_weights_tasks, table.winograd_backward_weights,
        WinogradBackwardWeightsArgs{s, 2, x.data(), dy.data(), sums.data()});
    run(table.winograd_gradient_tasks, table.winograd_gradient, WinogradGradientArgs{s.c, s.oc, 2, sums.data(), dw.data()});
    for (const auto* out : {&y, &dx, &dw}) digest.add(out->data(), out->size());
  });
}
