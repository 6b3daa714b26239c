// oneDNN's recurrent primitives: forward for training, then backward with the workspace of the forward pass. The operands lie in the
// layouts it asks for, and bringing them there is not timed. Its backward pass adds to the gradients of the weights; clearing them is not
// timed either.
#include <dnnl.hpp>

#include "rnn.h"

namespace {

using dnnl::memory;
using dnnl::rnn_primitive_desc_base;

constexpr auto kDirection = dnnl::rnn_direction::unidirectional_left2right;
constexpr auto kForward = dnnl::prop_kind::forward_training;
constexpr auto kBackward = dnnl::prop_kind::backward;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& stream() {
  static dnnl::stream stream(cpu());
  return stream;
}

// Descriptors of the operands, and of their gradients, in layouts of oneDNN's choice.
struct Descs {
  memory::desc x, h0, c0, w, u, b, y;

  explicit Descs(const bench::Recurrent& s)
      : x(any({s.t, s.n, s.i})),
        h0(any({1, 1, s.n, s.h})),
        c0(h0),
        w(any({1, 1, s.i, s.gates(), s.h})),
        u(any({1, 1, s.h, s.gates(), s.h})),
        b(any({1, 1, s.gates() + (s.cell == "gru" ? 1 : 0), s.h})),
        y(any({s.t, s.n, s.h})) {}

