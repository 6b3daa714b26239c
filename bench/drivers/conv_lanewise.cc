// lanewise's convolution kernels from the static libraries the addon is linked from, run on its own pool.
#include "conv.h"
#include "dispatch.h"
#include "runtime/cost.h"
#include "runtime/threads.h"

namespace {

using namespace lanewise;

template <class Args>
struct Kernel {
  int64_t (*tasks)(const Args&);
  int64_t (*run)(const Args&, int64_t begin, int64_t end, void* scratch);
};

void* scratch() {
  static void* const memory = std::aligned_alloc(64, kScratchBytes);
  return memory;
}

// Within an ActiveRun, or alone on this thread.
template <class Args>
void run_kernel(const Kernel<Args>& kernel, const Args& args) {
  struct Job {
    const Kernel<Args>& kernel;
    const Args& args;
  };
  const Job job{kernel, args};
  const int64_t tasks = kernel.tasks(args);
  if (bench::threads() == 1) {
    kernel.run(args, 0, tasks, scratch());
    return;
  }
  const auto body = [](const void* context, int64_t begin, int64_t end, void* own) {
    const Job& part = *static_cast<const Job*>(context);
    return part.kernel.run(part.args, begin, end, own);
  };
  ThreadPool::instance().parallel(tasks, cost(args), body, &job, scratch());
}

std::function<void()> forward(const ConvShape& shape, const bench::Conv& v) {
  ConvForwardArgs args{};
  args.shape = shape;
  args.x = v.x;
  args.w = v.weights;
  args.activation = Activation::none;
  args.y = v.y;
  return [args] { run_kernel<ConvForwardArgs>({kernel_table().conv_forward_tasks, kernel_table().conv_forward}, args); };
}

std::function<void()> backward_data(const ConvShape& shape, const bench::Conv& v) {
  ConvBackwardDataArgs args{};
  args.shape = shape;
  args.dy = v.y;
  args.w = v.weights;
  args.dx = v.x;
  return [args] { run_kernel<ConvBackwardDataArgs>({kernel_table().conv_backward_data_tasks, kernel_table().conv_backward_data}, args); };
}

// The parts and their sum, as in a training step.
std::function<void()> backward_weights(const ConvShape& shape, const bench::Conv& v) {
  const auto parts = std::make_shared<bench::Matrix>(v.parts > 1 ? v.parts * v.weights_size() : 0, 0, 4);
  ConvBackwardWeightsArgs args{};
  args.shape = shape;
  args.parts = v.parts;
  args.x = v.x;
  args.dy = v.y;
  args.dw = v.parts > 1 ? parts->data() : v.weights;
  ReduceArgs sum{};
  sum.kind = ReduceKind::sum;
  sum.outer = 1;
  sum.count = v.parts;
  sum.inner = v.weights_size();
  sum.in = args.dw;
  sum.out = v.weights;
  return [args, sum, parts] {
    const KernelTable& table = kernel_table();
    run_kernel<ConvBackwardWeightsArgs>({table.conv_backward_weights_tasks, table.conv_backward_weights}, args);
    if (args.parts > 1) run_kernel<ReduceArgs>({table.reduce_tasks, table.reduce}, sum);
  };
}

// Convolution by transforms as the compiler emits it: the weights are transformed each time.
std::function<void()> winograd(const bench::Conv& v) {
  const bool data = v.pass == bench::Pass::data;
  const auto room = std::make_shared<bench::Matrix>((v.pass == bench::Pass::weights ? v.parts : 1) * kWinogradPositions * v.c * v.oc, 0, 4);
  const WinogradShape windows = {v.n, v.h, v.w, v.c, v.oh, v.ow, v.oc, v.pad_h, v.pad_w};
  if (v.pass == bench::Pass::weights) {
    const WinogradBackwardWeightsArgs sums{windows, v.parts, v.x, v.y, room->data()};
    const WinogradGradientArgs gradient{v.c, v.oc, v.parts, room->data(), v.weights};
    return [sums, gradient, room] {
      const KernelTable& table = kernel_table();
      run_kernel<WinogradBackwardWeightsArgs>({table.winograd_backward_weights_tasks, table.winograd_backward_weights}, sums);
      run_kernel<WinogradGradientArgs>({table.winograd_gradient_tasks, table.winograd_gradient}, gradient);
    };
  }
  const WinogradShape turned = {v.n, v.oh, v.ow, v.oc, v.h, v.w, v.c, 2 - v.pad_h, 2 - v.pad_w};
  const WinogradWeightsArgs weights{v.c, v.oc, data, v.weights, room->data()};
  const WinogradConvArgs conv{data ? turned : windows, data ? v.y : v.x, room->data(), nullptr, Activation::none, data ? v.x : v.y};
  return [weights, conv, room] {
    const KernelTable& table = kernel_table();
    run_kernel<WinogradWeightsArgs>({table.winograd_weights_tasks, table.winograd_weights}, weights);
    run_kernel<WinogradConvArgs>({table.winograd_conv_tasks, table.winograd_conv}, conv);
  };
}

std::function<void()> plan(const bench::Conv& v) {
  if (v.winograd != 0) return winograd(v);
  const ConvShape shape{v.n, v.h, v.w, v.c, v.oh, v.ow, v.oc, v.kh, v.kw, v.stride_h, v.stride_w, 1, 1, v.pad_h, v.pad_w, v.groups};
  switch (v.pass) {
    case bench::Pass::forward: return forward(shape, v);
    case bench::Pass::data: return backward_data(shape, v);
    default: return backward_weights(shape, v);
  }
}

}  // namespace

int main() {
  ThreadPool& pool = ThreadPool::instance();
  pool.set_threads(bench::threads());
  return bench::serve_conv([&pool](const bench::Conv& v) -> bench::ConvPlan {
    const std::function<void()> alone = plan(v);
    if (bench::threads() == 1) return {alone, {}};
    return {[&pool, alone] {
              const ThreadPool::ActiveRun active(pool);
              alone();
            },
            {}};
  });
}
