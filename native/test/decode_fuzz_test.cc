// Malformed instruction streams: every mutation of valid ones is either refused with an Error or is a program that stays within
// its memories. Deterministic. LANEWISE_FUZZ is the number of mutations (100,000 unless told), LANEWISE_FUZZ_SEED where to start.
// What decodes and is small enough is run, on blocks of exactly the declared size: that is for the address sanitizer.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <limits>

#include "check.h"
#include "runtime/run.h"
#include "runtime/size.h"
#include "runtime/threads.h"
#include "stream_writer.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }

 private:
  uint64_t state_;
};

// Every opcode at least once, ranks 1 to 6, every dtype, a moving memory, both sides of the commit.
std::vector<Words> valid_streams() {
  const std::vector<Declared> memories = {{4096}, {1024}, {256, 64}, {1024, 0, true}, {64, 16, true}};
  const Words strided_map = {2, 0, 3, 2, 3,  4,  3, 1, 0, 0,  12, 4,  1,  1, 64, 1,   0, 0, 1, 2,    0, 2, 0, 1,    0, 1, 0.25,
                             3, 0, 0, 1, -1, 28, 3, 4, 2, 15, 5,  -1, -1, 3, 0,  512, 0, 6, 0, 1024, 1, 5, 0, 2048, 2, 4};
  const Words batched_gemm = {1, 0, 3, 0, 1, 0, 0, 256, 1, 512, 3, 5, 4, 2, 4, 1, 12, 1, 4, 0, 5, 15, 1, 1};
  const Words rank6_copy = {10, 0, 4, 6, 2, 1, 2, 2, 1, 3, 1, 0, 12, 12, 6, 3, 3, 1, 0, 0, 1, 1, 4, 2, 1, 8};
  const Words byte_copy = {10, 0, 1, 2, 4, 5, 2, 3, 5, 1, 0, 7, 1, 4};
  return {
      stream(memories,
             {gemm({0, 0}, {1, 0}, {1, 256}, 4, 5, 6), map({0, 512}, {{0, 0}}, 20, {1, 2}, {{MapOp::fma, 0, 1, 2}, {MapOp::tanh, 3}}),
              fill({3, 0}, 16, 0.5)},
             2),
      stream(memories, {strided_map, batched_gemm}, 1),
      stream(memories, {rank6_copy, byte_copy, transpose({3, 0}, {1, 0}, 3, 7)}, 3),
      stream(memories,
             {softmax(SoftmaxKind::softmax, {0, 0}, {0, 0}, 4, 8), softmax(SoftmaxKind::log_sum_exp, {0, 256}, {0, 0}, 4, 8),
              reduce(ReduceKind::mean, {0, 512}, {0, 0}, 2, 4, 4), arg_reduce({0, 768}, {0, 0}, 4, 8),
              random(RandomKind::uniform, {4, 0}, 16)},
             3),
      stream(memories,
             {cross_entropy({0, 0}, {1, 0}, {2, 0}, 4, 8), cross_entropy_backward({1 + 2, 0}, {1, 0}, {2, 0}, {0, 0}, 4, 8),
              gather_rows({0, 256}, {1, 0}, {2, 0}, 4, 16, 16), scatter_add_rows({0, 1024}, {1, 0}, {2, 0}, 4, 8, 8),
              random(RandomKind::bits, {3, 0}, 8)},
             4),
      // 1 image of 4×4×2 to 2×2×4 by 3×3 taps in 2 groups, its gradients, and pooling it with 3×3 windows.
      stream(memories,
             {with_operands(13, {{0, 0}, {1, 0}, {1, 128}, {1, 512}}, {1, 4, 4, 2, 2, 2, 4, 3, 3, 2, 2, 1, 1, 1, 1, 2, 1}),
              with_operands(14, {{0, 128}, {0, 0}, {1, 128}}, {1, 4, 4, 2, 2, 2, 4, 3, 3, 2, 2, 1, 1, 1, 1, 2}),
              with_operands(15, {{0, 256}, {1, 0}, {0, 0}}, {1, 4, 4, 2, 2, 2, 4, 3, 3, 2, 2, 1, 1, 1, 1, 2, 2})},
             3),
      stream(memories,
             {with_operands(16, {{0, 0}, {1, 0}}, {1, 4, 4, 2, 2, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 1}),
              with_operands(17, {{0, 512}, {1, 0}}, {1, 4, 4, 2, 2, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 1}),
              with_operands(18, {{0, 1024}, {0, 1280}, {1, 0}}, {1, 4, 4, 2, 2, 2, 3, 3, 2, 2, 1, 1, 1, 1}),
              with_operands(19, {{0, 0}, {0, 1024}, {0, 1280}}, {1, 4, 4, 2, 2, 2, 3, 3, 2, 2, 1, 1, 1, 1}),
              with_operands(20, {{0, 1536}, {1, 0}}, {1, 4, 4, 2, 2, 2, 3, 3, 2, 2, 1, 1, 1, 1, 1}),
              with_operands(21, {{0, 2048}, {0, 1536}}, {1, 4, 4, 2, 2, 2, 3, 3, 2, 2, 1, 1, 1, 1, 0})},
             6),
      stream(memories,
             {with_operands(22, {{0, 0}, {0, 64}, {1, 0}}, {2, 4, 8}),
              with_operands(23, {{0, 128}, {0, 192}, {1, 0}, {0, 0}, {1, 512}}, {2, 4, 8}),
              Words{24, 0, 0, 256, 1, 0, 0, 1, 512, 2, 4, 4, 2, 3, 3, 0.5}, Words{24, 0, 0, 1024, 1, 0, 2, 1, 512, 1, 8, 8, 3, 4, 4, 0}},
             4),
      // A 3×3 convolution of 2×2 pixels and 2 channels by transforms, and its gradient to the weights.
      stream(memories,
             {with_operands(25, {{0, 0}, {1, 0}}, {2, 2, 1}),
              with_operands(26, {{0, 256}, {1, 512}, {0, 0}, {1, 0}}, {1, 2, 2, 2, 2, 2, 2, 1, 1, 1}),
              with_operands(27, {{0, 512}, {1, 512}, {0, 256}}, {1, 2, 2, 2, 2, 2, 2, 1, 1, 2}),
              with_operands(28, {{0, 1024}, {0, 512}}, {2, 2, 2})},
             4),
      // 2 steps of lstm with lengths and of relu, forwards; of gru in reverse, with panels and a round a step; reset before the product.
      stream(memories,
             {Words{29, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 1, 0, 1, 128, 1, 256, 2, 0, 0, 64, 1, 272, 0, 128},
              Words{30, 0, 2, 2, 2, 2, 0, 0, 0, 0, 128, 0, 256, 1, 128, 0, 0, 1, 0, -1, 0, 2, 0, 0, 320, 0, 64, 1, 256, 0, 128},
              Words{29, 0, 1, 2, 2, 2, 0, 0, 0, 0, 0, 1, 0, 1, 128, 1, 256, -1, 0},
              Words{30, 0, 1, 2, 2, 2, 0, 0, 0, 0, 128, 0, 256, 1, 128, 0, 0, 1, 0, 1, 256, -1, 0}},
             4),
      stream(memories,
             {Words{31, 0, 0, 1024, 1, 0, 3, 3, 0},
              Words{29, 0, 3, 2, 1, 3, 1, 1, 1, 0, 0, 1, 256, 0, 1024, 1, 0, -1, 0, 0, 64, 0, 192, 1, 512},
              Words{31, 0, 0, 2048, 1, 0, 3, 3, 1},
              Words{30, 0, 3, 2, 1, 3, 1, 1, 1, 0, 256, 0, 384, 0, 2048, 0, 0, -1, 0, 1, 0, -1, 0, 0, 64, 0, 448, 0, 192},
              Words{29, 0, 4, 2, 1, 3, 0, 0, 0, 0, 0, 1, 256, 1, 0, 1, 0, -1, 0, 0, 64, 0, 192},
              Words{30, 0, 4, 2, 1, 3, 0, 0, 0, 0, 64, 0, 384, 1, 0, 0, 0, 1, 0, -1, 0, -1, 0, 0, 64, 0, 448, 0, 192}},
             6),
      stream(memories,
             {with_operands(32, {{0, 0}, {0, 128}, {1, 0}, {2, 0}}, {4, 8, 8}), with_operands(33, {{3, 0}, {0, 0}, {0, 128}}, {4, 8, 8})},
             1),
  };
}

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

