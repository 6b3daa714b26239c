// Random instructions of every kind over small, odd shapes and special values: the same bits on any number of threads, on all rows with
// FMA, whatever lay in the results before, and no byte written beyond them. LANEWISE_PROGRAMS is how many (1,500 unless told),
// LANEWISE_PROGRAMS_SEED where to start. A seed is the same program whatever compiler made the test: of the arguments of one call, which
// are evaluated in any order, only one may draw a number.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <limits>

#include "check.h"
#include "decode_fuzz.h"
#include "runtime/threads.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr int kThreads = 4;

// A block of the arena that a program writes.
struct Result {
  int64_t begin, end;
  bool whole;  // every byte of it, without reading it
  bool same;   // on all rows: panels and transformed weights lie as each row likes
};

// One random program and what its memories hold.
class Draft {
 public:
  explicit Draft(uint64_t seed) : random_(seed) {
    style_ = from_to(0, 3);
    (this->*kKinds[random_.below(std::size(kKinds))])();
  }

  Words words() const {
    const auto bytes = [](const auto& values) { return static_cast<double>(values.size() * 4); };
    return stream({{static_cast<double>(arena_)}, {bytes(floats_)}, {bytes(ids_)}}, instructions_, instructions_.size());
  }
  Memories memories() const { return {copy(floats_), copy(ids_)}; }
  const std::vector<Result>& results() const { return results_; }
  int64_t arena_bytes() const { return arena_; }

 private:
  template <class T>
  static std::shared_ptr<Memory> copy(const std::vector<T>& values) {
    const auto memory = exact(static_cast<int64_t>(values.size() * sizeof(T)));
    if (!values.empty()) memcpy(memory->data(), values.data(), values.size() * sizeof(T));
    return memory;
  }

  int64_t pick(std::initializer_list<int64_t> values) { return values.begin()[random_.below(values.size())]; }
  int64_t from_to(int64_t low, int64_t high) { return low + static_cast<int64_t>(random_.below(static_cast<size_t>(high - low + 1))); }
  bool flip() { return random_.below(2) == 0; }
  bool seldom() { return random_.below(8) == 0; }
  // Around vectors of every row, now and then nothing or more; at most `most`.
  int64_t size(int64_t most) {
    const int64_t n =
        seldom() ? pick({0, 1, 24, 48, 63, 64, 65, 96, 127, 130}) : pick({1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 31, 32, 33});
    return n <= most ? n : from_to(1, std::max<int64_t>(most, 1));
  }
  int64_t activation() { return from_to(0, 3); }

  float value() {
    static constexpr float kSpecial[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 1e-40f, -1e-40f, 3e38f, -3e38f, 1e-38f, -1e-30f, 1};
    static constexpr float kZeros[] = {0, -0.0f, 1, -1};
    if (style_ == 3) return random_.below(100) == 0 ? 1 : -0.0f;
    if (style_ == 2) return kZeros[random_.below(std::size(kZeros))];
    if (style_ == 1 && random_.below(20) == 0) return kSpecial[random_.below(std::size(kSpecial))];
    return static_cast<float>(static_cast<double>(random_.next() >> 40) * 0x1p-22 - 2);
  }
  At input(int64_t count) {
    for (int64_t gap = from_to(0, 4); gap > 0; --gap) floats_.push_back(NAN);
    const At at{1, static_cast<double>(floats_.size() * 4)};
    for (int64_t i = 0; i < count; ++i) floats_.push_back(value());
    return at;
  }
  At ids(int64_t count, int64_t low, int64_t high) {
    const At at{2, static_cast<double>(ids_.size() * 4)};
    const bool bad = seldom();
    for (int64_t i = 0; i < count; ++i)
      ids_.push_back(static_cast<int32_t>(bad && seldom() ? pick({-1, -100, high + 1, INT32_MAX}) : from_to(low, std::max(low, high))));
    return at;
  }
  At output(int64_t count, bool whole = true, bool same = true, int64_t bytes = 4) {
    arena_ = (arena_ + 4 * from_to(1, 5) + 3) / 4 * 4;
    results_.push_back({arena_, arena_ + count * bytes, whole, same});
    arena_ += count * bytes;
    return {0, static_cast<double>(results_.back().begin)};
  }
  void add(Words words) { instructions_.push_back(std::move(words)); }
  void add(double opcode, Words before, std::vector<At> operands, Words after) {
    Words words{opcode, 0};
    words.insert(words.end(), before.begin(), before.end());
    for (const At& at : operands) append(words, {double(at.memory), at.offset});
    words.insert(words.end(), after.begin(), after.end());
    add(words);
  }
  template <class... Numbers>
  static Words numbers(Numbers... values) {
    return {static_cast<double>(values)...};
  }
  static constexpr At kAbsent = {-1, 0};
  At maybe(int64_t count) { return flip() ? input(count) : kAbsent; }

