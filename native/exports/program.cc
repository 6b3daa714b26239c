#include "../async_runs.h"
#include "../dispatch.h"
#include "../runtime/program.h"
#include "../runtime/run.h"
#include "exports.h"
#include "handles.h"

namespace lanewise {

namespace {

using ProgramHandle = js::Handle<Program>;

napi_value create_program(Environment& environment, js::Array<double> stream) {
  return js::make_handle(environment.env, decode(stream.data, static_cast<size_t>(stream.length), kernel_table()));
}

void run(Environment& environment, ProgramHandle program, Memories memories, js::Size steps, js::Size first_step, js::SharedWords control,
         js::Callback done) {
  if (control.length < 2) throw js::RangeProblem{"run: expected two words for control, got " + text(control.length)};
  auto run = std::make_unique<Run>(std::move(program), std::move(memories), steps, first_step);
  run->watch(control.data);
  environment.runs()->start(std::move(run), control.value, done.value);
}

double run_sync(Environment& environment, ProgramHandle program, Memories memories, js::Size steps, js::Size first_step) {
  Run run(std::move(program), std::move(memories), steps, first_step);
  run.join_readers();
  const RunResult result = run.execute(environment.scratch());
  if (result.failure) throw result.failure.error(run.program());
  return static_cast<double>(result.steps);
}

napi_value run_debug(Environment& environment, ProgramHandle program, Memories memories, js::Size steps, js::Size first_step) {
  Run run(std::move(program), std::move(memories), steps, first_step);
  const DebugFinding finding = run.debug(environment.scratch());
  if (finding.failure) throw finding.failure.error(run.program());
  napi_value result = nullptr;
  js::require(environment.env, napi_create_object(environment.env, &result));
  js::set(environment.env, result, "instruction", js::to_value(environment.env, static_cast<double>(finding.instruction)));
  js::set(environment.env, result, "step", js::to_value(environment.env, static_cast<double>(finding.step)));
  return result;
}

constexpr js::Function kFunctions[] = {
    js::function<create_program>("createProgram", "stream"),
    js::function<run>("run", "program memories steps firstStep control done"),
    js::function<run_sync>("runSync", "program memories steps firstStep"),
    js::function<run_debug>("runDebug", "program memories steps firstStep"),
};

}  // namespace

std::span<const js::Function> program_functions() { return kFunctions; }

}  // namespace lanewise
