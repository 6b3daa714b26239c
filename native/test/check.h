// The native test harness: LW_TEST(name) { CHECK(...); } registers a case, main runs them all and prints `N passed, M failed`.
// Include it in one translation unit per executable; further units define LW_TEST_NO_MAIN first.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace lanewise::test {

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> list;
  return list;
}

struct Totals {
  long passed = 0, failed = 0;
};

inline Totals& totals() {
  static Totals counts;
  return counts;
}

constexpr long kMaxPrintedFailures = 50;

inline bool check(bool ok, const char* file, int line, const std::string& what) {
  if (ok) {
    ++totals().passed;
  } else if (++totals().failed <= kMaxPrintedFailures) {
    std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what.c_str());
  }
  return ok;
}

// The larger of two errors. Of a result that is not a number the error is not, either, and counts as infinite: std::max would drop it.
inline double larger_error(double worst, double error) { return worst >= error ? worst : std::isnan(error) ? HUGE_VAL : error; }

struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

}  // namespace lanewise::test

#define CHECK(condition) ::lanewise::test::check((condition), __FILE__, __LINE__, #condition)
// `text` (anything a std::string is made from) says which of many cases failed; it is built only on failure.
#define CHECK_TEXT(condition, text)                                    \
  ((condition) ? ::lanewise::test::check(true, __FILE__, __LINE__, {}) \
               : ::lanewise::test::check(false, __FILE__, __LINE__, std::string(#condition " ") + (text)))

#define LW_TEST(name)                                                          \
  static void test_##name();                                                   \
  static const ::lanewise::test::Register register_##name(#name, test_##name); \
  static void test_##name()

#ifndef LW_TEST_NO_MAIN
// Arguments: substrings of case names; none runs all.
int main(int argc, char** argv) {
  using namespace lanewise::test;
  for (const Case& test : cases()) {
    bool chosen = argc < 2;
    for (int i = 1; i < argc; ++i) chosen = chosen || std::strstr(test.name, argv[i]) != nullptr;
    if (!chosen) continue;
    const long failed = totals().failed;
    test.run();
    if (totals().failed != failed) std::fprintf(stderr, "in case %s\n", test.name);
  }
  std::printf("%ld passed, %ld failed\n", totals().passed, totals().failed);
  return totals().failed == 0 ? 0 : 1;
}
#endif