  // Strides of matrices: as they are, turned, with room between rows, side by side, or one row, column or matrix again and again.
  // The last: their span.
  struct Strides {
    int64_t row, column, batch, outer, span;
  };
  Strides strides(int64_t rows, int64_t columns, int64_t outer, int64_t inner) {
    const int64_t gap = flip() ? 0 : from_to(1, 5);
    Strides s = flip() ? Strides{columns + gap, 1, 0, 0, 0} : Strides{1, rows + gap, 0, 0, 0};
    if (seldom()) (flip() ? s.row : s.column) = 0;
    const int64_t one = rows * columns == 0 ? 0 : (rows - 1) * s.row + (columns - 1) * s.column + 1;
    s.batch = seldom() ? 0 : one + (flip() ? 0 : 3);
    s.outer = seldom() ? 0 : inner * s.batch + (flip() ? 0 : 2);
    s.span = one * outer * inner == 0 ? 0 : (outer - 1) * s.outer + (inner - 1) * s.batch + one;
    return s;
  }
  void gemm() {
    const int64_t m = size(70), n = size(130), k = seldom() ? pick({383, 384, 385, 400, 769}) : size(130),
                  outer = seldom() ? from_to(0, 3) : 1, inner = seldom() ? from_to(0, 3) : 1;
    const Strides a = strides(m, k, outer, inner), b = strides(k, n, outer, inner);
    const bool beside = flip();  // each row of all products of a run, or product by product
    const int64_t room = n + (flip() ? 0 : from_to(1, 4)), row = beside ? inner * room : room, c_batch = beside ? room : m * room,
                  c_outer = m * inner * room + (flip() ? 0 : 2);
    const int64_t span = m * n * outer * inner == 0 ? 0 : (outer - 1) * c_outer + (inner - 1) * c_batch + (m - 1) * row + n;
    const int64_t activation = this->activation();
    const At c = output(span, span == m * n * outer * inner);
    add(1, {}, {c, input(a.span), input(b.span), maybe(n)},
        numbers(m, n, k, outer, inner, a.row, a.column, a.batch, a.outer, b.row, b.column, b.batch, b.outer, row, c_batch, c_outer,
                activation));
  }

