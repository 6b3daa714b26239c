#include "decode_ops.h"

#include "kernels/known_maps.h"
#include "operands.h"
#include "shape_fields.h"

namespace lanewise {
namespace {

template <class Enum>
constexpr Enum last_of() {
  return static_cast<Enum>(static_cast<int32_t>(Enum::count) - 1);
}

int32_t small(StreamReader& words, const char* what, int64_t low, int64_t high) {
  return static_cast<int32_t>(words.integer(what, low, high));
}

void sizes(StreamReader& words, const char* what, int rank, int64_t* values) {
  for (int d = 0; d < rank; ++d) values[d] = words.size(what);
}

int32_t id(StreamReader& words, const char* what) { return small(words, what, INT32_MIN, INT32_MAX); }

// Instruction i may read inputs, constants and the temporaries before its own.
void read_map_instruction(StreamReader& words, MapInstruction& instruction, int32_t written) {
  instruction.op = words.choice("op", last_of<MapOp>());
  int32_t* const registers[] = {&instruction.a, &instruction.b, &instruction.c};
  for (int i = 0; i < 3; ++i) {
    const bool used = i < map_arity(instruction.op);
    *registers[i] = small(words, used ? "a register already written," : "no register (−1),", used ? 0 : -1, used ? written - 1 : -1);
  }
}

int64_t extent(StreamReader& words, const char* what) { return words.integer(what, 0, INT32_MAX); }
int64_t stride(StreamReader& words, const char* what) { return words.integer(what, 1, INT32_MAX); }

void check(const StreamReader& words, const ConvShape& s) {
  if (!groups_divide(s)) words.fail_at(words.position() - 1, "groups that divide c " + text(s.c) + " and oc " + text(s.oc), text(s.groups));
}
void check(const StreamReader& words, const PoolShape& s) {
  constexpr size_t kBehindKw = 5;
  if (!taps_have_numbers(s))
    words.fail_at(words.position() - kBehindKw, "kh · kw of at most " + text(int64_t{INT32_MAX}), text(s.kh * s.kw));
}

void read_shape(StreamReader& words, CtcShape& s) {
  s.n = extent(words, "n");
  s.t = extent(words, "t");
  s.classes = stride(words, "classes");
  s.labels = words.integer("labels", 0, kMaxCtcLabels);
  s.blank = small(words, "blank", 0, s.classes - 1);
}

template <class Shape>
void read_shape(StreamReader& words, Shape& shape) {
  for (const auto& [name, field, least] : fields_of(shape)) shape.*field = words.integer(name, least, INT32_MAX);
  check(words, shape);
}

}  // namespace

void read_words(OpReader& in, GemmArgs& g) {
  in.operand("c", g.c);
  in.operand("a", g.a);
  in.operand("b", g.b);
  in.optional("bias", g.bias);
  g.m = in.words.size("m");
  g.n = in.words.size("n");
  g.k = extent(in.words, "k");  // with strides of 0 no memory bounds it, and an instruction runs to its end
  const int64_t outer = in.words.size("outer");
  g.inner = in.words.size("inner");
  g.batch = size_mul(outer, g.inner);
  g.a_row = in.words.size("aRow");
  g.a_col = in.words.size("aCol");
  g.a_batch = in.words.size("aBatch");
  g.a_outer = in.words.size("aOuter");
  g.b_row = in.words.size("bRow");
  g.b_col = in.words.size("bCol");
  g.b_batch = in.words.size("bBatch");
  g.b_outer = in.words.size("bOuter");
  g.c_row = in.words.size("cRow");
  g.c_batch = in.words.size("cBatch");
  g.c_outer = in.words.size("cOuter");
  g.activation = in.words.choice("activation", last_of<Activation>());
}

void read_words(OpReader& in, MapArgs& m) {
  StreamReader& words = in.words;
  m.rank = small(words, "rank", 1, kMaxRank);
  sizes(words, "dims", m.rank, m.dims);
  m.inputs = small(words, "inputs", 0, kMaxMapInputs);
  for (int i = 0; i < m.inputs; ++i) {
    in.operand("input", m.input[i].data);
    m.input[i].dtype = words.choice("dtype", last_of<DType>());
    sizes(words, "strides", m.rank, m.input[i].stride);
  }
  m.constants = small(words, "constants", 0, kMaxMapConstants);
  for (int i = 0; i < m.constants; ++i) m.constant[i] = words.constant("constant");
  m.instructions = small(words, "instructions", 0, kMaxMapInstructions);
  int32_t written = m.inputs + m.constants;
  for (int i = 0; i < m.instructions; ++i) read_map_instruction(words, m.instruction[i], written++);
  m.outputs = small(words, "outputs", 1, kMaxMapOutputs);
  for (int i = 0; i < m.outputs; ++i) {
    in.operand("output", m.output[i].data);
    m.output[i].dtype = words.choice("dtype", last_of<DType>());
    m.output[i].reg = small(words, "a register already written,", 0, written - 1);
  }
  m.known = find_known_map(m);
}

void read_words(OpReader& in, ReduceArgs& r) {
  r.kind = in.words.choice("kind", last_of<ReduceKind>());
  in.operand("out", r.out);
  in.operand("in", r.in);
  r.outer = in.words.size("outer");
  r.count = in.words.size("count");
  r.inner = in.words.size("inner");
}

void read_words(OpReader& in, ArgReduceArgs& r) {
  r.minimum = in.words.flag("minimum");
  in.operand("out", r.out);
  in.operand("in", r.in);
  r.rows = in.words.size("rows");
  r.columns = extent(in.words, "columns");
}

void read_words(OpReader& in, SoftmaxArgs& s) {
  s.kind = in.words.choice("kind", last_of<SoftmaxKind>());
  in.operand("out", s.out);
  in.operand("in", s.in);
  s.rows = in.words.size("rows");
  s.columns = in.words.size("columns");
}

void read_words(OpReader& in, SoftmaxBackwardArgs& s) {
  s.logarithmic = in.words.flag("logarithmic");
  in.operand("dx", s.dx);
  in.operand("y", s.y);
  in.operand("dy", s.dy);
  s.rows = in.words.size("rows");
  s.columns = in.words.size("columns");
}

void read_words(OpReader& in, CrossEntropyArgs& x) {
  in.operand("loss", x.loss);
  in.operand("logits", x.logits);
  in.operand("ids", x.ids);
  x.rows = in.words.size("rows");
  x.columns = in.words.size("columns");
  x.ignore_index = id(in.words, "ignoreIndex");
}

void read_words(OpReader& in, CrossEntropyBackwardArgs& x) {
  in.operand("dlogits", x.dlogits);
  in.operand("logits", x.logits);
  in.operand("ids", x.ids);
  in.operand("dloss", x.dloss);
  x.rows = in.words.size("rows");
  x.columns = in.words.size("columns");
  x.ignore_index = id(in.words, "ignoreIndex");
}

void read_words(OpReader& in, GatherRowsArgs& g) {
  in.operand("out", g.out);
  in.operand("table", g.table);
  in.operand("ids", g.ids);
  g.count = in.words.size("count");
  g.table_rows = in.words.size("tableRows");
  g.row_bytes = in.words.size("rowBytes");
}

void read_words(OpReader& in, ScatterAddRowsArgs& s) {
  in.operand("dtable", s.dtable);
  in.operand("dy", s.dy);
  in.operand("ids", s.ids);
  s.count = in.words.size("count");
  s.table_rows = in.words.size("tableRows");
  s.columns = in.words.size("columns");
}

void read_words(OpReader& in, CopyArgs& c) {
  StreamReader& words = in.words;
  c.element_bytes = small(words, "elementBytes", 1, 4);
  if (c.element_bytes != 1 && c.element_bytes != 4)
    words.fail_at(words.position() - 1, "elementBytes 1 or 4", text(int64_t{c.element_bytes}));
  c.rank = small(words, "rank", 1, kMaxRank);
  sizes(words, "dims", c.rank, c.dims);
  in.operand("in", c.in);
  sizes(words, "inStrides", c.rank, c.in_stride);
  in.operand("out", c.out);
  sizes(words, "outStrides", c.rank, c.out_stride);
}

void read_words(OpReader& in, FillArgs& f) {
  in.operand("out", f.out);
  f.count = in.words.size("count");
  f.value = in.words.constant("value");
}

void read_words(OpReader& in, RandomArgs& r) {
  r.kind = RandomKind::uniform;
  in.operand("out", r.out);
  r.count = in.words.size("count");
  const uint64_t low = in.words.word32("seedLow"), high = in.words.word32("seedHigh");
  r.seed = high << 32 | low;
  r.stream = in.words.word32("stream");
  r.step = 0;
}

void read_words(OpReader& in, ConvForwardArgs& c) {
  in.operand("y", c.y);
  in.operand("x", c.x);
  in.operand("w", c.w);
  in.optional("bias", c.bias);
  read_shape(in.words, c.shape);
  c.activation = in.words.choice("activation", last_of<Activation>());
}

void read_words(OpReader& in, ConvBackwardDataArgs& c) {
  in.operand("dx", c.dx);
  in.operand("dy", c.dy);
  in.operand("w", c.w);
  read_shape(in.words, c.shape);
}

void read_words(OpReader& in, ConvBackwardWeightsArgs& c) {
  in.operand("dw", c.dw);
  in.operand("x", c.x);
  in.operand("dy", c.dy);
  read_shape(in.words, c.shape);
  c.parts = stride(in.words, "parts");
}

namespace {

int64_t winograd_channels(StreamReader& words, const char* name) { return words.integer(name, 1, kMaxWinogradChannels); }

void read_winograd(StreamReader& words, WinogradShape& s) {
  s.n = extent(words, "n"), s.h = extent(words, "h"), s.w = extent(words, "w");
  s.c = winograd_channels(words, "c");
  s.oh = extent(words, "oh"), s.ow = extent(words, "ow");
  s.oc = winograd_channels(words, "oc");
  s.pad_top = extent(words, "padTop"), s.pad_left = extent(words, "padLeft");
}

}  // namespace

void read_words(OpReader& in, WinogradWeightsArgs& a) {
  in.operand("u", a.u);
  in.operand("w", a.w);
  a.c = winograd_channels(in.words, "c");
  a.oc = winograd_channels(in.words, "oc");
  a.turn = in.words.flag("turn");
}

void read_words(OpReader& in, WinogradConvArgs& a) {
  in.operand("y", a.y);
  in.operand("x", a.x);
  in.operand("u", a.u);
  in.optional("bias", a.bias);
  read_winograd(in.words, a.shape);
  a.activation = in.words.choice("activation", last_of<Activation>());
}

void read_words(OpReader& in, WinogradBackwardWeightsArgs& a) {
  in.operand("sums", a.sums);
  in.operand("x", a.x);
  in.operand("dy", a.dy);
  read_winograd(in.words, a.shape);
  a.parts = stride(in.words, "parts");
}

void read_words(OpReader& in, WinogradGradientArgs& a) {
  in.operand("dw", a.dw);
  in.operand("sums", a.sums);
  a.c = winograd_channels(in.words, "c");
  a.oc = winograd_channels(in.words, "oc");
  a.parts = stride(in.words, "parts");
}

namespace {

void read_recurrent(StreamReader& words, RecurrentShape& s) {
  s.cell = words.choice("cell", last_of<Cell>());
  s.t = extent(words, "t"), s.n = extent(words, "n"), s.h = extent(words, "h");
  s.reverse = words.flag("reverse");
  s.panels = words.flag("panels");
  // Within a step of gru_before the second product needs all units of the first.
  s.split = words.integer("split", 0, s.cell == Cell::gru_before ? 0 : 1) != 0;
}

}  // namespace

void read_words(OpReader& in, RecurrentForwardArgs& a) {
  read_recurrent(in.words, a.shape);
  in.operand("states", a.states);
  in.operand("g", a.g);
  in.operand("u", a.u);
  in.operand("h0", a.h0);
  in.optional("lengths", a.lengths);
  if (a.shape.cell == Cell::lstm) {
    in.operand("cells", a.cells);
    in.operand("c0", a.c0);
  }
  if (!is_elman(a.shape.cell)) in.operand("gates", a.gates);
  if (is_gru(a.shape.cell)) in.operand("q", a.q);
  if (a.shape.cell == Cell::gru) in.optional("bias", a.bias);
}

void read_words(OpReader& in, RecurrentBackwardArgs& a) {
  read_recurrent(in.words, a.shape);
  in.operand("dgates", a.dgates);
  in.operand("dh0", a.dh0);
  in.operand("u", a.u);
  in.operand("states", a.states);
  in.optional("dy", a.dy);
  in.optional("dh", a.dh);
  in.optional("lengths", a.lengths);
  if (a.shape.cell == Cell::lstm) {
    in.operand("dc0", a.dc0);
    in.operand("cells", a.cells);
    in.optional("dc", a.dc);
  }
  if (!is_elman(a.shape.cell)) in.operand("gates", a.gates);
  if (is_gru(a.shape.cell)) {
    in.operand("dq", a.dq);
    in.operand("q", a.q);
  }
}

void read_words(OpReader& in, RecurrentPanelsArgs& a) {
  in.operand("panels", a.panels);
  in.operand("u", a.u);
  a.h = extent(in.words, "h");
  a.gates = in.words.integer("gates", 1, 4);
  a.turned = in.words.flag("turned");
}

void read_words(OpReader& in, Im2colArgs& c) {
  in.operand("columns", c.columns);
  in.operand("x", c.x);
  read_shape(in.words, c.shape);
}

void read_words(OpReader& in, Col2imArgs& c) {
  in.operand("dx", c.dx);
  in.operand("columns", c.columns);
  read_shape(in.words, c.shape);
}

void read_words(OpReader& in, MaxPoolArgs& p) {
  in.operand("y", p.y);
  in.optional("index", p.index);
  in.operand("x", p.x);
  read_shape(in.words, p.shape);
}

void read_words(OpReader& in, MaxPoolBackwardArgs& p) {
  in.operand("dx", p.dx);
  in.operand("dy", p.dy);
  in.operand("index", p.index);
  read_shape(in.words, p.shape);
}

void read_words(OpReader& in, AvgPoolArgs& p) {
  in.operand("y", p.y);
  in.operand("x", p.x);
  read_shape(in.words, p.shape);
  p.count_padding = in.words.flag("countPadding");
}

void read_words(OpReader& in, AvgPoolBackwardArgs& p) {
  in.operand("dx", p.dx);
  in.operand("dy", p.dy);
  read_shape(in.words, p.shape);
  p.count_padding = in.words.flag("countPadding");
}

void read_words(OpReader& in, ColumnMomentsArgs& m) {
  in.operand("mean", m.mean);
  in.operand("variance", m.variance);
  in.operand("chunks", m.chunks);
  in.operand("x", m.x);
  m.outer = in.words.size("outer");
  m.rows = in.words.size("rows");
  m.columns = in.words.size("columns");
}

void read_words(OpReader& in, ColumnProductsArgs& p) {
  in.operand("sum", p.sum);
  in.operand("product", p.product);
  in.operand("chunks", p.chunks);
  in.operand("x", p.x);
  in.operand("mean", p.mean);
  in.operand("dy", p.dy);
  p.outer = in.words.size("outer");
  p.rows = in.words.size("rows");
  p.columns = in.words.size("columns");
}

void read_words(OpReader& in, AffineSampleArgs& a) {
  StreamReader& words = in.words;
  in.operand("y", a.y);
  in.operand("x", a.x);
  a.dtype = words.choice("dtype", last_of<DType>());
  if (a.dtype == DType::i32) words.fail_at(words.position() - 1, "dtype float32 or uint8", "int32");
  in.operand("theta", a.theta);
  a.n = extent(words, "n");
  a.h = extent(words, "h");
  a.w = extent(words, "w");
  a.c = extent(words, "c");
  a.oh = extent(words, "oh");
  a.ow = extent(words, "ow");
  a.fill = words.constant("fill");
}

void read_words(OpReader& in, MergeRowsArgs& m) {
  in.operand("sums", m.sums);
  in.operand("owners", m.owners);
  in.operand("dy", m.dy);
  in.operand("ids", m.ids);
  m.count = extent(in.words, "count");
  m.table_rows = in.words.size("tableRows");
  m.columns = in.words.size("columns");
}

void read_words(OpReader& in, WriteRowsArgs& w) {
  in.operand("table", w.table);
  in.operand("in", w.in);
  in.operand("ids", w.ids);
  w.count = in.words.size("count");
  w.table_rows = in.words.size("tableRows");
  w.columns = in.words.size("columns");
}

void read_words(OpReader& in, CtcArgs& c) {
  in.operand("loss", c.loss);
  in.operand("alpha", c.alpha);
  in.operand("logp", c.logp);
  in.operand("ids", c.ids);
  in.operand("frames", c.frames);
  read_shape(in.words, c.shape);
}

void read_words(OpReader& in, CtcBackwardArgs& c) {
  in.operand("dlogp", c.dlogp);
  in.operand("logp", c.logp);
  in.operand("ids", c.ids);
  in.operand("frames", c.frames);
  in.operand("loss", c.loss);
  in.operand("alpha", c.alpha);
  in.operand("dloss", c.dloss);
  read_shape(in.words, c.shape);
}

}  // namespace lanewise
