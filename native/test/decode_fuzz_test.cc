// Malformed instruction streams: every mutation of valid ones is either refused with an Error or is a program that stays within
// its memories. Deterministic. LANEWISE_FUZZ is the number of mutations (100,000 unless told), LANEWISE_FUZZ_SEED where to start.
// What decodes and is small enough is run, on blocks of exactly the declared size: that is for the address sanitizer.
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "decode_fuzz.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr Limits kLimits{.operations = 2e5, .bytes = 1 << 20};

double interesting(Random& random) {
  static const double values[] = {0,
                                  1,
                                  2,
                                  3,
                                  4,
                                  5,
                                  6,
                                  7,
                                  8,
                                  12,
                                  16,
                                  64,
                                  -1,
                                  -2,
                                  0.5,
                                  1e300,
                                  4095,
                                  4096,
                                  256,
                                  1024,
                                  65535,
                                  65536,
                                  1 << 20,
                                  2147483647,
                                  2147483648,
                                  4294967295,
                                  -2147483648.0,
                                  4294967296,
                                  9007199254740991,
                                  9007199254740992,
                                  9007199254740994,
                                  1152921504606846976.0,
                                  NAN,
                                  INFINITY,
                                  -INFINITY,
                                  -0.0,
                                  5e-324};
  return values[random.below(sizeof values / sizeof *values)];
}

void mutate(Words& words, Random& random) {
  if (words.empty()) return;
  const size_t at = random.below(words.size());
  switch (random.below(10)) {
    case 0: words.resize(at); break;
    case 1: words.insert(words.begin() + static_cast<std::ptrdiff_t>(at), interesting(random)); break;
    case 2: words.erase(words.begin() + static_cast<std::ptrdiff_t>(at)); break;
    case 3: std::swap(words[at], words[random.below(words.size())]); break;
    case 4:
    case 5: words[at] += static_cast<double>(random.below(9)) - 4; break;
    case 6: words[at] *= static_cast<double>(int64_t{1} << random.below(40)); break;
    case 7: words[at] = static_cast<double>(random.below(64)); break;
    default: words[at] = interesting(random);
  }
}

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* value = getenv(name);
  return value ? strtoull(value, nullptr, 10) : otherwise;
}

std::string refusal(const Words& words) {
  return message_of([&] { decode(words); });
}

}  // namespace

LW_TEST(valid_streams_decode_and_run) {
  Random random(1);
  for (const Words& words : valid_streams()) {
    const std::string problem = refusal(words);
    if (CHECK_TEXT(problem.empty(), problem)) CHECK(try_run(decode(words), random, kLimits));
  }
}

LW_TEST(mutated_streams_never_crash) {
  const uint64_t count = from_environment("LANEWISE_FUZZ", 100000), seed = from_environment("LANEWISE_FUZZ_SEED", 1);
  const std::vector<Words> valid = valid_streams();
  uint64_t refused = 0, decoded = 0, ran = 0, unexpected = 0;
  for (uint64_t i = 0; i < count; ++i) {
    Random random(seed * 1000003 + i);
    Words words = valid[random.below(valid.size())];
    for (size_t m = 1 + random.below(3); m > 0; --m) mutate(words, random);
    try {
      const auto program = decode_exact(words);
      ++decoded;
      ran += try_run(program, random, kLimits);
    } catch (const Error&) {
      ++refused;
    } catch (...) {
      ++unexpected;
    }
  }
  printf("%llu mutations: %llu refused, %llu decoded, %llu run\n", static_cast<unsigned long long>(count),
         static_cast<unsigned long long>(refused), static_cast<unsigned long long>(decoded), static_cast<unsigned long long>(ran));
  CHECK(unexpected == 0);
  CHECK(refused > count / 4);
  CHECK(ran > count / 20);
}