  void map() {
    const int64_t rank = from_to(1, 4), most = seldom() ? 40000 : 3000;
    std::vector<int64_t> dims;
    int64_t count = 1;
    for (int64_t d = 0; d < rank; ++d)
      dims.push_back(rank == 1 && seldom() ? from_to(16000, 40000) : size(most / std::max<int64_t>(count, 1))), count *= dims.back();
    Words words{2, 0, double(rank)};
    for (int64_t d : dims) words.push_back(double(d));
    const int64_t inputs = from_to(0, 4), constants = from_to(inputs == 0, 2), steps = from_to(0, 9), outputs = from_to(1, 3);
    std::vector<At> in_place;
    words.push_back(double(inputs));
    for (int64_t i = 0; i < inputs; ++i) {
      std::vector<int64_t> stride(dims.size());
      int64_t span = 1;
      for (size_t d = dims.size(); d-- > 0; span *= dims[d]) stride[d] = span;
      const bool plain = flip();
      for (int64_t& s : stride)
        if (!plain && flip()) s = 0;
      const int64_t dtype = flip() ? 0 : from_to(0, 2);
      At at{1, 0};
      if (plain && dtype < 2 && flip()) {
        at = output(count, false);
        in_place.push_back(at);
      } else {
        at = input(dtype == 2 ? (count + 3) / 4 + 1 : count);
        if (dtype == 2) at.offset += static_cast<double>(from_to(0, 3));
      }
      append(words, {double(at.memory), at.offset, double(dtype)});
      for (int64_t s : stride) words.push_back(double(s));
    }
    words.push_back(double(constants));
    for (int64_t i = 0; i < constants; ++i) words.push_back(value());
    words.push_back(double(steps));
    for (int64_t i = 0, written = inputs + constants; i < steps; ++i, ++written) {
      const auto op = static_cast<MapOp>(from_to(0, static_cast<int64_t>(MapOp::count) - 1));
      words.push_back(double(op));
      for (int r = 0; r < 3; ++r) words.push_back(r < map_arity(op) ? double(from_to(0, written - 1)) : -1);
    }
    words.push_back(double(outputs));
    for (int64_t o = 0; o < outputs; ++o) {
      const bool again = !in_place.empty() && flip();
      const int64_t dtype = from_to(0, again ? 1 : 2), kept = from_to(0, inputs + constants + steps - 1);
      At at{0, 0};
      if (again) {
        at = in_place.back();
        in_place.pop_back();
      } else {
        at = output(count, true, true, dtype == 2 ? 1 : 4);
      }
      append(words, {0, at.offset, double(dtype), double(kept)});
    }
    add(words);
  }