 private:
  static memory::desc any(const memory::dims& sizes) { return {sizes, memory::data_type::f32, memory::format_tag::any}; }
};

struct Pair {
  rnn_primitive_desc_base forward, backward;
};

// Without final states: they are the last step of y, or not asked for.
Pair vanilla(const Descs& d) {
  using Forward = dnnl::vanilla_rnn_forward;
  using Backward = dnnl::vanilla_rnn_backward;
  constexpr auto tanh = dnnl::algorithm::eltwise_tanh;
  const Forward::primitive_desc forward({kForward, tanh, kDirection, d.x, d.h0, d.w, d.u, d.b, d.y, {}}, cpu());
  const Backward::primitive_desc backward(
      {kBackward, tanh, kDirection, d.x, d.h0, d.w, d.u, d.b, d.y, {}, d.x, d.h0, d.w, d.u, d.b, d.y, {}}, cpu(), forward);
  return {forward, backward};
}

Pair lstm(const Descs& d) {
  using Forward = dnnl::lstm_forward;
  using Backward = dnnl::lstm_backward;
  const memory::desc none;
  const Forward::desc about(kForward, kDirection, d.x, d.h0, d.c0, d.w, d.u, d.b, d.y, none, none);
  const Forward::primitive_desc forward(about, cpu());
  const Backward::desc back(kBackward, kDirection, d.x, d.h0, d.c0, d.w, d.u, d.b, d.y, none, none, d.x, d.h0, d.c0, d.w, d.u, d.b, d.y,
                            none, none);
  return {forward, Backward::primitive_desc(back, cpu(), forward)};
}

template <class Forward, class Backward>
Pair gru(const Descs& d) {
  const memory::desc none;
  const typename Forward::desc about(kForward, kDirection, d.x, d.h0, d.w, d.u, d.b, d.y, none);
  const typename Forward::primitive_desc forward(about, cpu());
  const typename Backward::desc back(kBackward, kDirection, d.x, d.h0, d.w, d.u, d.b, d.y, none, d.x, d.h0, d.w, d.u, d.b, d.y, none);
  return {forward, typename Backward::primitive_desc(back, cpu(), forward)};
}

Pair primitives(const bench::Recurrent& s, const Descs& descs) {
  if (s.cell == "rnn") return vanilla(descs);
  if (s.cell == "lstm") return lstm(descs);
  if (s.cell == "gru") return gru<dnnl::lbr_gru_forward, dnnl::lbr_gru_backward>(descs);
  return gru<dnnl::gru_forward, dnnl::gru_backward>(descs);
}

// oneDNN has the gates of an LSTM in the reference's order, those of a GRU as z, r, n. Its own inverse.
std::vector<float> with_gates(const bench::Recurrent& s, std::vector<float> values) {
  if (s.gates() != 3) return values;
  for (size_t row = 0; row + 3 * s.h <= values.size(); row += 3 * s.h)
    std::swap_ranges(&values[row], &values[row + s.h], &values[row + s.h]);
  return values;
}

// The bias and after it, where a GRU has it, the recurrent bias of n.
std::vector<float> biases(const bench::Recurrent& s) {
  std::vector<float> all = with_gates(s, s.inputs.at("b").values);
  if (s.cell == "gru") all.insert(all.end(), s.inputs.at("br").values.begin(), s.inputs.at("br").values.end());
  return all;
}

void reorder(memory from, memory to) {
  dnnl::reorder(from, to).execute(stream(), from, to);
  stream().wait();
}

memory::desc plain_desc(const memory::desc& desc) {
  const size_t rank = desc.dims().size();
  const auto plain = rank == 3 ? memory::format_tag::abc : rank == 4 ? memory::format_tag::abcd : memory::format_tag::abcde;
  return {desc.dims(), memory::data_type::f32, plain};
}

memory filled(const memory::desc& desc, std::vector<float> values) {
  memory made(desc, cpu());
  reorder(memory(plain_desc(desc), cpu(), values.data()), made);
  return made;
}

memory zeros(const memory::desc& desc) {
  memory made(desc, cpu());
  std::fill_n(static_cast<char*>(made.get_data_handle()), desc.get_size(), char{0});
  return made;
}

std::vector<float> read(const memory& from) {
  const memory::desc desc = plain_desc(from.get_desc());
  std::vector<float> values(desc.get_size() / sizeof(float));
  reorder(from, memory(desc, cpu(), values.data()));
  return values;
}

using Arguments = std::unordered_map<int, memory>;

// The operands in the layouts of one of the two primitives.
Arguments operands(const bench::Recurrent& s, const rnn_primitive_desc_base& desc) {
  const auto input = [&](const char* name) { return s.inputs.at(name).values; };
  Arguments all{{DNNL_ARG_SRC_LAYER, filled(desc.src_layer_desc(), input("x"))},
                {DNNL_ARG_SRC_ITER, filled(desc.src_iter_desc(), input("h0"))},
                {DNNL_ARG_WEIGHTS_LAYER, filled(desc.weights_layer_desc(), with_gates(s, input("w")))},
                {DNNL_ARG_WEIGHTS_ITER, filled(desc.weights_iter_desc(), with_gates(s, input("u")))},
                {DNNL_ARG_BIAS, filled(desc.bias_desc(), biases(s))}};
  if (s.cell == "lstm") all[DNNL_ARG_SRC_ITER_C] = filled(desc.src_iter_c_desc(), input("c0"));
  return all;
}

bench::RecurrentPlan plan(const bench::Recurrent& s) {
  const Pair pair = primitives(s, Descs(s));
  Arguments forward = operands(s, pair.forward), backward = operands(s, pair.backward);
  const memory y = zeros(pair.forward.dst_layer_desc()), workspace = zeros(pair.forward.workspace_desc());
  if (pair.forward.dst_layer_desc() != pair.backward.dst_layer_desc()) throw std::runtime_error("y differs in its layouts");
  forward[DNNL_ARG_DST_LAYER] = backward[DNNL_ARG_DST_LAYER] = y;
  forward[DNNL_ARG_WORKSPACE] = backward[DNNL_ARG_WORKSPACE] = workspace;
  backward[DNNL_ARG_DIFF_DST_LAYER] = filled(pair.backward.diff_dst_layer_desc(), s.inputs.at("dy").values);
  const memory dx = zeros(pair.backward.diff_src_layer_desc()), dh0 = zeros(pair.backward.diff_src_iter_desc());
  const memory dw = zeros(pair.backward.diff_weights_layer_desc()), du = zeros(pair.backward.diff_weights_iter_desc());
  const memory db = zeros(pair.backward.diff_bias_desc());
  const memory dc0 = s.cell == "lstm" ? zeros(pair.backward.diff_src_iter_c_desc()) : memory();
  backward[DNNL_ARG_DIFF_SRC_LAYER] = dx;
  backward[DNNL_ARG_DIFF_SRC_ITER] = dh0;
  backward[DNNL_ARG_DIFF_WEIGHTS_LAYER] = dw;
  backward[DNNL_ARG_DIFF_WEIGHTS_ITER] = du;
  backward[DNNL_ARG_DIFF_BIAS] = db;
  if (s.cell == "lstm") backward[DNNL_ARG_DIFF_SRC_ITER_C] = dc0;
  const dnnl::primitive first(pair.forward), second(pair.backward);
  return {[=] {
            first.execute(stream(), forward);
            second.execute(stream(), backward);
            stream().wait();
          },
          [=] {
            std::map<std::string, std::vector<float>> results{{"y", read(y)}, {"dx", read(dx)}, {"dh0", read(dh0)}};
            results["dw"] = with_gates(s, read(dw));
            results["du"] = with_gates(s, read(du));
            std::vector<float> bias = read(db);
            if (s.cell == "gru") results["dbr"].assign(bias.end() - s.h, bias.end());
            bias.resize(static_cast<size_t>(s.gates() * s.h));
            results["db"] = with_gates(s, bias);
            if (s.cell == "lstm") results["dc0"] = read(dc0);
            return results;
          }};
}

}  // namespace

int main() { return bench::serve_recurrent(plan); }
