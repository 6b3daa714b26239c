// Reads the words of a stream one by one; whatever is not what it should be is an Error that says where.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <string>

#include "error.h"
#include "size.h"

namespace lanewise {

class StreamReader {
 public:
  StreamReader(const double* words, size_t count) : words_(words), end_(count), stream_end_(count) {}

  // Words are counted from here on, and belong to this instruction; −1: the header.
  void enter(int64_t instruction) {
    instruction_ = instruction;
    name_ = "";
    start_ = at_;
    end_ = stream_end_;
  }
  void set_name(const char* name) { name_ = name; }

  // The instruction is `count` words long, two of which (opcode and this count) have been read.
  void set_length(int64_t count) {
    if (count < 2 || static_cast<uint64_t>(count) > stream_end_ - start_)
      fail(at_ - 1, "a word count from 2 to " + text(static_cast<int64_t>(stream_end_ - start_)), text(count));
    end_ = start_ + static_cast<size_t>(count);
  }

  int64_t integer(const char* what, int64_t low, int64_t high) {
    const double value = number(what);
    // The comparison is false for NaN, too.
    if (!(value >= static_cast<double>(low) && value <= static_cast<double>(high)) ||
        value != static_cast<double>(static_cast<int64_t>(value))) {
      fail(at_ - 1, std::string(what) + " an integer from " + text(low) + " to " + text(high), text(value));
    }
    return static_cast<int64_t>(value);
  }

  int64_t size(const char* what) { return integer(what, 0, kMaxSize); }
  bool flag(const char* what) { return integer(what, 0, 1) != 0; }
  uint32_t word32(const char* what) { return static_cast<uint32_t>(integer(what, 0, UINT32_MAX)); }

  // Enumerations end with `count` or name their last value.
  template <class Enum>
  Enum choice(const char* what, Enum last) {
    return static_cast<Enum>(integer(what, 0, static_cast<int64_t>(last)));
  }

  float constant(const char* what) { return static_cast<float>(number(what)); }

  void finish() {
    if (at_ != end_) fail(at_, "the end of the instruction", text(static_cast<int64_t>(end_ - at_)) + " more words");
  }
  bool at_end() const { return at_ == stream_end_; }

  // The word read next, counted from the instruction's first.
  size_t position() const { return at_ - start_; }

  [[noreturn]] void fail_at(size_t position, const std::string& expected, const std::string& got) const {
    fail(start_ + position, expected, got);
  }

 private:
  double number(const char* what) {
    if (at_ >= end_) fail(at_, what, end_ == stream_end_ ? "the end of the stream" : "the end of the instruction");
    return words_[at_++];
  }

  [[noreturn]] void fail(size_t at, const std::string& expected, const std::string& got) const {
    const size_t word = at - start_;
    std::string where = instruction_ < 0 ? "header" : "instruction " + text(instruction_);
    if (*name_) where += std::string(" (") + name_ + ")";
    throw Error("ERR_LANEWISE_STREAM",
                "instruction stream: " + where + ", word " + text(static_cast<int64_t>(word)) + ": expected " + expected + ", got " + got,
                {{"instruction", static_cast<double>(instruction_)}, {"word", static_cast<double>(word)}});
  }

  const double* words_;
  size_t at_ = 0, start_ = 0, end_;
  const size_t stream_end_;
  int64_t instruction_ = -1;
  const char* name_ = "";
};

}  // namespace lanewise