  void reduce() {
    const int64_t inner = flip() ? 1 : size(130), count = seldom() ? pick({0, 4095, 4097, 9000}) : size(600),
                  outer = size(40000 / (inner * count + 1)), kind = from_to(0, 4);
    add(3, numbers(kind), {output(outer * inner), input(outer * count * inner)}, numbers(outer, count, inner));
  }
  void arg_reduce() {
    const int64_t columns = size(600), rows = size(20000 / (columns + 1));
    const bool minimum = flip();
    add(4, numbers(minimum), {output(rows), input(rows * columns)}, numbers(rows, columns));
  }
  void softmax() {
    const int64_t kind = from_to(0, 2), columns = size(600), rows = size(20000 / (columns + 1));
    const At out = output(kind == 2 ? rows : rows * columns, true);
    const bool in_place = kind < 2 && flip();
    if (in_place) results_.back().whole = false;
    add(5, numbers(kind), {out, in_place ? out : input(rows * columns)}, numbers(rows, columns));
  }
  void softmax_backward() {
    const int64_t columns = size(600), rows = size(20000 / (columns + 1));
    const At out = output(rows * columns, true), other = input(rows * columns);
    const int64_t in_place = from_to(0, 2);  // neither, y, dy
    if (in_place > 0) results_.back().whole = false;
    add(36, numbers(flip()), {out, in_place == 1 ? out : other, in_place == 2 ? out : input(rows * columns)}, numbers(rows, columns));
  }
  void cross_entropy() {
    const int64_t columns = size(600), rows = size(20000 / (columns + 1)), ignored = pick({-100, 0, 1});
    add(6, {}, {output(rows), input(rows * columns), ids(rows, 0, columns - 1)}, numbers(rows, columns, ignored));
  }
  void cross_entropy_backward() {
    const int64_t columns = size(600), rows = size(20000 / (columns + 1)), ignored = pick({-100, 0, 1});
    const bool in_place = flip();
    const At out = output(rows * columns, !in_place);
    add(7, {}, {out, in_place ? out : input(rows * columns), ids(rows, 0, columns - 1), input(rows)}, numbers(rows, columns, ignored));
  }
  void gather_rows() {
    const int64_t count = size(130), rows = size(130), bytes = pick({0, 1, 3, 4, 5, 8, 12, 60, 64, 68, 1020, 1024, 1028});
    At table = input((rows * bytes + 3) / 4 + 1);
    if (bytes % 4 != 0) table.offset += static_cast<double>(from_to(0, 3));
    add(8, {}, {output(count * bytes, true, true, 1), table, ids(count, 0, rows - 1)}, numbers(count, rows, bytes));
  }
  void scatter_add_rows() {
    const int64_t count = size(130), rows = size(60), columns = seldom() ? pick({1023, 1024, 1100}) : size(130);
    add(9, {}, {output(rows * columns), input(count * columns), ids(count, 0, rows - 1)}, numbers(count, rows, columns));
  }
  void merge_rows() {
    const int64_t count = size(130), rows = size(60), columns = size(70);
    const At sums = output(count * columns), owners = output(count);
    add(32, {}, {sums, owners, input(count * columns), ids(count, 0, rows - 1)}, numbers(count, rows, columns));
  }
  // Labels as they may be, and in ids that are: a few are none.
  void ctc() {
    const int64_t classes = from_to(1, 20), labels = classes == 1 ? 0 : size(20), t = size(40),
                  n = size(1500 / ((t + 1) * (labels + 1)) + 1), blank = from_to(0, 1) * (classes - 1), width = 2 * labels + 1;
    const At logp = input(n * t * classes), ids = this->ids(n * labels, blank == 0 ? 1 : 0, blank == 0 ? classes - 1 : classes - 2),
             frames = this->ids(n, 0, t), loss = output(n), alpha = output(n * t * width);
    add(34, {}, {loss, alpha, logp, ids, frames}, numbers(n, t, classes, labels, blank));
    if (flip()) add(35, {}, {output(n * t * classes), logp, ids, frames, loss, alpha, input(n)}, numbers(n, t, classes, labels, blank));
  }
  void write_rows() {
    const int64_t count = size(130), rows = size(60), columns = size(70);
    add(33, {}, {output(rows * columns, false), input(count * columns), ids(count, -1, rows - 1)}, numbers(count, rows, columns));
  }
  void copy() {
    const int64_t rank = from_to(1, 5), bytes = pick({1, 4});
    std::vector<int64_t> dims, order, in(static_cast<size_t>(rank)), out(static_cast<size_t>(rank));
    int64_t count = 1;
    for (int64_t d = 0; d < rank; ++d)
      dims.push_back(size(std::max<int64_t>(40000 / std::max<int64_t>(count, 1), 1))), count *= dims.back(), order.push_back(d);
    const auto lay = [&](std::vector<int64_t>& strides, bool repeats) {
      for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
      int64_t extent = 1, last = 0;
      for (int64_t d : order) {
        auto& s = strides[static_cast<size_t>(d)];
        s = repeats && seldom() ? 0 : extent * pick({1, 1, 1, 1, 2});
        const int64_t dim = dims[static_cast<size_t>(d)];
        last += std::max<int64_t>(dim - 1, 0) * s;
        extent = std::max(extent, s * dim);
      }
      return count == 0 ? 0 : last + 1;
    };
    const int64_t from = lay(in, true), to = lay(out, false);
    const At target = output(to, to == count, true, bytes), source = input(bytes == 4 ? from : (from + 3) / 4);
    Words words{10, 0, double(bytes), double(rank)};
    for (int64_t d : dims) words.push_back(double(d));
    append(words, {double(source.memory), source.offset});
    for (int64_t s : in) words.push_back(double(s));
    append(words, {0, target.offset});
    for (int64_t s : out) words.push_back(double(s));
    add(words);
  }
  void fill() {
    const int64_t count = seldom() ? from_to(30000, 70000) : size(130);
    const At out = output(count);
    add(11, {}, {out}, {double(count), value()});
  }
  void random() {
    const int64_t count = seldom() ? from_to(16000, 40000) : size(130);
    add(12, {}, {output(count)}, numbers(count, 1, 2, 3));
  }

