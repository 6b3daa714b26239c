// The runs in flight of one environment, each on a runner thread.
#pragma once
#include <node_api.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/run.h"
#include "runtime/runner_threads.h"

namespace lanewise {

class AsyncRuns : public std::enable_shared_from_this<AsyncRuns> {
 public:
  static std::shared_ptr<AsyncRuns> create(napi_env env);
  explicit AsyncRuns(napi_env env) : env_(env) {}

  // Starts the run and calls `done` once on the JavaScript thread, with an error, or with undefined and the number of steps finished; never
  // if JavaScript ends before that. `done` must not throw: others that are due would go unheard. `control` is a view on shared memory that
  // stays alive with the run.
  // A function and no promise: Node lets nobody free the promise of a worker that is being terminated.
  void start(std::unique_ptr<Run> run, napi_value control, napi_value done);

 private:
  // One run and what keeps it alive. Made and destroyed on the JavaScript thread, because its memories may hold JavaScript references.
  struct Flight : Job {
    Flight(std::shared_ptr<AsyncRuns> owner, std::unique_ptr<Run> run) : owner(std::move(owner)), run_(std::move(run)) {}
    void run(void* scratch) override;
    void finish() override;

    std::shared_ptr<AsyncRuns> owner;
    std::unique_ptr<Run> run_;
    RunResult result;
    napi_ref control = nullptr, done = nullptr;
  };

  static void on_landed(napi_env env, napi_value, void* context, void*);
  static void on_teardown(void* self);
  void landed(Flight& flight);
  void settle(Flight& flight);
  void discard(Flight* flight);
  void settle_all();

  const napi_env env_;
  napi_threadsafe_function wake_ = nullptr;
  std::vector<Flight*> flights_;  // all of them; the JavaScript thread's own list

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Flight*> landed_;  // finished, not yet settled; with a place for each of flights_
  size_t flying_ = 0;
};

}  // namespace lanewise
