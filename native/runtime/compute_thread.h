// A thread that computes: gives way to the event loop, flushes denormals.
#pragma once
#include <functional>

namespace lanewise {

// Starts `body` on a thread that ends with it, and its scratch too. False if the system has no thread to give.
// Detached, because a joinable static thread would end the process badly at exit.
bool start_compute_thread(std::function<void(void* scratch)> body);

}  // namespace lanewise
