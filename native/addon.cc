// The module's entry: an environment of its own per JavaScript thread, and the functions of exports/.
#include <node_api.h>

#include "exports/exports.h"

namespace {

using lanewise::Environment;
namespace js = lanewise::js;

void define(napi_env env, napi_value exports, std::span<const js::Function> functions) {
  for (const js::Function& function : functions) {
    napi_value value = nullptr;
    js::require(
        env, napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.callback, const_cast<js::Function*>(&function), &value));
    js::set(env, exports, function.name, value);
  }
}

void own_environment(napi_env env) {
  auto environment = std::make_unique<Environment>(env);
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
  js::require(env, napi_set_instance_data(env, environment.get(), finalize, nullptr));
  environment.release();
}

}  // namespace

NAPI_MODULE_INIT() {
  try {
    own_environment(env);
    define(env, exports, lanewise::info_functions());
    define(env, exports, lanewise::memory_functions());
    define(env, exports, lanewise::program_functions());
    define(env, exports, lanewise::kernel_functions());
  } catch (...) {
    js::throw_current(env);
  }
  return exports;
}
