#include "operands.h"

#include <algorithm>

#include "size.h"

namespace lanewise {
namespace {

template <class Args>
class Builder {
 public:
  explicit Builder(const Args& args) : args_(args) {}

  // Typed pointers say how large an element is.
  template <class Element>
  Builder& reads(const char* name, Element* const& field, int64_t span, Access access = Access::read) {
    return add(name, field, sizeof(Element), span, access);
  }
  template <class Element>
  Builder& writes(const char* name, Element* const& field, int64_t span) {
    return add(name, field, sizeof(Element), span, Access::write);
  }
  template <class Pointer>
  Builder& add(const char* name, const Pointer& field, int64_t element_bytes, int64_t span, Access access) {
    const size_t at = static_cast<size_t>(reinterpret_cast<const char*>(&field) - reinterpret_cast<const char*>(&args_));
    result_.list[result_.count++] = {name, at, element_bytes, span, access};
    return *this;
  }
  Operands result() const { return result_; }

 private:
  const Args& args_;
  Operands result_;
};

// Elements from the first to behind the last of a strided index space; 0 if it is empty.
int64_t span(int rank, const int64_t* dims, const int64_t* strides) {
  int64_t last = 0;
  for (int d = 0; d < rank; ++d) {
    if (dims[d] == 0) return 0;
    last = size_add(last, size_mul(dims[d] - 1, strides[d]));
  }
  return size_add(last, 1);
}

int64_t volume(int rank, const int64_t* dims) {
  int64_t count = 1;
  for (int d = 0; d < rank; ++d) count = size_mul(count, dims[d]);
  return std::find(dims, dims + rank, 0) == dims + rank ? count : 0;
}

bool contiguous(int rank, const int64_t* dims, const int64_t* strides) {
  int64_t expected = 1;
  for (int d = rank - 1; d >= 0; --d) {
    if (dims[d] != 1 && strides[d] != expected) return false;
    expected = size_mul(expected, dims[d]);
  }
  return true;
}

// Has every element its own address? Sorted by stride, every dimension must step over all the smaller ones.
bool distinct(int rank, const int64_t* dims, const int64_t* strides) {
  int order[kMaxRank], used = 0;
  for (int d = 0; d < rank; ++d) {
    if (dims[d] == 0) return true;
    if (dims[d] == 1) continue;
    int at = used++;
    for (; at > 0 && strides[order[at - 1]] > strides[d]; --at) order[at] = order[at - 1];
    order[at] = d;
  }
  int64_t extent = 1;
  for (int i = 0; i < used; ++i) {
    const int d = order[i];
    if (strides[d] < extent) return false;
    extent = size_add(extent, size_mul(dims[d] - 1, strides[d]));
  }
  return true;
}

}  // namespace

Operands operands(const GemmArgs& g) {
  const int64_t a_dims[] = {outer(g), g.inner, g.m, g.k}, a_strides[] = {g.a_outer, g.a_batch, g.a_row, g.a_col};
  const int64_t b_dims[] = {outer(g), g.inner, g.k, g.n}, b_strides[] = {g.b_outer, g.b_batch, g.b_row, g.b_col};
  const int64_t c_dims[] = {outer(g), g.inner, g.m, g.n}, c_strides[] = {g.c_outer, g.c_batch, g.c_row, 1};
  return Builder(g)
      .reads("a", g.a, span(4, a_dims, a_strides))
      .reads("b", g.b, span(4, b_dims, b_strides))
      .reads("bias", g.bias, g.n)
      .writes("c", g.c, span(4, c_dims, c_strides))
      .result();
}

Operands operands(const MapArgs& m) {
  Builder builder(m);
  for (int i = 0; i < m.inputs; ++i) {
    const MapInput& input = m.input[i];
    const bool same_layout = contiguous(m.rank, m.dims, input.stride);
    builder.add("input", input.data, element_bytes(input.dtype), span(m.rank, m.dims, input.stride),
                same_layout ? Access::read_in_place : Access::read);
  }
  for (int i = 0; i < m.outputs; ++i) {
    builder.add("output", m.output[i].data, element_bytes(m.output[i].dtype), volume(m.rank, m.dims), Access::write);
  }
  return builder.result();
}

Operands operands(const ReduceArgs& r) {
  return Builder(r).reads("in", r.in, size_mul(r.outer, r.inner, r.count)).writes("out", r.out, size_mul(r.outer, r.inner)).result();
}

Operands operands(const ArgReduceArgs& r) {
  return Builder(r).reads("in", r.in, size_mul(r.rows, r.columns)).writes("out", r.out, r.rows).result();
}

Operands operands(const SoftmaxArgs& s) {
  const bool rows_only = s.kind == SoftmaxKind::log_sum_exp;
  const int64_t all = size_mul(s.rows, s.columns);
  return Builder(s)
      .reads("in", s.in, all, rows_only ? Access::read : Access::read_in_place)
      .writes("out", s.out, rows_only ? s.rows : all)
      .result();
}

Operands operands(const SoftmaxBackwardArgs& s) {
  const int64_t all = size_mul(s.rows, s.columns);
  return Builder(s)
      .reads("y", s.y, all, Access::read_in_place)
      .reads("dy", s.dy, all, Access::read_in_place)
      .writes("dx", s.dx, all)
      .result();
}

Operands operands(const CrossEntropyArgs& x) {
  return Builder(x)
      .reads("logits", x.logits, size_mul(x.rows, x.columns))
      .reads("ids", x.ids, x.rows)
      .writes("loss", x.loss, x.rows)
      .result();
}

Operands operands(const CrossEntropyBackwardArgs& x) {
  return Builder(x)
      .reads("logits", x.logits, size_mul(x.rows, x.columns), Access::read_in_place)
      .reads("ids", x.ids, x.rows)
      .reads("dloss", x.dloss, x.rows)
      .writes("dlogits", x.dlogits, size_mul(x.rows, x.columns))
      .result();
}

Operands operands(const GatherRowsArgs& g) {
  return Builder(g)
      .reads("table", g.table, size_mul(g.table_rows, g.row_bytes))
      .reads("ids", g.ids, g.count)
      .writes("out", g.out, size_mul(g.count, g.row_bytes))
      .result();
}

Operands operands(const ScatterAddRowsArgs& s) {
  return Builder(s)
      .reads("dy", s.dy, size_mul(s.count, s.columns))
      .reads("ids", s.ids, s.count)
      .writes("dtable", s.dtable, size_mul(s.table_rows, s.columns))
      .result();
}

Operands operands(const MergeRowsArgs& m) {
  return Builder(m)
      .reads("dy", m.dy, size_mul(m.count, m.columns))
      .reads("ids", m.ids, m.count)
      .writes("sums", m.sums, size_mul(m.count, m.columns))
      .writes("owners", m.owners, m.count)
      .result();
}

namespace {

int64_t logp_span(const CtcShape& s) { return size_mul(s.n, s.t, s.classes); }
int64_t alpha_span(const CtcShape& s) { return size_mul(s.n, s.t, 2 * s.labels + 1); }

}  // namespace

Operands operands(const CtcArgs& c) {
  return Builder(c)
      .reads("logp", c.logp, logp_span(c.shape))
      .reads("ids", c.ids, size_mul(c.shape.n, c.shape.labels))
      .reads("frames", c.frames, c.shape.n)
      .writes("loss", c.loss, c.shape.n)
      .writes("alpha", c.alpha, alpha_span(c.shape))
      .result();
}

Operands operands(const CtcBackwardArgs& c) {
  return Builder(c)
      .reads("logp", c.logp, logp_span(c.shape))
      .reads("ids", c.ids, size_mul(c.shape.n, c.shape.labels))
      .reads("frames", c.frames, c.shape.n)
      .reads("loss", c.loss, c.shape.n)
      .reads("alpha", c.alpha, alpha_span(c.shape))
      .reads("dloss", c.dloss, c.shape.n)
      .writes("dlogp", c.dlogp, logp_span(c.shape))
      .result();
}

Operands operands(const WriteRowsArgs& w) {
  return Builder(w)
      .reads("in", w.in, size_mul(w.count, w.columns))
      .reads("ids", w.ids, w.count)
      .writes("table", w.table, size_mul(w.table_rows, w.columns))
      .result();
}

Operands operands(const CopyArgs& c) {
  return Builder(c)
      .add("in", c.in, c.element_bytes, span(c.rank, c.dims, c.in_stride), Access::read)
      .add("out", c.out, c.element_bytes, span(c.rank, c.dims, c.out_stride), Access::write)
      .result();
}

Operands operands(const FillArgs& f) { return Builder(f).writes("out", f.out, f.count).result(); }

Operands operands(const RandomArgs& r) { return Builder(r).writes("out", r.out, r.count).result(); }

namespace {

int64_t x_size(const ConvShape& s) { return size_mul(s.n, s.h, s.w, s.c); }
int64_t y_size(const ConvShape& s) { return size_mul(s.n, s.oh, s.ow, s.oc); }
int64_t w_size(const ConvShape& s) { return size_mul(s.kh, s.kw, s.c / s.groups, s.oc); }
int64_t columns_size(const ConvShape& s) { return size_mul(s.n, s.oh, s.ow, s.kh, s.kw, s.c); }
int64_t x_size(const PoolShape& s) { return size_mul(s.n, s.h, s.w, s.c); }
int64_t y_size(const PoolShape& s) { return size_mul(s.n, s.oh, s.ow, s.c); }

}  // namespace

Operands operands(const ConvForwardArgs& c) {
  return Builder(c)
      .reads("x", c.x, x_size(c.shape))
      .reads("w", c.w, w_size(c.shape))
      .reads("bias", c.bias, c.shape.oc)
      .writes("y", c.y, y_size(c.shape))
      .result();
}

Operands operands(const ConvBackwardDataArgs& c) {
  return Builder(c).reads("dy", c.dy, y_size(c.shape)).reads("w", c.w, w_size(c.shape)).writes("dx", c.dx, x_size(c.shape)).result();
}

Operands operands(const ConvBackwardWeightsArgs& c) {
  return Builder(c)
      .reads("x", c.x, x_size(c.shape))
      .reads("dy", c.dy, y_size(c.shape))
      .writes("dw", c.dw, size_mul(c.parts, w_size(c.shape)))
      .result();
}

Operands operands(const WinogradWeightsArgs& a) {
  return Builder(a).reads("w", a.w, size_mul(9, a.c, a.oc)).writes("u", a.u, size_mul(kWinogradPositions, a.c, a.oc)).result();
}

Operands operands(const WinogradConvArgs& a) {
  const WinogradShape& s = a.shape;
  return Builder(a)
      .reads("x", a.x, size_mul(s.n, s.h, s.w, s.c))
      .reads("u", a.u, size_mul(kWinogradPositions, s.c, s.oc))
      .reads("bias", a.bias, s.oc)
      .writes("y", a.y, size_mul(s.n, s.oh, s.ow, s.oc))
      .result();
}

Operands operands(const WinogradBackwardWeightsArgs& a) {
  const WinogradShape& s = a.shape;
  return Builder(a)
      .reads("x", a.x, size_mul(s.n, s.h, s.w, s.c))
      .reads("dy", a.dy, size_mul(s.n, s.oh, s.ow, s.oc))
      .writes("sums", a.sums, size_mul(a.parts, kWinogradPositions, s.c, s.oc))
      .result();
}

Operands operands(const WinogradGradientArgs& a) {
  return Builder(a)
      .reads("sums", a.sums, size_mul(a.parts, kWinogradPositions, a.c, a.oc))
      .writes("dw", a.dw, size_mul(9, a.c, a.oc))
      .result();
}

Operands operands(const Im2colArgs& c) {
  return Builder(c).reads("x", c.x, x_size(c.shape)).writes("columns", c.columns, columns_size(c.shape)).result();
}

Operands operands(const Col2imArgs& c) {
  return Builder(c).reads("columns", c.columns, columns_size(c.shape)).writes("dx", c.dx, x_size(c.shape)).result();
}

Operands operands(const MaxPoolArgs& p) {
  return Builder(p).reads("x", p.x, x_size(p.shape)).writes("y", p.y, y_size(p.shape)).writes("index", p.index, y_size(p.shape)).result();
}

Operands operands(const MaxPoolBackwardArgs& p) {
  return Builder(p)
      .reads("dy", p.dy, y_size(p.shape))
      .reads("index", p.index, y_size(p.shape))
      .writes("dx", p.dx, x_size(p.shape))
      .result();
}

Operands operands(const AvgPoolArgs& p) { return Builder(p).reads("x", p.x, x_size(p.shape)).writes("y", p.y, y_size(p.shape)).result(); }

Operands operands(const AvgPoolBackwardArgs& p) {
  return Builder(p).reads("dy", p.dy, y_size(p.shape)).writes("dx", p.dx, x_size(p.shape)).result();
}

namespace {

// What of chunks of rows waits for its round.
template <class Args>
int64_t waiting_statistics(const Args& a) {
  const int64_t chunks = row_chunks(a.rows, a.columns);
  return chunks == 1 ? 0 : size_mul(a.outer, chunks, 2, a.columns);
}

}  // namespace

Operands operands(const ColumnMomentsArgs& m) {
  return Builder(m)
      .reads("x", m.x, size_mul(m.outer, m.rows, m.columns))
      .writes("mean", m.mean, size_mul(m.outer, m.columns))
      .writes("variance", m.variance, size_mul(m.outer, m.columns))
      .writes("chunks", m.chunks, waiting_statistics(m))
      .result();
}

Operands operands(const ColumnProductsArgs& p) {
  return Builder(p)
      .reads("x", p.x, size_mul(p.outer, p.rows, p.columns))
      .reads("mean", p.mean, size_mul(p.outer, p.columns))
      .reads("dy", p.dy, size_mul(p.outer, p.rows, p.columns))
      .writes("sum", p.sum, size_mul(p.outer, p.columns))
      .writes("product", p.product, size_mul(p.outer, p.columns))
      .writes("chunks", p.chunks, waiting_statistics(p))
      .result();
}

Operands operands(const AffineSampleArgs& a) {
  return Builder(a)
      .add("x", a.x, element_bytes(a.dtype), size_mul(a.n, a.h, a.w, a.c), Access::read)
      .reads("theta", a.theta, size_mul(a.n, 6))
      .writes("y", a.y, size_mul(a.n, a.oh, a.ow, a.c))
      .result();
}

namespace {

int64_t rows_size(const RecurrentShape& s) { return size_mul(s.n, s.h); }
int64_t states_size(const RecurrentShape& s) { return size_mul(size_add(s.t, 1), rows_size(s)); }
int64_t gates_size(const RecurrentShape& s) { return size_mul(s.t, rows_size(s), cell_gates(s.cell)); }
int64_t steps_size(const RecurrentShape& s) { return size_mul(s.t, rows_size(s)); }
int64_t panel_units(int64_t h) { return size_mul(size_add(h, kPanelUnits - 1) / kPanelUnits, kPanelUnits); }
int64_t weights_size(const RecurrentShape& s) { return size_mul(s.panels ? panel_units(s.h) : s.h, s.h, cell_gates(s.cell)); }

}  // namespace

Operands operands(const RecurrentForwardArgs& a) {
  const RecurrentShape& s = a.shape;
  Builder builder(a);
  builder.reads("g", a.g, gates_size(s), !is_elman(s.cell) ? Access::read_in_place : Access::read)
      .reads("u", a.u, weights_size(s))
      .reads("h0", a.h0, rows_size(s))
      .reads("lengths", a.lengths, s.n)
      .writes("states", a.states, states_size(s));
  if (s.cell == Cell::lstm) builder.reads("c0", a.c0, rows_size(s)).writes("cells", a.cells, states_size(s));
  if (!is_elman(s.cell)) builder.writes("gates", a.gates, gates_size(s));
  if (is_gru(s.cell)) builder.writes("q", a.q, steps_size(s));
  if (s.cell == Cell::gru) builder.reads("bias", a.bias, s.h);
  return builder.result();
}

Operands operands(const RecurrentBackwardArgs& a) {
  const RecurrentShape& s = a.shape;
  Builder builder(a);
  builder.reads("u", a.u, weights_size(s))
      .reads("states", a.states, states_size(s))
      .reads("dy", a.dy, steps_size(s))
      .reads("dh", a.dh, rows_size(s))
      .reads("lengths", a.lengths, s.n)
      .writes("dgates", a.dgates, gates_size(s))
      .writes("dh0", a.dh0, rows_size(s));
  if (s.cell == Cell::lstm) {
    builder.reads("cells", a.cells, states_size(s)).reads("dc", a.dc, rows_size(s)).writes("dc0", a.dc0, rows_size(s));
  }
  if (!is_elman(s.cell)) builder.reads("gates", a.gates, gates_size(s), Access::read_in_place);
  if (is_gru(s.cell)) builder.reads("q", a.q, steps_size(s)).writes("dq", a.dq, steps_size(s));
  return builder.result();
}

Operands operands(const RecurrentPanelsArgs& a) {
  return Builder(a)
      .reads("u", a.u, size_mul(a.h, a.gates, a.h))
      .writes("panels", a.panels, size_mul(panel_units(a.h), a.gates, a.h))
      .result();
}

int64_t rounds(const ColumnMomentsArgs& a) { return row_chunks(a.rows, a.columns) == 1 ? 1 : 2; }
int64_t rounds(const ColumnProductsArgs& a) { return row_chunks(a.rows, a.columns) == 1 ? 1 : 2; }
int64_t rounds(const RecurrentForwardArgs& a) { return a.shape.split ? std::max<int64_t>(a.shape.t, 1) : 1; }
int64_t rounds(const RecurrentBackwardArgs& a) { return a.shape.split ? a.shape.t + 1 : 1; }

const char* layout_problem(const GemmArgs& g) {
  const int64_t dims[] = {outer(g), g.inner, g.m, g.n}, strides[] = {g.c_outer, g.c_batch, g.c_row, 1};
  return distinct(4, dims, strides) ? nullptr : "cRow, cBatch and cOuter that give every element of c its own address";
}

const char* layout_problem(const CopyArgs& c) {
  return distinct(c.rank, c.dims, c.out_stride) ? nullptr : "outStrides that give every element its own address";
}

}  // namespace lanewise
