#include "environment.h"

#include "async_runs.h"
#include "kernels/args.h"
#include "runtime/error.h"

namespace lanewise {

Environment::Environment(napi_env env) : env(env) {}

Environment::~Environment() { free_zeroed(scratch_, kScratchBytes); }

void* Environment::scratch() {
  if (!scratch_) scratch_ = allocate_zeroed(kScratchBytes);
  if (!scratch_)
    throw Error("ERR_LANEWISE_MEMORY", "memory: this machine cannot provide " + text(static_cast<int64_t>(kScratchBytes)) + " bytes");
  return scratch_;
}

const std::shared_ptr<AsyncRuns>& Environment::runs() {
  if (!runs_) runs_ = AsyncRuns::create(env);
  return runs_;
}

}  // namespace lanewise