  struct Conv {
    int64_t n, h, w, c, oh, ow, oc, kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left, groups;
    Words words() const { return numbers(n, h, w, c, oh, ow, oc, kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left, groups); }
    int64_t x() const { return n * h * w * c; }
    int64_t y() const { return n * oh * ow * oc; }
    int64_t weights() const { return kh * kw * (c / groups) * oc; }
  };
  static int64_t windows(int64_t size, int64_t taps, int64_t stride, int64_t dilation, int64_t before, int64_t after) {
    const int64_t room = size + before + after - (taps - 1) * dilation - 1;
    return room < 0 ? 1 : room / stride + 1;
  }
  Conv conv() {
    for (;;) {
      Conv s{};
      const bool depthwise = random_.below(3) == 0, tiny = random_.below(20) == 0;
      s.n = tiny ? from_to(0, 1) : from_to(1, 4), s.h = tiny ? from_to(0, 2) : from_to(1, 14), s.w = tiny ? from_to(0, 2) : from_to(1, 20);
      s.groups = depthwise ? size(70) : seldom() ? from_to(2, 3) : 1;
      s.groups = std::max<int64_t>(s.groups, 1);
      s.c = s.groups * (depthwise ? 1 : size(40)), s.oc = s.groups * (depthwise && !seldom() ? 1 : size(40));
      s.kh = tiny ? from_to(0, 2) : pick({1, 1, 2, 3, 3, 5}), s.kw = tiny ? from_to(0, 2) : pick({1, 1, 2, 3, 3, 4, 7});
      s.stride_h = flip() ? 1 : from_to(1, 3), s.stride_w = flip() ? 1 : from_to(1, 4);
      s.dilation_h = flip() ? 1 : from_to(1, 3), s.dilation_w = flip() ? 1 : from_to(1, 3);
      s.top = from_to(0, 3), s.left = from_to(0, 3);
      s.oh = windows(s.h, std::max<int64_t>(s.kh, 1), s.stride_h, s.dilation_h, s.top, from_to(0, 2));
      s.ow = windows(s.w, std::max<int64_t>(s.kw, 1), s.stride_w, s.dilation_w, s.left, from_to(0, 2));
      if (seldom()) s.oh = from_to(0, 9), s.ow = from_to(0, 9);  // any geometry
      if (s.kh * s.kw == 1 && flip()) s.stride_h = s.stride_w = 1, s.top = s.left = 0, s.oh = s.h, s.ow = s.w;
      if (s.x() < 30000 && s.y() < 30000 && s.weights() < 40000 && s.n * s.oh * s.ow * s.weights() < 3000000) return s;
    }
  }
  void conv_forward() {
    const Conv s = conv();
    Words after = s.words();
    after.push_back(double(activation()));
    add(13, {}, {output(s.y()), input(s.x()), input(s.weights()), maybe(s.oc)}, after);
  }
  void conv_backward_data() {
    const Conv s = conv();
    add(14, {}, {output(s.x()), input(s.y()), input(s.weights())}, s.words());
  }
  void conv_backward_weights() {
    const Conv s = conv();
    Words after = s.words();
    const int64_t parts = flip() ? 1 : flip() ? std::max<int64_t>(s.n, 1) : from_to(1, 7);
    after.push_back(double(parts));
    add(15, {}, {output(parts * s.weights()), input(s.x()), input(s.y())}, after);
  }
  void im2col() {
    Conv s = conv();
    const int64_t columns = s.n * s.oh * s.ow * s.kh * s.kw * s.c;
    if (columns > 200000) s.n = s.n > 1 ? 1 : 0;
    const int64_t size = s.n * s.oh * s.ow * s.kh * s.kw * s.c;
    if (flip()) {
      add(16, {}, {output(size), input(s.x())}, s.words());
    } else {
      add(17, {}, {output(s.x()), input(size)}, s.words());
    }
  }

