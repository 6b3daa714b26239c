// The two kinds of native objects JavaScript holds.
#pragma once
#include "../bind.h"
#include "../runtime/program.h"

namespace lanewise::js {

template <>
struct HandleType<Memory> {
  static constexpr napi_type_tag kTag = {0x6c616e6577697365, 0x4d656d6f72790001};
  static constexpr const char* kName = "a memory handle";
  static int64_t bytes(const Memory& memory) { return memory.bytes(); }
};

template <>
struct HandleType<Program> {
  static constexpr napi_type_tag kTag = {0x6c616e6577697365, 0x50726f6772616d01};
  static constexpr const char* kName = "a program handle";
  static int64_t bytes(const Program& program) { return program.arena->bytes() + static_cast<int64_t>(program.args.size() * sizeof(Line)); }
};

}  // namespace lanewise::js