// Where the image has no rows nothing bounds its other sizes. For the undefined-behaviour sanitizer.
LW_TEST(pixels_outside_have_no_address) {
  constexpr double kMost = INT32_MAX;
  const At at{0, 0}, in{1, 0};
  const Words programs[] = {
      with_operands(13, {at, in, in, {-1, 0}}, {1, 0, kMost, 20, 8, 8, 40, 3, 3, kMost, kMost, kMost, kMost, kMost, kMost, 1, 0}),
      with_operands(13, {at, in, in, {-1, 0}}, {1, 0, kMost, 20, 8, 8, 20, 3, 3, kMost, kMost, kMost, kMost, kMost, kMost, 20, 0}),
      with_operands(15, {at, in, in}, {1, 0, kMost, 20, 8, 8, 20, 3, 3, kMost, kMost, kMost, kMost, kMost, kMost, 20, 1}),
      with_operands(26, {at, in, in, {-1, 0}}, {1, 0, kMost, 128, 4, 4, 4, kMost, 0, 0}),
      with_operands(27, {at, in, in}, {1, 0, kMost, 128, 4, 4, 4, kMost, 0, 1}),
  };
  Random random(1);
  for (const Words& words : programs)
    for (const KernelTable* table : available_tables()) {
      const Words whole = stream({{1 << 17}, {1 << 17}}, {words}, 1);
      CHECK(try_run(lanewise::decode(whole.data(), whole.size(), *table), random, {.operations = 1e9, .bytes = 1 << 17}));
    }
}

