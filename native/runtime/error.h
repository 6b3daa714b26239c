// What the runtime throws: a message, a code for programs, and numbers that say where.
#pragma once
#include <stdint.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace lanewise {

class Error : public std::exception {
 public:
  using Details = std::vector<std::pair<const char*, double>>;

  Error(const char* code, std::string message, Details details = {})
      : code_(code), message_(std::move(message)), details_(std::move(details)) {}

  const char* what() const noexcept override { return message_.c_str(); }
  const char* code() const { return code_; }
  const Details& details() const { return details_; }

 private:
  const char* code_;
  std::string message_;
  Details details_;
};

// A number as JavaScript writes it: integers without a point, others with the fewest digits that tell them apart.
std::string text(double value);
inline std::string text(int64_t value) { return std::to_string(value); }

}  // namespace lanewise
