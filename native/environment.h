// What belongs to one JavaScript environment (the main thread or one worker): there is no state beside it.
#pragma once
#include <node_api.h>

#include <memory>

#include "runtime/memory.h"

namespace lanewise {

class AsyncRuns;

struct Environment {
  explicit Environment(napi_env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  const napi_env env;
  // For kernels on this JavaScript thread; allocated at the first.
  void* scratch();
  // Runs in flight; created at the first.
  const std::shared_ptr<AsyncRuns>& runs();

 private:
  void* scratch_ = nullptr;
  std::shared_ptr<AsyncRuns> runs_;
};

}  // namespace lanewise
