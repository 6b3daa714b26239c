// Gather, scatter, merge, write, copy, fill and random numbers: exact, at every size, in random task splits.
#include <map>

#include "kernel_harness.h"

using namespace lanewise;
using namespace lanewise::test;

LW_TEST(gather_rows_of_any_width) {
  Source source(1);
  for_each_table([&](const KernelTable& table) {
    for (int64_t row_bytes : {0, 1, 3, 4, 8, 12, 60, 64, 68, 784, 1000, 1028, 4096}) {
      for (int64_t count : {0, 1, 7, 300}) {
        const int64_t table_rows = 1 + source.below(50);
        Guarded<uint8_t> rows(table_rows * row_bytes), out(count * row_bytes), split(count * row_bytes);
        for (int64_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<uint8_t>(source.below(256));
        Guarded<int32_t> ids = source.ids(count, table_rows);
        int64_t first_bad = kOk;
        if (count > 5) {
          ids[count - 1] = -1;
          ids[first_bad = 4] = static_cast<int32_t>(table_rows);
        }
        GatherRowsArgs args{count, table_rows, row_bytes, rows.data(), ids.data(), out.data()};
        const int64_t bad = run(table.gather_rows_tasks, table.gather_rows, args);
        args.out = split.data();
        const int64_t bad_split = run(table.gather_rows_tasks, table.gather_rows, args, 3);
        bool right = bad == first_bad && bad_split == first_bad && out.intact() && split.intact();
        for (int64_t i = 0; i < count; ++i) {
          for (int64_t b = 0; b < row_bytes; ++b) {
            const bool good = ids[i] >= 0 && ids[i] < table_rows;
            const uint8_t expected = good ? rows[ids[i] * row_bytes + b] : 0;
            right = right && out[i * row_bytes + b] == expected && split[i * row_bytes + b] == expected;
          }
        }
        CHECK_TEXT(right, text(table, "gather_rows row_bytes, count", {row_bytes, count}));
      }
    }
  });
}

LW_TEST(scatter_add_rows_in_order) {
  Source source(2);
  for_each_table([&](const KernelTable& table) {
    for (int64_t columns : kSizes) {
      if (columns > 4097) continue;
      for (int64_t count : {0, 1, 40}) {
        const int64_t table_rows = 1 + source.below(40);
        const Guarded<float> dy = source.floats(count * columns);
        Guarded<int32_t> ids = source.ids(count, table_rows);
        if (count > 10) ids[9] = -5;
        Guarded<float> out(table_rows * columns, 5), split(table_rows * columns, 6);
        ScatterAddRowsArgs args{count, table_rows, columns, dy.data(), ids.data(), out.data()};
        const int64_t bad = run(table.scatter_add_rows_tasks, table.scatter_add_rows, args);
        args.dtable = split.data();
        run(table.scatter_add_rows_tasks, table.scatter_add_rows, args, 4);
        std::vector<float> expected(static_cast<size_t>(table_rows * columns));
        for (int64_t i = 0; i < count; ++i) {
          for (int64_t c = 0; ids[i] >= 0 && c < columns; ++c) expected[ids[i] * columns + c] += dy[i * columns + c];
        }
        const bool right = same_bits(out.data(), expected.data(), out.size()) && same_bits(out, split) && out.intact() && split.intact();
        CHECK_TEXT(right && (columns == 0 || bad == (count > 10 ? 9 : kOk)),
                   text(table, "scatter_add_rows columns, count, bad", {columns, count, bad}));
      }
    }
  });
}

namespace {

struct Merged {
  std::vector<float> sums;
  std::vector<int32_t> owners;
  int64_t bad = kOk;
};

Merged merge_reference(const MergeRowsArgs& args) {
  Merged merged{std::vector<float>(static_cast<size_t>(args.count * args.columns)),
                std::vector<int32_t>(static_cast<size_t>(args.count), -1)};
  std::map<int32_t, int64_t> first_of;
  for (int64_t i = 0; i < args.count; ++i) {
    if (args.ids[i] < 0 || args.ids[i] >= args.table_rows) {
      if (merged.bad == kOk) merged.bad = i;
      continue;
    }
    const auto [first, is_new] = first_of.insert({args.ids[i], i});
    if (is_new) merged.owners[static_cast<size_t>(i)] = args.ids[i];
    for (int64_t c = 0; c < args.columns; ++c)
      merged.sums[static_cast<size_t>(first->second * args.columns + c)] += args.dy[i * args.columns + c];
  }
  return merged;
}

void check_merge(const KernelTable& table, Source& source, int64_t count, int64_t columns, int64_t table_rows, bool broken) {
  Guarded<float> dy = source.floats(count * columns);
  if (dy.size() > 0) dy[0] = -0.0f;
  Guarded<int32_t> ids = source.ids(count, table_rows);
  if (broken) {
    ids[count - 1] = -1;
    ids[count / 2] = static_cast<int32_t>(table_rows);
  }
  const Merged expected = merge_reference({count, table_rows, columns, dy.data(), ids.data(), nullptr, nullptr});
  for (uint64_t seed : {0, 5, 6}) {
    Guarded<float> sums(count * columns, 5);
    Guarded<int32_t> owners(count, 6);
    const MergeRowsArgs args{count, table_rows, columns, dy.data(), ids.data(), sums.data(), owners.data()};
    const int64_t bad = run(table.merge_rows_tasks, table.merge_rows, args, seed);
    const bool right = bad == expected.bad && same_bits(sums.data(), expected.sums.data(), sums.size()) &&
                       std::equal(expected.owners.begin(), expected.owners.end(), owners.data()) && sums.intact() && owners.intact();
    CHECK_TEXT(right, text(table, "merge_rows count, columns, table rows, bad", {count, columns, table_rows, bad}));
  }
}

}  // namespace

LW_TEST(merge_rows_in_order) {
  Source source(12);
  for_each_table([&](const KernelTable& table) {
    for (int64_t columns : kSizes) {
      if (columns > 1000) continue;
      for (int64_t count : {0, 1, 2, 40, 300}) {
        for (int64_t table_rows : {1, 9, 1000000}) check_merge(table, source, count, columns, table_rows, count == 300);
      }
    }
    // More different ids than the scratch memory has room for.
    check_merge(table, source, 700000, 1, 2000000000, true);
  });
}

LW_TEST(write_rows_of_any_width) {
  Source source(13);
  for_each_table([&](const KernelTable& table) {
    for (int64_t columns : kSizes) {
      if (columns > 1000) continue;
      for (int64_t count : {0, 1, 40}) {
        const int64_t table_rows = 1 + source.below(50);
        const Guarded<float> in = source.floats(count * columns), before = source.floats(table_rows * columns);
        Guarded<int32_t> ids = source.ids(count, table_rows);
        for (int64_t i = 0; i < count; i += 3) ids[i] = i % 2 == 0 ? -1 : static_cast<int32_t>(table_rows);
        Guarded<float> expected = before, whole = before, split = before;
        for (int64_t i = 0; i < count; ++i) {
          if (ids[i] < 0 || ids[i] >= table_rows) continue;
          std::copy_n(in.data() + i * columns, columns, expected.data() + ids[i] * columns);
        }
        run(table.write_rows_tasks, table.write_rows, WriteRowsArgs{count, table_rows, columns, in.data(), ids.data(), whole.data()});
        run(table.write_rows_tasks, table.write_rows, WriteRowsArgs{count, table_rows, columns, in.data(), ids.data(), split.data()}, 7);
        CHECK_TEXT(same_bits(whole, expected) && same_bits(split, expected) && whole.intact() && split.intact(),
                   text(table, "write_rows columns, count", {columns, count}));
      }
    }
  });
}

namespace {

template <class T>
void check_copy(const KernelTable& table, Source& source, std::vector<int64_t> dims, const std::vector<int>& in_order,
                const std::vector<int>& out_order, int64_t stretch) {
  CopyArgs args{};
  args.rank = static_cast<int32_t>(dims.size());
  args.element_bytes = sizeof(T);
  std::copy(dims.begin(), dims.end(), args.dims);
  int64_t extent_in = stretch, extent_out = 1, n = 1;
  for (size_t k = dims.size(); k-- > 0;) {
    args.in_stride[in_order[k]] = extent_in;
    extent_in *= dims[in_order[k]];
    args.out_stride[out_order[k]] = extent_out;
    extent_out *= dims[out_order[k]] + (k == dims.size() - 1 ? stretch - 1 : 0);  // a padded pitch
    n *= dims[k];
  }
  Guarded<T> in(extent_in), out(extent_out, 9), split(extent_out, 9), expected(extent_out, 9);
  for (int64_t i = 0; i < extent_in; ++i) in[i] = static_cast<T>(source.below(200));
  for (int64_t i = 0; i < n; ++i) {
    int64_t position = i, from = 0, to = 0;
    for (int d = args.rank - 1; d >= 0; --d) {
      from += position % dims[d] * args.in_stride[d];
      to += position % dims[d] * args.out_stride[d];
      position /= dims[d];
    }
    expected[to] = in[from];
  }
  args.in = reinterpret_cast<const uint8_t*>(in.data());
  args.out = reinterpret_cast<uint8_t*>(out.data());
  run(table.copy_tasks, table.copy, args);
  args.out = reinterpret_cast<uint8_t*>(split.data());
  run(table.copy_tasks, table.copy, args, 6);
  const size_t bytes = static_cast<size_t>(extent_out) * sizeof(T);
  const bool right = std::memcmp(out.data(), expected.data(), bytes) == 0 && std::memcmp(split.data(), expected.data(), bytes) == 0;
  CHECK_TEXT(right && out.intact() && split.intact(),
             text(table, "copy elements, bytes, rank, stretch", {n, sizeof(T), args.rank, stretch}));
}

}  // namespace

LW_TEST(copies_of_every_permutation) {
  Source source(3);
  const std::vector<std::vector<int64_t>> shapes = {
      {1},     {100},     {0, 5},      {5, 0},      {1, 1, 1},    {7, 9},         {16, 16},           {64, 48},   {65, 131}, {300, 200},
      {40000}, {2, 3, 4}, {4, 17, 33}, {33, 4, 17}, {2, 3, 4, 5}, {3, 1, 20, 18}, {2, 3, 2, 3, 2, 3}, {1, 20000}, {20000, 2}};
  for_each_table([&](const KernelTable& table) {
    for (const std::vector<int64_t>& dims : shapes) {
      for (int repeat = 0; repeat < 10; ++repeat) {
        std::vector<int> in_order(dims.size()), out_order(dims.size());
        for (size_t d = 0; d < dims.size(); ++d) in_order[d] = out_order[d] = static_cast<int>(d);
        for (size_t d = dims.size(); d-- > 1;) {
          if (repeat > 0) std::swap(in_order[d], in_order[source.below(static_cast<int64_t>(d) + 1)]);
          if (repeat > 5) std::swap(out_order[d], out_order[source.below(static_cast<int64_t>(d) + 1)]);
        }
        const int64_t stretch = repeat % 4 == 3 ? 2 : 1;
        check_copy<float>(table, source, dims, in_order, out_order, stretch);
        check_copy<uint8_t>(table, source, dims, in_order, out_order, stretch);
      }
    }
  });
}

LW_TEST(copy_broadcasts) {
  Source source(4);
  for_each_table([&](const KernelTable& table) {
    const Guarded<float> in = source.floats(50);
    Guarded<float> out(70 * 50), down(50 * 70);
    run(table.copy_tasks, table.copy,
        CopyArgs{2, 4, {70, 50}, reinterpret_cast<const uint8_t*>(in.data()), {0, 1}, reinterpret_cast<uint8_t*>(out.data()), {50, 1}});
    run(table.copy_tasks, table.copy,
        CopyArgs{2, 4, {50, 70}, reinterpret_cast<const uint8_t*>(in.data()), {1, 0}, reinterpret_cast<uint8_t*>(down.data()), {70, 1}});
    bool right = out.intact() && down.intact();
    for (int64_t i = 0; i < 3500; ++i) right = right && out[i] == in[i % 50] && down[i] == in[i / 70];
    CHECK_TEXT(right, table.isa);
  });
}

LW_TEST(fill_every_size) {
  for_each_table([](const KernelTable& table) {
    for (int64_t n : kSizes) {
      for (int64_t count : {n, n * 9}) {
        Guarded<float> out(count);
        run(table.fill_tasks, table.fill, FillArgs{count, -1.5f, out.data()}, n % 2 ? 8 : 0);
        CHECK_TEXT(std::all_of(out.data(), out.data() + count, [](float x) { return x == -1.5f; }) && out.intact(),
                   text(table, "fill", {count}));
      }
    }
  });
}

namespace {

// Philox4x32-10, scalar, from the paper.
void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
                              static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    std::copy(next, next + 4, c);
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  std::copy(c, c + 4, out);
}

}  // namespace

