#include <string.h>

#include "../runtime/memory.h"
#include "exports.h"
#include "handles.h"

namespace lanewise {

namespace {

using MemoryHandle = js::Handle<Memory>;

napi_value create_memory(Environment& environment, js::Size bytes) { return js::make_handle(environment.env, Memory::allocate(bytes)); }

napi_value share_memory(Environment& environment, js::Numbers view) {
  const napi_env env = environment.env;
  if (!js::is_shared(env, view.buffer))
    throw js::TypeProblem{"shareMemory: expected a view on a SharedArrayBuffer, got one on an ArrayBuffer"};
  // The last owner lets go on this thread: runs in flight are given back to it.
  napi_ref reference = nullptr;
  js::require(env, napi_create_reference(env, view.value, 1, &reference));
  return js::make_handle(env, Memory::borrow(view.data, view.bytes(), [=] { napi_delete_reference(env, reference); }));
}

uint8_t* block(const char* function, Memory& memory, int64_t offset, int64_t bytes) {
  if (offset > memory.bytes() - bytes) {
    throw Error("ERR_LANEWISE_MEMORY", std::string(function) + ": expected bytes within the " + text(memory.bytes()) +
                                           " of the memory, got " + text(bytes) + " from " + text(offset));
  }
  return memory.data() + offset;
}

void write_memory(Environment&, MemoryHandle memory, js::Size offset, js::Numbers source) {
  uint8_t* target = block("writeMemory", *memory, offset, source.bytes());
  if (source.length == 0) return;
  memory->lock().lock();
  memmove(target, source.data, static_cast<size_t>(source.bytes()));
  memory->lock().unlock();
}

void read_memory(Environment&, MemoryHandle memory, js::Size offset, js::Numbers target) {
  const uint8_t* source = block("readMemory", *memory, offset, target.bytes());
  if (target.length == 0) return;
  memory->lock().join_shared();
  memmove(target.data, source, static_cast<size_t>(target.bytes()));
  memory->lock().unlock_shared();
}

constexpr js::Function kFunctions[] = {
    js::function<create_memory>("createMemory", "bytes"),
    js::function<share_memory>("shareMemory", "view"),
    js::function<write_memory>("writeMemory", "memory byteOffset source"),
    js::function<read_memory>("readMemory", "memory byteOffset target"),
};

}  // namespace

std::span<const js::Function> memory_functions() { return kFunctions; }

}  // namespace lanewise