// A zeroed block of exactly so many bytes, so that a sanitizer sees the first byte beyond.
std::shared_ptr<Memory> exact(int64_t bytes) {
  void* data = calloc(1, static_cast<size_t>(bytes));
  return Memory::borrow(data, bytes, [=] { free(data); });
}

constexpr int64_t kSteps = 2, kLargest = 1 << 20;

// Runs it if that takes little memory and time. Returns whether it did.
bool try_run(const std::shared_ptr<Program>& program, Random& random) {
  double cost = 0;
  for (const Instruction& instruction : program->instructions) cost += instruction.cost;
  if (!(cost < 2e5)) return false;
  Memories memories;
  for (const MemoryDeclaration& declared : program->memories) {
    const int64_t bytes = size_add(declared.bytes, declared.stride);
    if (bytes > kLargest) return false;
    memories.push_back(exact(bytes));
    // Small integers are valid ids, and denormal floats.
    for (int64_t i = 0; i < bytes / 4; ++i) memories.back()->data()[4 * i] = static_cast<uint8_t>(random.below(8));
  }
  program->arena = memories.front();
  memories.erase(memories.begin());
  static void* const scratch = allocate_zeroed(kScratchBytes);
  Run(program, memories, kSteps, 0).execute(scratch);
  Failure failure;
  Run(program, memories, kSteps, 0).debug(scratch, failure);
  return true;
}

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* value = getenv(name);
  return value ? strtoull(value, nullptr, 10) : otherwise;
}

