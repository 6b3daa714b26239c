// The raw kernels: synchronous, on typed arrays, every extent checked against its array before the kernel runs.
#include "../runtime/shape_fields.h"
#include "exports.h"
#include "raw_call.h"

namespace lanewise {
namespace {

using Floats = js::Array<float>;
using Ids = js::Array<int32_t>;

// The elements of an array from an offset on.
Floats from(const char* function, const char* name, Floats array, int64_t offset) {
  if (offset > array.length) {
    throw js::RangeProblem{std::string(function) + ": expected at most " + text(array.length) + " for " + name + "Offset, got " +
                           text(offset)};
  }
  return {array.data + offset, array.length - offset};
}

template <int64_t kCount>
using Choice = js::Integer<0, kCount - 1>;
using ActivationChoice = Choice<int64_t{static_cast<int>(Activation::count)}>;
using SoftmaxChoice = Choice<int64_t{static_cast<int>(SoftmaxKind::count)}>;
using ReduceChoice = Choice<int64_t{static_cast<int>(ReduceKind::count)}>;
using MapChoice = Choice<int64_t{static_cast<int>(MapOp::count)}>;

// With strides of 0 no array bounds k.
void gemm(Environment& environment, js::Size m, js::Size n, js::Integer<0, INT32_MAX> k, Floats a, js::Size a_offset, js::Size a_row,
          js::Size a_col, Floats b, js::Size b_offset, js::Size b_row, js::Size b_col, Floats c, js::Size c_offset, js::Size c_row,
          std::optional<Floats> bias, ActivationChoice activation, bool accumulate) {
  a = from("gemm", "a", a, a_offset);
  b = from("gemm", "b", b, b_offset);
  c = from("gemm", "c", c, c_offset);
  GemmArgs args{};
  args.m = m;
  args.n = n;
  args.k = k;
  args.batch = args.inner = 1;
  args.a = a.data;
  args.a_row = a_row;
  args.a_col = a_col;
  args.b = b.data;
  args.b_row = b_row;
  args.b_col = b_col;
  args.c = c.data;
  args.c_row = c_row;
  args.bias = bias ? bias->data : nullptr;
  args.activation = static_cast<Activation>(activation.value);
  args.accumulate = accumulate;
  RawCall call("gemm", args);
  call.has(args.a, a.length).has(args.b, b.length).has(args.c, c.length);
  if (bias) call.has(args.bias, bias->length);
  call.run(environment);
}

void softmax(Environment& environment, SoftmaxChoice kind, js::Size rows, js::Size columns, Floats input, Floats output) {
  const SoftmaxArgs args{static_cast<SoftmaxKind>(kind.value), rows, columns, input.data, output.data};
  RawCall("softmax", args).has(args.in, input.length).has(args.out, output.length).run(environment);
}

void reduce(Environment& environment, ReduceChoice kind, js::Size outer, js::Size count, js::Size inner, Floats input, Floats output) {
  const ReduceArgs args{static_cast<ReduceKind>(kind.value), outer, count, inner, input.data, output.data};
  RawCall("reduce", args).has(args.in, input.length).has(args.out, output.length).run(environment);
}

void cross_entropy(Environment& environment, js::Size rows, js::Size columns, Floats logits, Ids ids, js::Index ignore_index, Floats loss) {
  const CrossEntropyArgs args{rows, columns, static_cast<int32_t>(ignore_index), logits.data, ids.data, loss.data};
  RawCall("crossEntropy", args)
      .has(args.logits, logits.length)
      .has(args.ids, ids.length)
      .has(args.loss, loss.length)
      .run(environment, ids.data);
}

void cross_entropy_backward(Environment& environment, js::Size rows, js::Size columns, Floats logits, Ids ids, js::Index ignore_index,
                            Floats dloss, Floats dlogits) {
  const CrossEntropyBackwardArgs args{rows, columns, static_cast<int32_t>(ignore_index), logits.data, ids.data, dloss.data, dlogits.data};
  RawCall("crossEntropyBackward", args)
      .has(args.logits, logits.length)
      .has(args.ids, ids.length)
      .has(args.dloss, dloss.length)
      .has(args.dlogits, dlogits.length)
      .run(environment, ids.data);
}

void gather_rows(Environment& environment, js::Size count, js::Size table_rows, js::Size row_bytes, js::Numbers table, Ids ids,
                 js::Numbers output) {
  const GatherRowsArgs args{
      count, table_rows, row_bytes, static_cast<const uint8_t*>(table.data), ids.data, static_cast<uint8_t*>(output.data)};
  RawCall("gatherRows", args)
      .has(args.table, table.bytes())
      .has(args.ids, ids.length)
      .has(args.out, output.bytes())
      .run(environment, ids.data);
}

void map(Environment& environment, MapChoice op, Floats a, std::optional<Floats> b, std::optional<Floats> c, Floats output) {
  const std::optional<Floats> arrays[] = {a, b, c};
  const int inputs = map_arity(static_cast<MapOp>(op.value));
  MapArgs args{};
  args.rank = 1;
  args.dims[0] = output.length;
  args.inputs = inputs;
  args.instructions = args.outputs = 1;
  args.instruction[0] = {static_cast<MapOp>(op.value), 0, inputs > 1 ? 1 : -1, inputs > 2 ? 2 : -1};
  args.output[0] = {output.data, DType::f32, inputs};
  RawCall call("map", args);
  for (int i = 0; i < inputs; ++i) {
    if (!arrays[i]) throw js::TypeProblem{std::string("map: expected a Float32Array for ") + "abc"[i] + ", got undefined"};
    args.input[i].data = arrays[i]->data;
    args.input[i].dtype = DType::f32;
    args.input[i].stride[0] = 1;
    call.has(args.input[i].data, arrays[i]->length);
  }
  call.has(args.output[0].data, output.length).run(environment);
}

void random(Environment& environment, js::Word seed_low, js::Word seed_high, js::Word stream, js::Size step, js::Word first_block,
            js::Numbers output) {
  if (output.dtype == DType::u8) throw js::TypeProblem{"random: expected a Float32Array or Int32Array for output, got a Uint8Array"};
  RandomArgs args{};
  args.kind = output.dtype == DType::f32 ? RandomKind::uniform : RandomKind::bits;
  args.count = output.length;
  args.seed = static_cast<uint64_t>(seed_high) << 32 | static_cast<uint64_t>(seed_low);
  args.step = static_cast<uint64_t>(step);
  args.stream = static_cast<uint32_t>(stream);
  args.out = static_cast<float*>(output.data);
  args.first_block = static_cast<int64_t>(first_block);
  RawCall("random", args).has(args.out, output.length).run(environment);
}

// Geometry comes as whole numbers in the order of fields_of(), checked like the words of an instruction.
template <class Shape>
Shape read_shape(const char* function, Ids numbers) {
  Shape shape{};
  const auto fields = fields_of(shape);
  const auto fail = [&](const std::string& problem) { throw js::RangeProblem{std::string(function) + ": " + problem}; };
  if (static_cast<size_t>(numbers.length) != fields.size()) {
    fail("expected " + text(static_cast<int64_t>(fields.size())) + " numbers for shape, got " + text(numbers.length));
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    const int64_t value = read_once(numbers.data + i);
    if (value < fields[i].least) {
      fail("expected a number of at least " + text(fields[i].least) + " at position " + text(static_cast<int64_t>(i)) + " of shape, got " +
           text(value));
    }
    shape.*fields[i].field = value;
  }
  return shape;
}

ConvShape conv_shape(const char* function, Ids numbers) {
  const auto s = read_shape<ConvShape>(function, numbers);
  if (!groups_divide(s))
    throw js::RangeProblem{std::string(function) + ": expected groups that divide " + text(s.c) + " and " + text(s.oc) + " channels, got " +
                           text(s.groups)};
  return s;
}

PoolShape pool_shape(const char* function, Ids numbers) {
  const auto s = read_shape<PoolShape>(function, numbers);
  if (!taps_have_numbers(s))
    throw js::RangeProblem{std::string(function) + ": expected at most " + text(int64_t{INT32_MAX}) + " taps, got " + text(s.kh) + " · " +
                           text(s.kw)};
  return s;
}

void conv_forward(Environment& environment, Ids shape, Floats x, Floats w, std::optional<Floats> bias, ActivationChoice activation,
                  Floats y) {
  const ConvForwardArgs args{
      conv_shape("conv2d", shape), x.data, w.data, bias ? bias->data : nullptr, static_cast<Activation>(activation.value), y.data};
  RawCall call("conv2d", args);
  call.has(args.x, x.length).has(args.w, w.length).has(args.y, y.length);
  if (bias) call.has(args.bias, bias->length);
  call.run(environment);
}

void conv_backward_data(Environment& environment, Ids shape, Floats dy, Floats w, Floats dx) {
  const ConvBackwardDataArgs args{conv_shape("conv2dBackwardData", shape), dy.data, w.data, dx.data};
  RawCall("conv2dBackwardData", args).has(args.dy, dy.length).has(args.w, w.length).has(args.dx, dx.length).run(environment);
}

void conv_backward_weights(Environment& environment, Ids shape, Floats x, Floats dy, Floats dw) {
  const ConvBackwardWeightsArgs args{conv_shape("conv2dBackwardWeights", shape), 1, x.data, dy.data, dw.data};
  RawCall("conv2dBackwardWeights", args).has(args.x, x.length).has(args.dy, dy.length).has(args.dw, dw.length).run(environment);
}

void im2col(Environment& environment, Ids shape, Floats x, Floats columns) {
  const Im2colArgs args{conv_shape("im2col", shape), x.data, columns.data};
  RawCall("im2col", args).has(args.x, x.length).has(args.columns, columns.length).run(environment);
}

void col2im(Environment& environment, Ids shape, Floats columns, Floats dx) {
  const Col2imArgs args{conv_shape("col2im", shape), columns.data, dx.data};
  RawCall("col2im", args).has(args.columns, columns.length).has(args.dx, dx.length).run(environment);
}

void max_pool(Environment& environment, Ids shape, Floats x, Floats y, std::optional<js::Array<int32_t>> index) {
  const MaxPoolArgs args{pool_shape("maxPool2d", shape), x.data, y.data, index ? index->data : nullptr};
  RawCall call("maxPool2d", args);
  call.has(args.x, x.length).has(args.y, y.length);
  if (index) call.has(args.index, index->length);
  call.run(environment);
}

void max_pool_backward(Environment& environment, Ids shape, Floats dy, Ids index, Floats dx) {
  const MaxPoolBackwardArgs args{pool_shape("maxPool2dBackward", shape), dy.data, index.data, dx.data};
  RawCall("maxPool2dBackward", args).has(args.dy, dy.length).has(args.index, index.length).has(args.dx, dx.length).run(environment);
}

void avg_pool(Environment& environment, Ids shape, bool count_padding, Floats x, Floats y) {
  const AvgPoolArgs args{pool_shape("avgPool2d", shape), count_padding, x.data, y.data};
  RawCall("avgPool2d", args).has(args.x, x.length).has(args.y, y.length).run(environment);
}

void avg_pool_backward(Environment& environment, Ids shape, bool count_padding, Floats dy, Floats dx) {
  const AvgPoolBackwardArgs args{pool_shape("avgPool2dBackward", shape), count_padding, dy.data, dx.data};
  RawCall("avgPool2dBackward", args).has(args.dy, dy.length).has(args.dx, dx.length).run(environment);
}

using OptionalFloats = std::optional<Floats>;

// Cell, steps, rows, hidden units and direction as whole numbers; U comes as it is.
RecurrentShape recurrent_shape(const char* function, Ids numbers) {
  constexpr int64_t kMost[] = {static_cast<int64_t>(Cell::count) - 1, INT32_MAX, INT32_MAX, INT32_MAX, 1};
  const auto fail = [&](const std::string& problem) { throw js::RangeProblem{std::string(function) + ": expected " + problem}; };
  if (numbers.length != 5) fail("5 numbers for shape, got " + text(numbers.length));
  int64_t value[5];
  for (int i = 0; i < 5; ++i) {
    value[i] = read_once(numbers.data + i);
    if (value[i] < 0 || value[i] > kMost[i])
      fail("0 to " + text(kMost[i]) + " at position " + text(int64_t{i}) + " of shape, got " + text(value[i]));
  }
  return {static_cast<Cell>(value[0]), value[1], value[2], value[3], value[4] != 0, false, false};
}

// The operands that only some cells have, each with its length noted for the check.
template <class Args>
class CellOperands {
 public:
  CellOperands(const char* function, RawCall<Args>& call) : function_(function), call_(call) {}