  void pool() {
    for (;;) {
      const int64_t n = seldom() ? from_to(0, 3) : from_to(1, 3), h = from_to(seldom() ? 0 : 1, 12), w = from_to(seldom() ? 0 : 1, 20),
                    c = size(70);
      const int64_t kh = from_to(1, 4), kw = from_to(1, 4), top = from_to(0, 2), left = from_to(0, 2), bottom = from_to(0, 2),
                    right = from_to(0, 2);
      const bool tiles = flip();
      const int64_t stride_h = tiles ? kh : from_to(1, 3), stride_w = tiles ? kw : from_to(1, 3);
      const int64_t pad_top = tiles && flip() ? 0 : top, pad_left = tiles && flip() ? 0 : left;
      int64_t oh = windows(h, kh, stride_h, 1, pad_top, bottom), ow = windows(w, kw, stride_w, 1, pad_left, right);
      if (seldom()) oh = from_to(0, 8), ow = from_to(0, 8);
      const int64_t x = n * h * w * c, y = n * oh * ow * c;
      if (x > 40000 || y > 40000) continue;
      Words shape = numbers(n, h, w, c, oh, ow, kh, kw, stride_h, stride_w, pad_top, pad_left);
      switch (from_to(0, 3)) {
        case 0: return add(18, {}, {output(y), flip() ? output(y) : kAbsent, input(x)}, shape);
        case 1: return add(19, {}, {output(x), input(y), ids(y, -1, kh * kw - 1)}, shape);
        case 2: shape.push_back(flip()); return add(20, {}, {output(y), input(x)}, shape);
        default: shape.push_back(flip()); return add(21, {}, {output(x), input(y)}, shape);
      }
    }
  }
  void columns() {
    const int64_t columns = size(130), rows = seldom() ? pick({511, 512, 513, 1024, 1025, 1600}) : size(130),
                  outer = seldom() ? from_to(0, 3) : 1;
    const int64_t waiting = row_chunks(rows, columns) == 1 ? 0 : outer * row_chunks(rows, columns) * 2 * columns;
    const At first = output(outer * columns), second = output(outer * columns), chunks = output(waiting);
    if (flip()) {
      add(22, {}, {first, second, chunks, input(outer * rows * columns)}, numbers(outer, rows, columns));
    } else {
      add(23, {}, {first, second, chunks, input(outer * rows * columns), input(outer * columns), input(outer * rows * columns)},
          numbers(outer, rows, columns));
    }
  }
  void affine_sample() {
    const int64_t n = from_to(0, 5), h = from_to(0, 9), w = from_to(0, 9), c = from_to(0, 5), oh = from_to(0, 9), ow = size(40),
                  dtype = pick({0, 2});
    const int64_t x = n * h * w * c;
    add(24, {}, {output(n * oh * ow * c), input(dtype == 0 ? x : (x + 3) / 4)}, {});
    Words& words = instructions_.back();
    words.push_back(double(dtype));
    const At theta = input(6 * n);
    append(words, {1, theta.offset});
    const Words rest = numbers(n, h, w, c, oh, ow, value());
    words.insert(words.end(), rest.begin(), rest.end());
  }

  void winograd() {
    const int64_t n = seldom() ? from_to(0, 3) : from_to(1, 3), h = from_to(1, 14), w = from_to(1, 14), c = std::max<int64_t>(size(70), 1),
                  oc = std::max<int64_t>(size(70), 1);
    const int64_t top = from_to(0, 2), left = from_to(0, 2);
    int64_t oh = std::max<int64_t>(h + top + from_to(0, 2) - 2, 0), ow = std::max<int64_t>(w + left + from_to(0, 2) - 2, 0);
    if (seldom()) oh = from_to(0, 9), ow = from_to(0, 9);
    const Words shape = numbers(n, h, w, c, oh, ow, oc, top, left);
    if (flip()) {
      const bool turn = flip();
      const At u = output(36 * c * oc, true, false);
      add(25, {}, {u, input(9 * c * oc)}, turn ? numbers(oc, c, 1) : numbers(c, oc, 0));
      Words after = shape;
      after.push_back(double(activation()));
      add(26, {}, {output(n * oh * ow * oc), input(n * h * w * c), u, maybe(oc)}, after);
    } else {
      const int64_t parts = from_to(1, 4);
      Words after = shape;
      after.push_back(double(parts));
      const At sums = output(parts * 36 * c * oc);
      add(27, {}, {sums, input(n * h * w * c), input(n * oh * ow * oc)}, after);
      add(28, {}, {output(9 * c * oc), sums}, numbers(c, oc, parts));
    }
  }