LW_TEST(refusals_say_where) {
  const Words good = stream({{64}, {64}}, {gemm({0, 0}, {1, 0}, {1, 16}, 2, 2, 2), map({0, 16}, {{0, 0}}, 4, {}, {{MapOp::neg, 0}})}, 2);
  CHECK(refusal(good).empty());
  const size_t first = 5 + 2 * 3;
  const auto with = [&](size_t at, double value) {
    Words words = good;
    words[at] = value;
    return refusal(words);
  };
  CHECK(with(0, 0) == "instruction stream: header, word 0: expected magic an integer from 1818324581 to 1818324581, got 0");
  CHECK(with(4, 3) == "instruction stream: header, word 4: expected commit an integer from 0 to 2, got 3");
  CHECK(with(first, 37) == "instruction stream: instruction 0, word 0: expected opcode an integer from 1 to 36, got 37");
  CHECK(with(first + 1, 1e6) == "instruction stream: instruction 0, word 1: expected a word count from 2 to 47, got 1000000");
  CHECK(with(first + 2, 1) == "instruction stream: instruction 0 (gemm), word 2: expected c in a writable memory, got read-only memory 1");
  CHECK(with(first + 3, 2) ==
        "instruction stream: instruction 0 (gemm), word 2: expected c at a multiple of 4 bytes in every step, got offset 2, stride 0");
  CHECK(with(first + 3, 52) ==
        "instruction stream: instruction 0 (gemm), word 2: expected c within the 64 bytes of memory 0, got bytes 52 to 68");
  CHECK(with(first + 10, NAN) ==
        "instruction stream: instruction 0 (gemm), word 10: expected m an integer from 0 to 9007199254740992, got NaN");
  Words endless = gemm({0, 0}, {1, 0}, {1, 0}, 1, 1, 0x1p31);
  endless[15] = endless[17] = 0;  // aCol, bRow: one element again and again
  CHECK(refusal(stream({{64}, {64}}, {endless}, 1)) ==
        "instruction stream: instruction 0 (gemm), word 12: expected k an integer from 0 to 2147483647, got 2147483648");
  const Words overlapping = stream({{64}}, {map({0, 4}, {{0, 0}}, 4, {}, {{MapOp::neg, 0}})}, 1);
  CHECK(refusal(overlapping) ==
        "instruction stream: instruction 0 (map), word 16: expected output apart from input, got bytes that overlap");
  const Words in_place = stream({{64}}, {map({0, 0}, {{0, 0}}, 4, {}, {{MapOp::neg, 0}})}, 1);
  CHECK(refusal(in_place).empty());
  const Words unwritten = stream({{64}}, {map({0, 16}, {{0, 0}}, 4, {}, {{MapOp::add, 0, 1}})}, 1);
  CHECK(refusal(unwritten) ==
        "instruction stream: instruction 0 (map), word 13: expected a register already written, an integer from 0 to 0, got 1");
  const Words in_place_product = stream({{64}}, {gemm({0, 0}, {0, 0}, {0, 16}, 2, 2, 2)}, 1);
  CHECK(refusal(in_place_product) == "instruction stream: instruction 0 (gemm), word 2: expected c apart from a, got bytes that overlap");
  // In place is the whole block or nothing.
  const auto states_at = [](double states) {
    return refusal(
        stream({{4096}, {1024}}, {{29, 0, 2, 2, 1, 3, 0, 0, 0, 0, states, 0, 0, 1, 256, 1, 0, -1, 0, 0, 1024, 1, 0, 0, 512}}, 1));
  };
  CHECK(states_at(1536).empty());
  CHECK(states_at(0) ==
        "instruction stream: instruction 0 (recurrent_forward), word 9: expected states apart from g, got bytes that overlap");
  const auto conv = [](double stride, double groups) {
    return refusal(stream({{4096}, {1024}},
                          {with_operands(14, {{0, 0}, {1, 0}, {1, 256}}, {1, 4, 4, 2, 2, 2, 4, 3, 3, stride, 2, 1, 1, 1, 1, groups})}, 1));
  };
  CHECK(conv(2, 2).empty());
  CHECK(conv(0, 2) ==
        "instruction stream: instruction 0 (conv_backward_data), word 17: expected strideH an integer from 1 to 2147483647, got 0");
  CHECK(conv(2, 3) == "instruction stream: instruction 0 (conv_backward_data), word 23: expected groups that divide c 2 and oc 4, got 3");
  const auto pool = [](double opcode, std::vector<At> operands, double kw) {
    return refusal(stream({{4096}, {1024}}, {with_operands(opcode, operands, {1, 3, 3, 1, 3, 3, 5, kw, 1, 1, 2, 1})}, 1));
  };
  const std::vector<At> forward = {{0, 0}, {-1, 0}, {1, 0}}, backward = {{0, 0}, {1, 0}, {1, 64}};
  CHECK(pool(18, forward, 429496729).empty() && pool(19, backward, 429496729).empty());
  CHECK(pool(18, forward, 429496730) ==
        "instruction stream: instruction 0 (max_pool), word 15: expected kh · kw of at most 2147483647, got 2147483650");
  CHECK(pool(19, backward, 429496730).find("word 15: expected kh · kw of at most 2147483647") != std::string::npos);
  const auto tiles = [](double pad_top) {
    return refusal(
        stream({{4096}, {2048}}, {with_operands(26, {{0, 0}, {1, 0}, {1, 256}, {-1, 0}}, {1, 4, 4, 1, 4, 4, 1, pad_top, 1, 0})}, 1));
  };
  CHECK(tiles(1).empty());
  CHECK(tiles(2147483648) ==
        "instruction stream: instruction 0 (winograd_conv), word 17: expected padTop an integer from 0 to 2147483647, got 2147483648");
  const Words of_ids = stream({{4096}, {1024}}, {{24, 0, 0, 256, 1, 0, 1, 1, 512, 1, 4, 4, 2, 3, 3, 0}}, 1);
  CHECK(refusal(of_ids) == "instruction stream: instruction 0 (affine_sample), word 6: expected dtype float32 or uint8, got int32");
  const Words before_by_units = stream({{4096}, {1024}}, {{29, 0, 4, 2, 1, 3, 0, 1, 1, 0, 0, 1, 256, 1, 0, 1, 0, -1, 0, 0, 64, 0, 192}}, 1);
  CHECK(refusal(before_by_units) ==
        "instruction stream: instruction 0 (recurrent_forward), word 8: expected split an integer from 0 to 0, got 1");
  Words longer = good;
  longer.push_back(0);
  CHECK(refusal(longer).find("expected the end of the stream after 2 instructions, got more words") != std::string::npos);
}
