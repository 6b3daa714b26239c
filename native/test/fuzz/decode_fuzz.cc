// Fuzzes the decoder of instruction streams, and runs what it accepts. Built by scripts/fuzz/native.sh with libFuzzer.
//
// A word of a stream is a float64, of which a mutated byte makes nonsense; so an input is a list of int32, each one word, and the
// largest of them stand for the values that no int32 has.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "decode_fuzz.h"
#include "runtime/error.h"
#include "runtime/threads.h"

using namespace lanewise;
using namespace lanewise::test;

namespace {

constexpr double kSpecial[] = {NAN,
                               INFINITY,
                               -INFINITY,
                               -0.0,
                               5e-324,
                               0.5,
                               1e300,
                               2147483648.0,
                               4294967295,
                               4294967296,
                               9007199254740991.0,
                               9007199254740992.0,
                               1 / 3.0,
                               -1e300,
                               1818324581.0,
                               1152921504606846976.0};
constexpr int32_t kFirstSpecial = INT32_MAX - 15;

// So little that most of the time goes into new inputs.
constexpr Limits kLimits{.operations = 2e4, .bytes = 16 << 10};

Words words_of(const uint8_t* data, size_t size) {
  Words words(size / 4);
  for (size_t i = 0; i < words.size(); ++i) {
    int32_t value;
    memcpy(&value, data + 4 * i, 4);
    words[i] = value >= kFirstSpecial ? kSpecial[value - kFirstSpecial] : value;
  }
  return words;
}

std::vector<uint8_t> bytes_of(const Words& words) {
  std::vector<uint8_t> bytes(4 * words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    int32_t value = kFirstSpecial + 5;  // all other fractions
    if (words[i] == trunc(words[i]) && fabs(words[i]) < kFirstSpecial) value = static_cast<int32_t>(words[i]);
    memcpy(bytes.data() + 4 * i, &value, 4);
  }
  return bytes;
}

}  // namespace

// `decode_fuzz --seeds DIRECTORY` writes the valid streams that fuzzing starts from.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  ThreadPool::instance().set_threads(1);
  if (*count != 3 || strcmp((*arguments)[1], "--seeds") != 0) return 0;
  int number = 0;
  for (const Words& words : valid_streams()) {
    const std::string path = std::string((*arguments)[2]) + "/valid-" + std::to_string(number++);
    FILE* file = fopen(path.c_str(), "wb");
    if (!file) exit(1);
    const std::vector<uint8_t> bytes = bytes_of(words);
    fwrite(bytes.data(), 1, bytes.size(), file);
    fclose(file);
  }
  exit(0);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Words words = words_of(data, size);
  Random random(size);
  try {
    try_run(decode_exact(words), random, kLimits);
  } catch (const Error&) {
    // Refused: what a malformed stream deserves.
  }
  return 0;
}