  void recurrent() {
    const int64_t cell = from_to(0, 4), t = seldom() ? 0 : from_to(1, 4), n = size(16), h = size(seldom() ? 130 : 48);
    const int64_t gates = cell_gates(static_cast<Cell>(cell)), states = (t + 1) * n * h, steps = t * n * h, rows = n * h;
    const bool lstm = cell == 2, panels = flip(), split = cell != 4 && flip(), backward = flip(), of_gru = gates == 3;
    At u = input(h * gates * h);
    if (panels) {
      const At out = output((h + kPanelUnits - 1) / kPanelUnits * kPanelUnits * gates * h, true, false);
      add(31, {}, {out, u}, numbers(h, gates, backward));
      u = out;
    }
    const Words sequence = numbers(cell, t, n, h, flip(), panels, split);
    const At lengths = flip() ? ids(n, 1, t) : kAbsent;
    std::vector<At> operands;
    if (!backward) {
      const bool in_place = gates > 1 && flip();
      const At saved = gates > 1 ? output(steps * gates, !in_place) : kAbsent;
      operands = {output(states), in_place ? saved : input(steps * gates), u, input(rows), lengths};
      if (lstm) operands.insert(operands.end(), {output(states), input(rows)});
      if (gates > 1) operands.push_back(saved);
      if (of_gru) operands.push_back(output(steps));
      if (cell == 3) operands.push_back(maybe(h));
      return add(29, sequence, operands, {});
    }
    const bool in_place = gates > 1 && flip();
    const At dgates = output(steps * gates, !in_place);
    operands = {dgates, output(rows), u, input(states), maybe(steps), maybe(rows), lengths};
    if (lstm) operands.insert(operands.end(), {output(rows), input(states), maybe(rows)});
    if (gates > 1) operands.push_back(in_place ? dgates : input(steps * gates));
    if (of_gru) operands.insert(operands.end(), {output(steps), input(steps)});
    add(30, sequence, operands, {});
  }

  using Kind = void (Draft::*)();
  static constexpr Kind kKinds[] = {&Draft::gemm,
                                    &Draft::gemm,
                                    &Draft::map,
                                    &Draft::map,
                                    &Draft::reduce,
                                    &Draft::arg_reduce,
                                    &Draft::softmax,
                                    &Draft::cross_entropy,
                                    &Draft::softmax_backward,
                                    &Draft::cross_entropy_backward,
                                    &Draft::gather_rows,
                                    &Draft::scatter_add_rows,
                                    &Draft::merge_rows,
                                    &Draft::write_rows,
                                    &Draft::ctc,
                                    &Draft::copy,
                                    &Draft::fill,
                                    &Draft::random,
                                    &Draft::conv_forward,
                                    &Draft::conv_forward,
                                    &Draft::conv_backward_data,
                                    &Draft::conv_backward_data,
                                    &Draft::conv_backward_weights,
                                    &Draft::conv_backward_weights,
                                    &Draft::im2col,
                                    &Draft::pool,
                                    &Draft::pool,
                                    &Draft::columns,
                                    &Draft::affine_sample,
                                    &Draft::winograd,
                                    &Draft::recurrent,
                                    &Draft::recurrent};

  Random random_;
  int64_t style_;  // of values: plain, with special ones, zeros and ones, almost only −0
  std::vector<float> floats_;
  std::vector<int32_t> ids_;
  int64_t arena_ = 0;
  std::vector<Result> results_;
  std::vector<Words> instructions_;
};

using Bytes = std::vector<uint8_t>;

// NaNs of any payload are equal.
bool equal(const Bytes& a, const Bytes& b, const Result& part) {
  if (memcmp(a.data() + part.begin, b.data() + part.begin, static_cast<size_t>(part.end - part.begin)) == 0) return true;
  if ((part.end - part.begin) % 4 != 0) return false;
  for (int64_t i = part.begin; i < part.end; i += 4) {
    float x, y;
    memcpy(&x, a.data() + i, 4), memcpy(&y, b.data() + i, 4);
    if (memcmp(&x, &y, 4) != 0 && !(isnan(x) && isnan(y))) return false;
  }
  return true;
}

struct Outcome {
  Bytes arena;
  Failure failure;
};

