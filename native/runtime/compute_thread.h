// A thread that computes: never destroyed, gives way to the event loop, flushes denormals.
#pragma once
#include <functional>

namespace lanewise {

// Starts `body`, which never returns, on a detached thread. False if the system has no thread to give.
// Detached and immortal because a joinable static thread would end the process badly at exit.
bool start_compute_thread(std::function<void(void* scratch)> body);

}  // namespace lanewise
