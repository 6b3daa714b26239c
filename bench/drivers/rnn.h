// Cases of one recurrent layer over a whole sequence, forward and backward: `CELL T N I H`. Inputs and expected results are those of
// rnn_reference.cc, which BENCH_REFERENCE names; all results of the first run are checked.
#pragma once
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>

#include "protocol.h"

namespace bench {

// A row-major array and, where it is a result, how far from it another may be.
struct Array {
  std::vector<int64_t> shape;
  std::vector<float> values;
  double bound = 0;
};

struct Recurrent {
  std::string cell;
  int64_t t, n, i, h;
  std::map<std::string, Array> inputs, results;

  int64_t gates() const { return cell == "rnn" ? 1 : cell == "lstm" ? 4 : 3; }
};

inline std::string reference_file(const std::string& arguments) {
  const char* program = std::getenv("BENCH_REFERENCE");
  if (program == nullptr) throw std::runtime_error("BENCH_REFERENCE is not set");
  FILE* const output = popen((program + (' ' + arguments)).c_str(), "r");
  if (output == nullptr) throw std::runtime_error("no process for the reference");
  char path[4096] = "";
  const bool read = std::fscanf(output, "%4095s", path) == 1;
  if (pclose(output) != 0 || !read) throw std::runtime_error("the reference failed");
  return path;
}

inline Recurrent read_case(const std::string& arguments) {
  Recurrent layer;
  std::istringstream(arguments) >> layer.cell >> layer.t >> layer.n >> layer.i >> layer.h;
  std::ifstream file(reference_file(arguments), std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    std::istringstream head(line);
    std::string kind, name;
    Array array;
    head >> kind >> name;
    if (kind == "result") head >> array.bound;
    int64_t elements = 1;
    for (int64_t size; head >> size; elements *= size) array.shape.push_back(size);
    array.values.resize(static_cast<size_t>(elements));
    file.read(reinterpret_cast<char*>(array.values.data()), elements * static_cast<int64_t>(sizeof(float)));
    (kind == "result" ? layer.results : layer.inputs)[name] = std::move(array);
  }
  return layer;
}

// The largest error in units of the bound: a right result stays below 1.
inline double error_of(const Array& want, const float* got) {
  double worst = 0;
  for (size_t e = 0; e < want.values.size(); ++e) {
    const double error = std::abs(double{got[e]} - want.values[e]);
    worst = std::isnan(error) ? INFINITY : std::max(worst, error / want.bound);
  }
  return worst;
}

struct RecurrentPlan {
  std::function<void()> run;
  // The results by name, in the reference's layout; called once, after the first run.
  std::function<std::map<std::string, std::vector<float>>()> results;
};

// `plan` turns a case into the function that computes it; it may throw if it cannot.
inline int serve_recurrent(const std::function<RecurrentPlan(const Recurrent&)>& plan) {
  return serve([&](std::istream& request, std::function<void()>& run) -> std::string {
    std::string arguments;
    std::getline(request >> std::ws, arguments);
    try {
      const Recurrent layer = read_case(arguments);
      const RecurrentPlan planned = plan(layer);
      planned.run();
      const auto got = planned.results();
      double worst = 0;
      for (const auto& [name, want] : layer.results) {
        const double error = error_of(want, got.at(name).data());
        if (error > 1) return "error wrong result: " + name + " is " + std::to_string(error) + " times the error bound off";
        worst = std::max(worst, error);
      }
      run = planned.run;
      return "ok " + std::to_string(worst);
    } catch (const std::exception& failure) {
      return std::string("unsupported ") + failure.what();
    }
  });
}

}  // namespace bench