// What lies in the arena before: floats that a kernel may read where it accumulates.
Bytes before(int64_t bytes, uint64_t seed) {
  Random random(seed);
  Bytes arena(static_cast<size_t>(bytes));
  for (int64_t i = 0; i + 4 <= bytes; i += 4) {
    const float value = static_cast<float>(static_cast<double>(random.next() >> 40) * 0x1p-22 - 2);
    memcpy(arena.data() + i, &value, 4);
  }
  return arena;
}

Outcome run(const Draft& draft, const Words& words, const KernelTable& table, int threads, const Bytes& before) {
  static void* const scratch = allocate_zeroed(kScratchBytes);
  memset(scratch, 0xff, kScratchBytes);  // NaN
  const auto program = lanewise::decode(words.data(), words.size(), table);
  program->arena = exact(draft.arena_bytes());
  if (!before.empty()) memcpy(program->arena->data(), before.data(), before.size());
  for (Instruction& instruction : program->instructions) instruction.shared = instruction.tasks > 1, program->shared |= instruction.shared;
  ThreadPool::instance().set_threads(threads);
  const RunResult result = Run(program, draft.memories(), 1, 0).execute(scratch);
  Outcome outcome{Bytes(before.size()), result.failure};
  if (!before.empty()) memcpy(outcome.arena.data(), program->arena->data(), before.size());
  return outcome;
}

// Nothing but its results.
bool stays_inside(const Draft& draft, const Bytes& before, const Bytes& after) {
  int64_t at = 0;
  for (const Result& part : draft.results()) {
    if (memcmp(before.data() + at, after.data() + at, static_cast<size_t>(part.begin - at)) != 0) return false;
    at = part.end;
  }
  return memcmp(before.data() + at, after.data() + at, before.size() - static_cast<size_t>(at)) == 0;
}

void check(uint64_t seed) {
  const Draft draft(seed);
  const Words words = draft.words();
  const Bytes first = before(draft.arena_bytes(), seed), second = before(draft.arena_bytes(), seed + 1);
  Outcome fused;
  const KernelTable* reference = nullptr;
  for (const KernelTable* table : available_tables()) {
    const auto name = [&](const char* what, size_t part) {
      return std::string(what) + ": " + table->isa + ", seed " + std::to_string(seed) + ", opcode " +
             std::to_string(static_cast<int>(words[5 + 9])) + ", result " + std::to_string(part);
    };
    const Outcome alone = run(draft, words, *table, 1, first);
    CHECK_TEXT(stays_inside(draft, first, alone.arena), name("beyond its results", 0));
    const Outcome other = run(draft, words, *table, 1, second);
    const auto compare = [&](const char* what, const Outcome& a, const Outcome& b, bool all) {
      CHECK_TEXT(a.failure.position == b.failure.position && a.failure.instruction == b.failure.instruction, name(what, 99));
      for (size_t i = 0; i < draft.results().size(); ++i) {
        const Result& part = draft.results()[i];
        if (all || part.same) CHECK_TEXT(equal(a.arena, b.arena, part), name(what, i));
      }
    };
    for (size_t i = 0; i < draft.results().size() && !alone.failure; ++i) {
      const Result& part = draft.results()[i];
      const bool reads = std::any_of(draft.results().begin(), draft.results().end(), [](const Result& r) { return !r.whole && r.same; });
      if (part.whole && !reads) CHECK_TEXT(equal(alone.arena, other.arena, part), name("what lay there before", i));
    }
    for (int threads = 2; threads <= kThreads; ++threads) compare("threads", alone, run(draft, words, *table, threads, first), true);
    if (!table->fused) continue;
    if (reference != nullptr) compare("rows", fused, alone, false);
    reference = table;
    fused = alone;
  }
}

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* value = getenv(name);
  return value ? strtoull(value, nullptr, 10) : otherwise;
}

}  // namespace

LW_TEST(same_bits_everywhere) {
  const int before = ThreadPool::instance().threads();
  const uint64_t count = from_environment("LANEWISE_PROGRAMS", 1500), seed = from_environment("LANEWISE_PROGRAMS_SEED", 1);
  for (uint64_t i = 0; i < count; ++i) check((seed + i) * 1000003);
  ThreadPool::instance().set_threads(before);
}