LW_TEST(philox_matches_the_published_vectors) {
  // kat_vectors of Random123: counter, key, result.
  const uint32_t known[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
  };
  for (const auto& v : known) {
    uint32_t out[4];
    philox(v, v + 4, out);
    CHECK(std::equal(out, out + 4, v + 6));
  }
  // The kernel counts blocks from 0, so it meets the first vector as it stands.
  for_each_table([&](const KernelTable& table) {
    float bits[4];
    run(table.random_tasks, table.random, RandomArgs{RandomKind::bits, 4, 0, 0, 0, bits});
    CHECK_TEXT(std::memcmp(bits, known[0] + 6, 16) == 0, table.isa);
  });
}

LW_TEST(random_elements_depend_on_their_position_alone) {
  const uint64_t seed = 0xa4093822299f31d0, step = 0x0370734413198a2e;
  const uint32_t stream = 0x85a308d3;
  for_each_table([&](const KernelTable& table) {
    for (int64_t n : {0, 1, 3, 4, 5, 31, 32, 63, 64, 65, 1000, 16384, 16385, 40001}) {
      Guarded<float> bits(n), uniform(n);
      run(table.random_tasks, table.random, RandomArgs{RandomKind::bits, n, seed, step, stream, bits.data()}, 5);
      run(table.random_tasks, table.random, RandomArgs{RandomKind::uniform, n, seed, step, stream, uniform.data()});
      bool right = bits.intact() && uniform.intact();
      for (int64_t i = 0; i < n; ++i) {
        const uint32_t counter[4] = {static_cast<uint32_t>(i / 4), stream, static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)};
        const uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
        uint32_t word[4];
        philox(counter, key, word);
        right = right && std::memcmp(&bits[i], &word[i % 4], 4) == 0 && uniform[i] == static_cast<float>(word[i % 4] >> 8) * 0x1p-24f;
      }
      CHECK_TEXT(right, text(table, "random", {n}));
    }
    Guarded<float> whole(40001), part(20001);
    run(table.random_tasks, table.random, RandomArgs{RandomKind::bits, 40001, seed, step, stream, whole.data()});
    run(table.random_tasks, table.random, RandomArgs{RandomKind::bits, 20001, seed, step, stream, part.data(), 5000});
    CHECK_TEXT(part.intact() && std::memcmp(part.data(), whole.data() + 20000, 20001 * 4) == 0, table.isa);
    // Past the largest int32.
    Guarded<float> many(1000), few(900);
    run(table.random_tasks, table.random, RandomArgs{RandomKind::bits, 1000, seed, step, stream, many.data(), (int64_t{1} << 31) - 26});
    run(table.random_tasks, table.random, RandomArgs{RandomKind::bits, 900, seed, step, stream, few.data(), (int64_t{1} << 31) - 1});
    CHECK_TEXT(few.intact() && std::memcmp(few.data(), many.data() + 100, 900 * 4) == 0, table.isa);
  });
}
