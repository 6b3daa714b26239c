// What the machine can do: `fma VECTOR_BYTES` (independent chains of fused multiply-adds) and `triad BYTES` (a = b + s · c over
// three arrays of BYTES in all, per thread). Answers a prepare with the FLOPs or bytes of one repetition on all threads.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "protocol.h"

namespace {

template <int kBytes>
struct Vector {
  typedef float type __attribute__((vector_size(kBytes)));
};

constexpr int kChains = 20;  // ≥ 2 ports × 4 cycles of latency, and fits the registers
constexpr int kIterations = 4000;

template <int kBytes>
__attribute__((noipa)) float fma_chains(float start) {
  using V = typename Vector<kBytes>::type;
  constexpr int chains = kBytes == 64 ? kChains : 12;  // 16 registers without AVX-512
  const V half = V{} + start;                          // x ← x / 2 + 1 / 2 stays normal
  V chain[chains];
  for (int c = 0; c < chains; ++c) chain[c] = half + static_cast<float>(c);
  for (int i = 0; i < kIterations; ++i) {
#pragma GCC unroll 20
    for (int c = 0; c < chains; ++c) chain[c] = chain[c] * half + half;
  }
  V sum = V{};
  for (int c = 0; c < chains; ++c) sum += chain[c];
  return sum[0];
}

template <int kBytes>
double fma_flops() {
  return 2.0 * (kBytes / 4) * (kBytes == 64 ? kChains : 12) * kIterations;
}

void triad(float* __restrict a, const float* __restrict b, const float* __restrict c, int64_t count, float s) {
  for (int64_t i = 0; i < count; ++i) a[i] = b[i] + s * c[i];
}

// Puts the calling thread on the processor number `index` of those this process may use.
void pin(int index) {
  cpu_set_t allowed, one;
  CPU_ZERO(&one);
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && index-- == 0) CPU_SET(cpu, &one);
  }
  if (CPU_COUNT(&one) == 1) pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

// Runs a body on every thread at once; the workers spin while a slice is timed and sleep in between.
class Crew {
 public:
  explicit Crew(int threads) {
    for (int t = 1; t < threads; ++t) workers_.emplace_back([this, t] { work(t); });
    for (std::thread& worker : workers_) worker.detach();
    if (threads > 1) pin(0);
  }
  void run(const std::function<void(int)>& body) {
    body_ = &body;
    pending_.store(static_cast<int>(workers_.size()));
    order_.fetch_add(1);
    order_.notify_all();
    body(0);
    while (pending_.load() != 0) {
    }
  }

 private:
  void work(int thread) {
    pin(thread);
    for (int seen = 0;; ++seen) {
      for (int spins = 0; order_.load() == seen; ++spins) {
        if (spins > 20000) order_.wait(seen);
      }
      (*body_)(thread);
      pending_.fetch_sub(1);
    }
  }
  const std::function<void(int)>* body_ = nullptr;
  std::atomic<int> order_{0}, pending_{0};
  std::vector<std::thread> workers_;
};

}  // namespace

int main() {
  const int threads = bench::threads();
  Crew crew(threads);
  std::vector<std::unique_ptr<float[]>> arrays(static_cast<size_t>(threads));
  std::function<void(int)> body;
  return bench::serve([&](std::istream& request, std::function<void()>& run) -> std::string {
    std::string kind;
    int64_t size = 0;
    request >> kind >> size;
    double work = 0;
    if (kind == "fma" && (size == 64 || size == 32)) {
      work = size == 64 ? fma_flops<64>() : fma_flops<32>();
      body = [size](int) { size == 64 ? fma_chains<64>(0.5f) : fma_chains<32>(0.5f); };
    } else if (kind == "triad" && size > 0) {
      const int64_t count = size / 12 / 16 * 16;
      work = 12.0 * static_cast<double>(count);
      crew.run([&](int t) { arrays[static_cast<size_t>(t)] = std::make_unique<float[]>(static_cast<size_t>(3 * count)); });
      body = [&arrays, count](int t) {
        float* base = arrays[static_cast<size_t>(t)].get();
        triad(base, base + count, base + 2 * count, count, 0.5f);
      };
    } else {
      return "error malformed case";
    }
    run = [&] { crew.run(body); };
    run();
    return "ok " + std::to_string(work * threads);
  });
}
