// The line protocol of every driver, on stdin and stdout, so that run.ts can interleave drivers case by case:
//   prepare CASE      sets one case up, runs it once and checks the result → `ok NUMBERS` or `unsupported WHY` or `error WHY`
//   time MILLISECONDS repeats the prepared case for about so long           → `ok MEDIAN MINIMUM` seconds of one repetition
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace bench {

inline double now() {
  using clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(clock::now().time_since_epoch()).count();
}

inline int threads() {
  const char* text = std::getenv("BENCH_THREADS");
  return text != nullptr ? std::atoi(text) : 1;
}

// `prepare` answers the request and sets `run` to what is to be timed.
using Prepare = std::function<std::string(std::istream& request, std::function<void()>& run)>;

inline std::string time_slice(const std::function<void()>& run, double seconds) {
  // A millisecond to wake threads and fill caches; then samples of at least 20 µs, so that reading the clock costs nothing.
  constexpr double kWarmUp = 1e-3, kSample = 20e-6;
  double start = now();
  int warm = 0;
  do {
    run();
    ++warm;
  } while (now() - start < kWarmUp);
  const int repetitions = static_cast<int>(std::clamp(kSample * warm / (now() - start), 1.0, 1e6));
  std::vector<double> samples;
  const double end = now() + seconds;
  do {
    start = now();
    for (int i = 0; i < repetitions; ++i) run();
    samples.push_back((now() - start) / repetitions);
  } while (now() < end);
  std::sort(samples.begin(), samples.end());
  char text[80];
  std::snprintf(text, sizeof text, "ok %.9g %.9g", samples[samples.size() / 2], samples.front());
  return text;
}

inline int serve(const Prepare& prepare) {
  std::function<void()> run;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream request(line);
    std::string command, answer = "error unknown command";
    request >> command;
    if (command == "prepare") {
      run = nullptr;
      answer = prepare(request, run);
    } else if (command == "time") {
      double milliseconds = 0;
      request >> milliseconds;
      answer = run ? time_slice(run, milliseconds / 1e3) : "error nothing is prepared";
    }
    std::cout << answer << std::endl;
  }
  return 0;
}

}  // namespace bench
