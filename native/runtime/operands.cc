#include "operands.h"

#include <algorithm>

#include "size.h"

namespace lanewise {
namespace {

template <class Args>
class Builder {
 public:
  explicit Builder(const Args& args) : args_(args) {}

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
      .add("a", g.a, 4, span(4, a_dims, a_strides), Access::read)
      .add("b", g.b, 4, span(4, b_dims, b_strides), Access::read)
      .add("bias", g.bias, 4, g.n, Access::read)
      .add("c", g.c, 4, span(4, c_dims, c_strides), Access::write)
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
  return Builder(r)
      .add("in", r.in, 4, size_mul(r.outer, r.inner, r.count), Access::read)
      .add("out", r.out, 4, size_mul(r.outer, r.inner), Access::write)
      .result();
}

Operands operands(const ArgReduceArgs& r) {
  return Builder(r).add("in", r.in, 4, size_mul(r.rows, r.columns), Access::read).add("out", r.out, 4, r.rows, Access::write).result();
}

Operands operands(const SoftmaxArgs& s) {
  const bool rows_only = s.kind == SoftmaxKind::log_sum_exp;
  const int64_t all = size_mul(s.rows, s.columns);
  return Builder(s)
      .add("in", s.in, 4, all, rows_only ? Access::read : Access::read_in_place)
      .add("out", s.out, 4, rows_only ? s.rows : all, Access::write)
      .result();
}

Operands operands(const SoftmaxBackwardArgs& s) {
  const int64_t all = size_mul(s.rows, s.columns);
  return Builder(s)
      .add("y", s.y, 4, all, Access::read_in_place)
      .add("dy", s.dy, 4, all, Access::read_in_place)
      .add("dx", s.dx, 4, all, Access::write)
      .result();
}

Operands operands(const CrossEntropyArgs& x) {
  return Builder(x)
      .add("logits", x.logits, 4, size_mul(x.rows, x.columns), Access::read)
      .add("ids", x.ids, 4, x.rows, Access::read)
      .add("loss", x.loss, 4, x.rows, Access::write)
      .result();
}

Operands operands(const CrossEntropyBackwardArgs& x) {
  return Builder(x)
      .add("logits", x.logits, 4, size_mul(x.rows, x.columns), Access::read_in_place)
      .add("ids", x.ids, 4, x.rows, Access::read)
      .add("dloss", x.dloss, 4, x.rows, Access::read)
      .add("dlogits", x.dlogits, 4, size_mul(x.rows, x.columns), Access::write)
      .result();
}

Operands operands(const GatherRowsArgs& g) {
  return Builder(g)
      .add("table", g.table, 1, size_mul(g.table_rows, g.row_bytes), Access::read)
      .add("ids", g.ids, 4, g.count, Access::read)
      .add("out", g.out, 1, size_mul(g.count, g.row_bytes), Access::write)
      .result();
}

Operands operands(const ScatterAddRowsArgs& s) {
  return Builder(s)
      .add("dy", s.dy, 4, size_mul(s.count, s.columns), Access::read)
      .add("ids", s.ids, 4, s.count, Access::read)
      .add("dtable", s.dtable, 4, size_mul(s.table_rows, s.columns), Access::write)
      .result();
}

Operands operands(const MergeRowsArgs& m) {
  return Builder(m)
      .add("dy", m.dy, 4, size_mul(m.count, m.columns), Access::read)
      .add("ids", m.ids, 4, m.count, Access::read)
      .add("sums", m.sums, 4, size_mul(m.count, m.columns), Access::write)
      .add("owners", m.owners, 4, m.count, Access::write)
      .result();
}

namespace {

int64_t logp_span(const CtcShape& s) { return size_mul(s.n, s.t, s.classes); }
int64_t alpha_span(const CtcShape& s) { return size_mul(s.n, s.t, 2 * s.labels + 1); }

}  // namespace

Operands operands(const CtcArgs& c) {
  return Builder(c)
      .add("logp", c.logp, 4, logp_span(c.shape), Access::read)
      .add("ids", c.ids, 4, size_mul(c.shape.n, c.shape.labels), Access::read)
      .add("frames", c.frames, 4, c.shape.n, Access::read)
      .add("loss", c.loss, 4, c.shape.n, Access::write)
      .add("alpha", c.alpha, 4, alpha_span(c.shape), Access::write)
      .result();
}

Operands operands(const CtcBackwardArgs& c) {
  return Builder(c)
      .add("logp", c.logp, 4, logp_span(c.shape), Access::read)
      .add("ids", c.ids, 4, size_mul(c.shape.n, c.shape.labels), Access::read)
      .add("frames", c.frames, 4, c.shape.n, Access::read)
      .add("loss", c.loss, 4, c.shape.n, Access::read)
      .add("alpha", c.alpha, 4, alpha_span(c.shape), Access::read)
      .add("dloss", c.dloss, 4, c.shape.n, Access::read)
      .add("dlogp", c.dlogp, 4, logp_span(c.shape), Access::write)
      .result();
}

Operands operands(const WriteRowsArgs& w) {
  return Builder(w)
      .add("in", w.in, 4, size_mul(w.count, w.columns), Access::read)
      .add("ids", w.ids, 4, w.count, Access::read)
      .add("table", w.table, 4, size_mul(w.table_rows, w.columns), Access::write)
      .result();
}

Operands operands(const CopyArgs& c) {
  return Builder(c)
      .add("in", c.in, c.element_bytes, span(c.rank, c.dims, c.in_stride), Access::read)
      .add("out", c.out, c.element_bytes, span(c.rank, c.dims, c.out_stride), Access::write)
      .result();
}

Operands operands(const FillArgs& f) { return Builder(f).add("out", f.out, 4, f.count, Access::write).result(); }

Operands operands(const RandomArgs& r) { return Builder(r).add("out", r.out, 4, r.count, Access::write).result(); }

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
      .add("x", c.x, 4, x_size(c.shape), Access::read)
      .add("w", c.w, 4, w_size(c.shape), Access::read)
      .add("bias", c.bias, 4, c.shape.oc, Access::read)
      .add("y", c.y, 4, y_size(c.shape), Access::write)
      .result();
}

Operands operands(const ConvBackwardDataArgs& c) {
  return Builder(c)
      .add("dy", c.dy, 4, y_size(c.shape), Access::read)
      .add("w", c.w, 4, w_size(c.shape), Access::read)
      .add("dx", c.dx, 4, x_size(c.shape), Access::write)
      .result();
}

Operands operands(const ConvBackwardWeightsArgs& c) {
  return Builder(c)
      .add("x", c.x, 4, x_size(c.shape), Access::read)
      .add("dy", c.dy, 4, y_size(c.shape), Access::read)
      .add("dw", c.dw, 4, size_mul(c.parts, w_size(c.shape)), Access::write)
      .result();
}

Operands operands(const WinogradWeightsArgs& a) {
  return Builder(a)
      .add("w", a.w, 4, size_mul(9, a.c, a.oc), Access::read)
      .add("u", a.u, 4, size_mul(kWinogradPositions, a.c, a.oc), Access::write)
      .result();
}

Operands operands(const WinogradConvArgs& a) {
  const WinogradShape& s = a.shape;
  return Builder(a)
      .add("x", a.x, 4, size_mul(s.n, s.h, s.w, s.c), Access::read)
      .add("u", a.u, 4, size_mul(kWinogradPositions, s.c, s.oc), Access::read)
      .add("bias", a.bias, 4, s.oc, Access::read)
      .add("y", a.y, 4, size_mul(s.n, s.oh, s.ow, s.oc), Access::write)
      .result();
}

Operands operands(const WinogradBackwardWeightsArgs& a) {
  const WinogradShape& s = a.shape;
  return Builder(a)
      .add("x", a.x, 4, size_mul(s.n, s.h, s.w, s.c), Access::read)
      .add("dy", a.dy, 4, size_mul(s.n, s.oh, s.ow, s.oc), Access::read)
      .add("sums", a.sums, 4, size_mul(a.parts, kWinogradPositions, s.c, s.oc), Access::write)
      .result();
}

Operands operands(const WinogradGradientArgs& a) {
  return Builder(a)
      .add("sums", a.sums, 4, size_mul(a.parts, kWinogradPositions, a.c, a.oc), Access::read)
      .add("dw", a.dw, 4, size_mul(9, a.c, a.oc), Access::write)
      .result();
}

Operands operands(const Im2colArgs& c) {
  return Builder(c)
      .add("x", c.x, 4, x_size(c.shape), Access::read)
      .add("columns", c.columns, 4, columns_size(c.shape), Access::write)
      .result();
}

Operands operands(const Col2imArgs& c) {
  return Builder(c)
      .add("columns", c.columns, 4, columns_size(c.shape), Access::read)
      .add("dx", c.dx, 4, x_size(c.shape), Access::write)
      .result();
}

Operands operands(const MaxPoolArgs& p) {
  return Builder(p)
      .add("x", p.x, 4, x_size(p.shape), Access::read)
      .add("y", p.y, 4, y_size(p.shape), Access::write)
      .add("index", p.index, 4, y_size(p.shape), Access::write)
      .result();
}

Operands operands(const MaxPoolBackwardArgs& p) {
  return Builder(p)
      .add("dy", p.dy, 4, y_size(p.shape), Access::read)
      .add("index", p.index, 4, y_size(p.shape), Access::read)
      .add("dx", p.dx, 4, x_size(p.shape), Access::write)
      .result();
}

Operands operands(const AvgPoolArgs& p) {
  return Builder(p).add("x", p.x, 4, x_size(p.shape), Access::read).add("y", p.y, 4, y_size(p.shape), Access::write).result();
}

Operands operands(const AvgPoolBackwardArgs& p) {
  return Builder(p).add("dy", p.dy, 4, y_size(p.shape), Access::read).add("dx", p.dx, 4, x_size(p.shape), Access::write).result();
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
      .add("x", m.x, 4, size_mul(m.outer, m.rows, m.columns), Access::read)
      .add("mean", m.mean, 4, size_mul(m.outer, m.columns), Access::write)
      .add("variance", m.variance, 4, size_mul(m.outer, m.columns), Access::write)
      .add("chunks", m.chunks, 4, waiting_statistics(m), Access::write)
      .result();
}

Operands operands(const ColumnProductsArgs& p) {
  return Builder(p)
      .add("x", p.x, 4, size_mul(p.outer, p.rows, p.columns), Access::read)
      .add("mean", p.mean, 4, size_mul(p.outer, p.columns), Access::read)
      .add("dy", p.dy, 4, size_mul(p.outer, p.rows, p.columns), Access::read)
      .add("sum", p.sum, 4, size_mul(p.outer, p.columns), Access::write)
      .add("product", p.product, 4, size_mul(p.outer, p.columns), Access::write)
      .add("chunks", p.chunks, 4, waiting_statistics(p), Access::write)
      .result();
}

Operands operands(const AffineSampleArgs& a) {
  return Builder(a)
      .add("x", a.x, element_bytes(a.dtype), size_mul(a.n, a.h, a.w, a.c), Access::read)
      .add("theta", a.theta, 4, size_mul(a.n, 6), Access::read)
      .add("y", a.y, 4, size_mul(a.n, a.oh, a.ow, a.c), Access::write)
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
  builder.add("g", a.g, 4, gates_size(s), !is_elman(s.cell) ? Access::read_in_place : Access::read)
      .add("u", a.u, 4, weights_size(s), Access::read)
      .add("h0", a.h0, 4, rows_size(s), Access::read)
      .add("lengths", a.lengths, 4, s.n, Access::read)
      .add("states", a.states, 4, states_size(s), Access::write);
  if (s.cell == Cell::lstm) builder.add("c0", a.c0, 4, rows_size(s), Access::read).add("cells", a.cells, 4, states_size(s), Access::write);
  if (!is_elman(s.cell)) builder.add("gates", a.gates, 4, gates_size(s), Access::write);
  if (is_gru(s.cell)) builder.add("q", a.q, 4, steps_size(s), Access::write);
  if (s.cell == Cell::gru) builder.add("bias", a.bias, 4, s.h, Access::read);
  return builder.result();
}

Operands operands(const RecurrentBackwardArgs& a) {
  const RecurrentShape& s = a.shape;
  Builder builder(a);
  builder.add("u", a.u, 4, weights_size(s), Access::read)
      .add("states", a.states, 4, states_size(s), Access::read)
      .add("dy", a.dy, 4, steps_size(s), Access::read)
      .add("dh", a.dh, 4, rows_size(s), Access::read)
      .add("lengths", a.lengths, 4, s.n, Access::read)
      .add("dgates", a.dgates, 4, gates_size(s), Access::write)
      .add("dh0", a.dh0, 4, rows_size(s), Access::write);
  if (s.cell == Cell::lstm) {
    builder.add("cells", a.cells, 4, states_size(s), Access::read)
        .add("dc", a.dc, 4, rows_size(s), Access::read)
        .add("dc0", a.dc0, 4, rows_size(s), Access::write);
  }
  if (!is_elman(s.cell)) builder.add("gates", a.gates, 4, gates_size(s), Access::read_in_place);
  if (is_gru(s.cell)) builder.add("q", a.q, 4, steps_size(s), Access::read).add("dq", a.dq, 4, steps_size(s), Access::write);
  return builder.result();
}

Operands operands(const RecurrentPanelsArgs& a) {
  return Builder(a)
      .add("u", a.u, 4, size_mul(a.h, a.gates, a.h), Access::read)
      .add("panels", a.panels, 4, size_mul(panel_units(a.h), a.gates, a.h), Access::write)
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
