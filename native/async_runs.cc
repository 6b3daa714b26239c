#include "async_runs.h"

#include <algorithm>

#include "bind.h"

namespace lanewise {

std::shared_ptr<AsyncRuns> AsyncRuns::create(napi_env env) {
  auto runs = std::make_shared<AsyncRuns>(env);
  napi_value name = nullptr;
  js::require(env, napi_create_string_utf8(env, "lanewise", NAPI_AUTO_LENGTH, &name));
  js::require(env,
              napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, runs.get(), on_landed, &runs->wake_));
  // An idle library does not keep the process alive.
  js::require(env, napi_unref_threadsafe_function(env, runs->wake_));
  // Hooks run last in, first out: ours before the one that closes the function above.
  js::require(env, napi_add_env_cleanup_hook(env, on_teardown, runs.get()));
  return runs;
}

void AsyncRuns::start(std::unique_ptr<Run> run, napi_value control, napi_value done) {
  auto flight = std::make_unique<Flight>(shared_from_this(), std::move(run));
  // Places in both lists: what lands, on a thread of its own, must not throw.
  flights_.reserve(flights_.size() + 1);
  {
    std::lock_guard guard(mutex_);
    landed_.reserve(flights_.size() + 1);
  }
  js::require(env_, napi_create_reference(env_, control, 1, &flight->control));
  if (const napi_status status = napi_create_reference(env_, done, 1, &flight->done); status != napi_ok) {
    napi_delete_reference(env_, flight->control);
    js::require(env_, status);
  }
  flights_.push_back(flight.get());
  {
    std::lock_guard guard(mutex_);
    ++flying_;
  }
  try {
    start_on_runner(*flight);
  } catch (...) {
    {
      std::lock_guard guard(mutex_);
      --flying_;
    }
    discard(flight.release());
    throw;
  }
  flight.release();
  if (flights_.size() == 1) napi_ref_threadsafe_function(env_, wake_);
}

void AsyncRuns::Flight::run(void* scratch) { result = run_->execute(scratch); }

void AsyncRuns::Flight::finish() {
  const std::shared_ptr<AsyncRuns> keep = owner;  // `this` is gone as soon as it has landed
  keep->landed(*this);
}

void AsyncRuns::landed(Flight& flight) {
  std::lock_guard guard(mutex_);
  landed_.push_back(&flight);
  --flying_;
  // Under the lock: teardown waits for it, so the function is not closed yet.
  napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  changed_.notify_all();
}

void AsyncRuns::on_landed(napi_env env, napi_value, void* context, void*) {
  if (env) static_cast<AsyncRuns*>(context)->settle_all();  // no env: teardown, and the context may be gone
}

void AsyncRuns::settle_all() {
  std::unique_lock guard(mutex_);
  // One by one from the list itself, which keeps its places. What lands meanwhile calls again.
  for (size_t due = landed_.size(); due > 0; --due) {
    Flight* const flight = landed_.front();
    landed_.erase(landed_.begin());
    guard.unlock();
    settle(*flight);
    discard(flight);
    guard.lock();
  }
  if (flights_.empty()) napi_unref_threadsafe_function(env_, wake_);
}

void AsyncRuns::settle(Flight& flight) {
  napi_value undefined = nullptr, done = nullptr, error = nullptr, steps = nullptr;
  if (flight.result.failure) {
    try {
      throw flight.result.failure.error(flight.run_->program());
    } catch (...) {  // its words may find no memory
      error = js::current_error(env_);
    }
    if (!error) return;
  }
  // Where one of these fails, JavaScript is going down.
  if (napi_get_undefined(env_, &undefined) != napi_ok || napi_create_int64(env_, flight.result.steps, &steps) != napi_ok ||
      napi_get_reference_value(env_, flight.done, &done) != napi_ok)
    return;
  const napi_value arguments[] = {error ? error : undefined, steps};
  napi_call_function(env_, undefined, done, 2, arguments, nullptr);
}

void AsyncRuns::discard(Flight* flight) {
  const std::shared_ptr<AsyncRuns> keep = flight->owner;
  flights_.erase(std::find(flights_.begin(), flights_.end(), flight));
  napi_delete_reference(env_, flight->control);
  napi_delete_reference(env_, flight->done);
  delete flight;
}

// Nobody is left to be told.
void AsyncRuns::on_teardown(void* data) {
  auto* self = static_cast<AsyncRuns*>(data);
  for (Flight* flight : self->flights_) flight->run_->cancel();
  {
    std::unique_lock guard(self->mutex_);
    self->changed_.wait(guard, [&] { return self->flying_ == 0; });
    self->landed_.clear();
  }
  while (!self->flights_.empty()) self->discard(self->flights_.back());
  napi_release_threadsafe_function(self->wake_, napi_tsfn_abort);
}

}  // namespace lanewise
