#include "cost.h"

namespace lanewise {
namespace {

// Measured rates of one core with the slowest vectors in mind; only their order of magnitude matters.
namespace rate {
constexpr double kMultiplyAdd = 0.02;    // ns per multiply-add of a product
constexpr double kElement = 0.1;         // per element read or written
constexpr double kSimple = 0.05;         // per element and simple operation
constexpr double kDivision = 0.2;        // and division or square root
constexpr double kTranscendental = 0.7;  // and exp, tanh, …
constexpr double kRow = 8;               // per row met by its id
}  // namespace rate

double operation_cost(MapOp op) {
  switch (op) {
    case MapOp::div:
    case MapOp::sqrt:
    case MapOp::reciprocal: return rate::kDivision;
    case MapOp::exp:
    case MapOp::expm1:
    case MapOp::log:
    case MapOp::log1p:
    case MapOp::tanh:
    case MapOp::sigmoid:
    case MapOp::erf:
    case MapOp::sin:
    case MapOp::cos:
    case MapOp::pow: return rate::kTranscendental;
    default: return rate::kSimple;
  }
}

double product(int64_t a, int64_t b, int64_t c = 1, int64_t d = 1) {
  return static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c) * static_cast<double>(d);
}
double volume(int rank, const int64_t* dims) {
  double count = 1;
  for (int d = 0; d < rank; ++d) count *= static_cast<double>(dims[d]);
  return count;
}

double conv_cost(const ConvShape& s) {
  return product(s.n, s.oh, s.ow, s.oc) * (product(s.kh, s.kw, s.c / s.groups) * rate::kMultiplyAdd + rate::kElement);
}
double columns_cost(const ConvShape& s) { return product(s.n, s.oh, s.ow) * product(s.kh, s.kw, s.c) * 2 * rate::kElement; }
double winograd_cost(const WinogradShape& s) {
  const double tiles = product(s.n, s.oh, s.ow) / (kWinogradTile * kWinogradTile);
  return tiles * kWinogradPositions * (product(s.c, s.oc) * rate::kMultiplyAdd + static_cast<double>(s.c + s.oc) * rate::kElement);
}
double pool_cost(const PoolShape& s) {
  return product(s.n, s.oh, s.ow, s.c) * product(s.kh, s.kw) * (rate::kElement + rate::kSimple) +
         product(s.n, s.h, s.w, s.c) * rate::kElement;
}
double recurrent_cost(const RecurrentShape& s) {
  const int64_t gates = cell_gates(s.cell);
  return product(s.t, s.n, s.h, gates) * (static_cast<double>(s.h) * rate::kMultiplyAdd + rate::kTranscendental);
}

}  // namespace

double cost(const GemmArgs& g) {
  return product(g.m, g.n, g.k, g.batch) * rate::kMultiplyAdd + product(g.m, g.n, g.batch) * rate::kElement;
}

double cost(const MapArgs& m) {
  double each = (m.inputs + m.outputs) * rate::kElement;
  for (int i = 0; i < m.instructions; ++i) each += operation_cost(m.instruction[i].op);
  return volume(m.rank, m.dims) * each;
}

double cost(const ReduceArgs& r) { return product(r.outer, r.count, r.inner) * rate::kElement; }
double cost(const ArgReduceArgs& r) { return product(r.rows, r.columns) * rate::kElement; }
double cost(const SoftmaxArgs& s) { return product(s.rows, s.columns) * (rate::kTranscendental + 3 * rate::kElement); }
double cost(const SoftmaxBackwardArgs& s) {
  return product(s.rows, s.columns) * (s.logarithmic ? rate::kTranscendental : 0) + product(s.rows, s.columns) * 4 * rate::kElement;
}
double cost(const CrossEntropyArgs& x) { return product(x.rows, x.columns) * (rate::kTranscendental + 2 * rate::kElement); }
double cost(const CrossEntropyBackwardArgs& x) { return product(x.rows, x.columns) * (rate::kTranscendental + 3 * rate::kElement); }
double cost(const GatherRowsArgs& g) {
  return static_cast<double>(g.count) * (rate::kRow + static_cast<double>(g.row_bytes) * rate::kElement / 2);
}
double cost(const ScatterAddRowsArgs& s) {
  return product(s.count, s.columns) * 2 * rate::kElement + product(s.table_rows, s.columns) * rate::kElement;
}
double cost(const MergeRowsArgs& m) {
  return static_cast<double>(m.count) * (rate::kRow + static_cast<double>(m.columns) * 2 * rate::kElement);
}
double cost(const WriteRowsArgs& w) {
  return static_cast<double>(w.count) * (rate::kRow + static_cast<double>(w.columns) * 2 * rate::kElement);
}
double cost(const CtcArgs& c) {
  return product(c.shape.n, c.shape.t) * static_cast<double>(2 * c.shape.labels + 1) * (4 * rate::kTranscendental);
}
double cost(const CtcBackwardArgs& c) {
  return product(c.shape.n, c.shape.t) * (static_cast<double>(2 * c.shape.labels + 1) * (5 * rate::kTranscendental) +
                                          static_cast<double>(c.shape.classes) * rate::kElement);
}
double cost(const CopyArgs& c) { return volume(c.rank, c.dims) * 2 * rate::kElement; }
double cost(const FillArgs& f) { return static_cast<double>(f.count) * rate::kElement; }
double cost(const RandomArgs& r) { return static_cast<double>(r.count) * rate::kTranscendental; }

double cost(const ConvForwardArgs& c) { return conv_cost(c.shape); }
double cost(const ConvBackwardDataArgs& c) { return conv_cost(c.shape); }
double cost(const ConvBackwardWeightsArgs& c) { return conv_cost(c.shape); }
double cost(const Im2colArgs& c) { return columns_cost(c.shape); }
double cost(const Col2imArgs& c) { return columns_cost(c.shape); }
double cost(const MaxPoolArgs& p) { return pool_cost(p.shape); }
double cost(const MaxPoolBackwardArgs& p) { return pool_cost(p.shape); }
double cost(const AvgPoolArgs& p) { return pool_cost(p.shape); }
double cost(const AvgPoolBackwardArgs& p) { return pool_cost(p.shape); }
double cost(const ColumnMomentsArgs& m) { return product(m.outer, m.rows, m.columns) * 2 * rate::kElement; }
double cost(const ColumnProductsArgs& p) { return product(p.outer, p.rows, p.columns) * 2 * rate::kElement; }
double cost(const WinogradWeightsArgs& a) { return kWinogradPositions * product(a.c, a.oc) * 3 * rate::kElement; }
double cost(const WinogradConvArgs& a) { return winograd_cost(a.shape); }
double cost(const WinogradBackwardWeightsArgs& a) { return winograd_cost(a.shape); }
double cost(const WinogradGradientArgs& a) { return kWinogradPositions * product(a.c, a.oc, a.parts) * 2 * rate::kElement; }

double cost(const RecurrentForwardArgs& a) { return recurrent_cost(a.shape); }
double cost(const RecurrentBackwardArgs& a) { return recurrent_cost(a.shape); }
double cost(const RecurrentPanelsArgs& a) { return product(a.h, a.h, a.gates) * 2 * rate::kElement; }
double cost(const AffineSampleArgs& a) { return product(a.n, a.oh, a.ow, a.c) * 10 * rate::kElement; }

}  // namespace lanewise
