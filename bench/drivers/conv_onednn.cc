// oneDNN's convolution primitives. The operands lie in the layouts it asks for, and bringing them there is not timed. BENCH_VARIANT:
// `direct` sums; `winograd` has fewer multiplications and larger errors; `nhwc` is direct with images as lanewise has them.
#include <dnnl.hpp>

#include "conv.h"

namespace {

using dnnl::convolution_backward_data;
using dnnl::convolution_backward_weights;
using dnnl::convolution_forward;
using dnnl::memory;

struct Operands {
  memory x, weights, y;  // in lanewise's layout
};

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& stream() {
  static dnnl::stream stream(cpu());
  return stream;
}

bool variant(const char* name) {
  const char* chosen = std::getenv("BENCH_VARIANT");
  return chosen != nullptr && std::string(chosen) == name;
}

memory::desc weights_desc(const bench::Conv& v) {
  const int64_t k = v.depth() * v.oc;
  if (v.groups == 1) return {{v.oc, v.c, v.kh, v.kw}, memory::data_type::f32, memory::dims{1, v.oc, v.kw * k, k}};
  return {{v.groups, v.width(), v.depth(), v.kh, v.kw}, memory::data_type::f32, memory::dims{v.width(), 1, v.oc, v.kw * k, k}};
}

memory::desc images(int64_t n, int64_t h, int64_t w, int64_t c) { return {{n, c, h, w}, memory::data_type::f32, memory::format_tag::nhwc}; }

// The layout is oneDNN's choice, but for images in the variant `nhwc`.
memory::desc free_layout(const memory::desc& desc, bool image) {
  if (image && variant("nhwc")) return desc;
  return {desc.dims(), memory::data_type::f32, memory::format_tag::any};
}

void reorder(memory from, memory to) {
  dnnl::reorder(from, to).execute(stream(), from, to);
  stream().wait();
}

// `wanted` filled from `plain`, or the plain memory itself where the layouts agree.
memory in_layout(const memory& plain, const memory::desc& wanted) {
  if (plain.get_desc() == wanted) return plain;
  memory other(wanted, cpu());
  reorder(plain, other);
  return other;
}

// The primitive on operands in its layouts.
bench::ConvPlan planned(const dnnl::primitive& primitive, const std::unordered_map<int, memory>& arguments, const memory& result,
                        const memory& plain_result) {
  return {[=] {
            primitive.execute(stream(), arguments);
            stream().wait();
          },
          [=] {
            if (result.get() != plain_result.get()) reorder(result, plain_result);
          }};
}

bench::ConvPlan plan(const bench::Conv& v) {
  const Operands plain{memory(images(v.n, v.h, v.w, v.c), cpu(), v.x), memory(weights_desc(v), cpu(), v.weights),
                       memory(images(v.n, v.oh, v.ow, v.oc), cpu(), v.y)};
  const memory::desc x = free_layout(plain.x.get_desc(), true), weights = free_layout(plain.weights.get_desc(), false),
                     y = free_layout(plain.y.get_desc(), true);
  const memory::dims strides{v.stride_h, v.stride_w}, padding{v.pad_h, v.pad_w};
  const auto algorithm = variant("winograd") ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_direct;
  const convolution_forward::primitive_desc forward(
      {v.pass == bench::Pass::forward ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training, algorithm, x, weights, y,
       strides, padding, padding},
      cpu());
  switch (v.pass) {
    case bench::Pass::forward: {
      const memory in = in_layout(plain.x, forward.src_desc()), w = in_layout(plain.weights, forward.weights_desc());
      const memory out = in_layout(plain.y, forward.dst_desc());
      return planned(convolution_forward(forward), {{DNNL_ARG_SRC, in}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, out}}, out, plain.y);
    }
    case bench::Pass::data: {
      const convolution_backward_data::primitive_desc desc({algorithm, x, weights, y, strides, padding, padding}, cpu(), forward);
      const memory dy = in_layout(plain.y, desc.diff_dst_desc()), w = in_layout(plain.weights, desc.weights_desc());
      const memory dx = in_layout(plain.x, desc.diff_src_desc());
      return planned(convolution_backward_data(desc), {{DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DIFF_SRC, dx}}, dx,
                     plain.x);
    }
    default: {
      const convolution_backward_weights::primitive_desc desc({algorithm, x, weights, y, strides, padding, padding}, cpu(), forward);
      const memory in = in_layout(plain.x, desc.src_desc()), dy = in_layout(plain.y, desc.diff_dst_desc());
      const memory dw = in_layout(plain.weights, desc.diff_weights_desc());
      return planned(convolution_backward_weights(desc), {{DNNL_ARG_SRC, in}, {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_WEIGHTS, dw}}, dw,
                     plain.weights);
    }
  }
}

}  // namespace

int main() { return bench::serve_conv(plan); }