  template <class Pointer>
  CellOperands& set(const char* name, Pointer& field, const OptionalFloats& array, bool needed) {
    if (array) {
      field = array->data;
      call_.has(field, array->length);
    } else if (needed) {
      throw js::TypeProblem{std::string(function_) + ": expected a Float32Array for " + name + ", got undefined"};
    }
    return *this;
  }

 private:
  const char* const function_;
  RawCall<Args>& call_;
};

void recurrent_forward(Environment& environment, Ids shape, Floats g, Floats u, OptionalFloats bias, Floats h0, OptionalFloats c0,
                       std::optional<Ids> lengths, Floats states, OptionalFloats cells, OptionalFloats gates, OptionalFloats q) {
  constexpr const char* kName = "recurrentForward";
  RecurrentForwardArgs args{};
  args.shape = recurrent_shape(kName, shape);
  args.g = g.data, args.u = u.data, args.h0 = h0.data, args.states = states.data;
  args.lengths = lengths ? lengths->data : nullptr;
  const bool lstm = args.shape.cell == Cell::lstm, gated = !is_elman(args.shape.cell), gru = is_gru(args.shape.cell);
  RawCall call(kName, args);
  call.has(args.g, g.length).has(args.u, u.length).has(args.h0, h0.length).has(args.states, states.length);
  if (lengths) call.has(args.lengths, lengths->length);
  CellOperands(kName, call)
      .set("bias", args.bias, bias, false)
      .set("c0", args.c0, c0, lstm)
      .set("cells", args.cells, cells, lstm)
      .set("gates", args.gates, gates, gated)
      .set("q", args.q, q, gru);
  call.run(environment, args.lengths);
}

void recurrent_backward(Environment& environment, Ids shape, Floats u, Floats states, OptionalFloats cells, OptionalFloats gates,
                        OptionalFloats q, OptionalFloats dy, OptionalFloats dh, OptionalFloats dc, std::optional<Ids> lengths,
                        Floats dgates, OptionalFloats dq, Floats dh0, OptionalFloats dc0) {
  constexpr const char* kName = "recurrentBackward";
  RecurrentBackwardArgs args{};
  args.shape = recurrent_shape(kName, shape);
  args.u = u.data, args.states = states.data, args.dgates = dgates.data, args.dh0 = dh0.data;
  args.lengths = lengths ? lengths->data : nullptr;
  const bool lstm = args.shape.cell == Cell::lstm, gated = !is_elman(args.shape.cell), gru = is_gru(args.shape.cell);
  RawCall call(kName, args);
  call.has(args.u, u.length).has(args.states, states.length).has(args.dgates, dgates.length).has(args.dh0, dh0.length);
  if (lengths) call.has(args.lengths, lengths->length);
  CellOperands(kName, call)
      .set("dy", args.dy, dy, false)
      .set("dh", args.dh, dh, false)
      .set("dc", args.dc, dc, false)
      .set("cells", args.cells, cells, lstm)
      .set("dc0", args.dc0, dc0, lstm)
      .set("gates", args.gates, gates, gated)
      .set("q", args.q, q, gru)
      .set("dq", args.dq, dq, gru);
  call.run(environment, args.lengths);
}

constexpr js::Function kFunctions[] = {
    js::function<gemm>("gemm", "m n k a aOffset aRow aCol b bOffset bRow bCol c cOffset cRow bias activation accumulate"),
    js::function<softmax>("softmax", "kind rows columns input output"),
    js::function<reduce>("reduce", "kind outer count inner input output"),
    js::function<cross_entropy>("crossEntropy", "rows columns logits ids ignoreIndex loss"),
    js::function<cross_entropy_backward>("crossEntropyBackward", "rows columns logits ids ignoreIndex dloss dlogits"),
    js::function<gather_rows>("gatherRows", "count tableRows rowBytes table ids output"),
    js::function<map>("map", "op a b c output"),
    js::function<random>("random", "seedLow seedHigh stream step firstBlock output"),
    js::function<conv_forward>("conv2d", "shape x w bias activation y"),
    js::function<conv_backward_data>("conv2dBackwardData", "shape dy w dx"),
    js::function<conv_backward_weights>("conv2dBackwardWeights", "shape x dy dw"),
    js::function<im2col>("im2col", "shape x columns"),
    js::function<col2im>("col2im", "shape columns dx"),
    js::function<max_pool>("maxPool2d", "shape x y index"),
    js::function<max_pool_backward>("maxPool2dBackward", "shape dy index dx"),
    js::function<avg_pool>("avgPool2d", "shape countPadding x y"),
    js::function<avg_pool_backward>("avgPool2dBackward", "shape countPadding dy dx"),
    js::function<recurrent_forward>("recurrentForward", "shape g u bias h0 c0 lengths states cells gates q"),
    js::function<recurrent_backward>("recurrentBackward", "shape u states cells gates q dy dh dc lengths dgates dq dh0 dc0"),
};

}  // namespace

std::span<const js::Function> kernel_functions() { return kFunctions; }

}  // namespace lanewise
