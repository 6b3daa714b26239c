// Threads for runs: one per run in flight, some of which stay for the next.
#pragma once

namespace lanewise {

class Job {
 public:
  virtual ~Job() = default;
  virtual void run(void* scratch) = 0;
  // Afterwards, when its thread is free for the next job. The last thing it does may be to hand itself over to somebody who destroys it.
  virtual void finish() = 0;
};

// Runs the job on a thread of its own; the caller keeps owning it. Throws if the system has no thread to give.
void start_on_runner(Job& job);

}  // namespace lanewise