// Streams decode from blocks of their exact size, too.
std::shared_ptr<Program> decode_exact(const Words& words) {
  const std::unique_ptr<double[]> copy(new double[words.size()]);
  std::copy(words.begin(), words.end(), copy.get());
  return lanewise::decode(copy.get(), words.size(), kernel_table());
}

std::string refusal(const Words& words) {
  return message_of([&] { decode(words); });
}

}  // namespace

LW_TEST(valid_streams_decode_and_run) {
  Random random(1);
  for (const Words& words : valid_streams()) {
    const std::string problem = refusal(words);
    if (CHECK_TEXT(problem.empty(), problem)) CHECK(try_run(decode(words), random));
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
      ran += try_run(program, random);
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
  CHECK(with(first, 34) == "instruction stream: instruction 0, word 0: expected opcode an integer from 1 to 33, got 34");
  CHECK(with(first + 1, 1e6) == "instruction stream: instruction 0, word 1: expected a word count from 2 to 44, got 1000000");
  CHECK(with(first + 2, 1) == "instruction stream: instruction 0 (gemm), word 2: expected c in a writable memory, got read-only memory 1");
  CHECK(with(first + 3, 2) ==
        "instruction stream: instruction 0 (gemm), word 2: expected c at a multiple of 4 bytes in every step, got offset 2, stride 0");
  CHECK(with(first + 3, 52) ==
        "instruction stream: instruction 0 (gemm), word 2: expected c within the 64 bytes of memory 0, got bytes 52 to 68");
  CHECK(with(first + 10, NAN) ==
        "instruction stream: instruction 0 (gemm), word 10: expected m an integer from 0 to 9007199254740992, got nan");
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
  const auto conv = [](double stride, double groups) {
    return refusal(stream({{4096}, {1024}},
                          {with_operands(14, {{0, 0}, {1, 0}, {1, 256}}, {1, 4, 4, 2, 2, 2, 4, 3, 3, stride, 2, 1, 1, 1, 1, groups})}, 1));
  };
  CHECK(conv(2, 2).empty());
  CHECK(conv(0, 2) ==
        "instruction stream: instruction 0 (conv_backward_data), word 17: expected strideH an integer from 1 to 2147483647, got 0");
  CHECK(conv(2, 3) == "instruction stream: instruction 0 (conv_backward_data), word 23: expected groups that divide c 2 and oc 4, got 3");
  const Words of_ids = stream({{4096}, {1024}}, {{24, 0, 0, 256, 1, 0, 1, 1, 512, 1, 4, 4, 2, 3, 3, 0}}, 1);
  CHECK(refusal(of_ids) == "instruction stream: instruction 0 (affine_sample), word 6: expected dtype float32 or uint8, got int32");
  const Words before_in_panels =
      stream({{4096}, {1024}}, {{29, 0, 4, 2, 1, 3, 0, 1, 0, 0, 0, 1, 256, 1, 0, 1, 0, -1, 0, 0, 64, 0, 192}}, 1);
  CHECK(refusal(before_in_panels) ==
        "instruction stream: instruction 0 (recurrent_forward), word 7: expected panels an integer from 0 to 0, got 1");
  Words longer = good;
  longer.push_back(0);
  CHECK(refusal(longer).find("expected the end of the stream after 2 instructions, got more words") != std::string::npos);
}
