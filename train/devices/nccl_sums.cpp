// libdfa_nccl.so: see Note [NCCL in a library of its own].
#include "train/devices/nccl_sums.hpp"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <cstdlib>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

namespace dfa::train {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Group = c10::intrusive_ptr<c10d::ProcessGroupNCCL>;

// c10d's options hold a structure of NCCL's by value: the header must be that of the libtorch_cuda we link.
static_assert(NCCL_VERSION_CODE == NCCL_VERSION(2, 30, 7), "torch 2.15.0 was built with NCCL 2.30.7");

constexpr std::chrono::microseconds kLook{50};
constexpr std::chrono::hours kNever{24 * 365};  // c10d's own deadline: ours comes first
constexpr milliseconds kAbortTakes{5000};

// By itself c10d ends the whole process when a rank is lost, from a thread of its own. Here a meeting that fails is an
// error: the heartbeat says whose fault it was, and the run ends with that. c10d reads these when a group is made.
void keep_the_process_alive() {
  for (const char* name : {"TORCH_NCCL_ASYNC_ERROR_HANDLING", "TORCH_NCCL_ENABLE_MONITORING",
                           "TORCH_NCCL_DUMP_ON_TIMEOUT", "TORCH_NCCL_RETHROW_CUDA_ERRORS", "TORCH_NCCL_BLOCKING_WAIT"})
    setenv(name, "0", 1);
}

// NCCL waits for other ranks inside some of its calls, without a deadline. Such a call is left behind in its thread
// when the time is over, with what it holds.
void run_within(milliseconds limit, const char* what, std::function<void()> work) {
  std::packaged_task<void()> task(std::move(work));
  std::future<void> done = task.get_future();
  std::thread(std::move(task)).detach();
  if (done.wait_for(limit) != std::future_status::ready)
    throw std::runtime_error(std::string(what) + " takes longer than allowed");
  done.get();
}

void wait_for(c10d::Work& work, milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  while (!work.isCompleted()) {
    if (Clock::now() >= deadline) throw std::runtime_error("NCCL: the other ranks did not come in time");
    std::this_thread::sleep_for(kLook);
  }
  if (const std::exception_ptr error = work.exception()) std::rethrow_exception(error);
}

class NcclSums : public DeviceSums {
 public:
  explicit NcclSums(const DeviceSumsRequest& request)
      : device_(at::kCUDA, static_cast<at::DeviceIndex>(request.device)), timeout_(request.timeout) {
    keep_the_process_alive();
    const auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = kNever;
    const auto store = c10::make_intrusive<c10d::PrefixStore>(
        "dfa/nccl", c10::intrusive_ptr<c10d::Store>::reclaim_copy(&request.store));
    group_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, request.rank, request.size, options);
    // The first sum connects the GPUs.
    run_within(timeout_, "connecting over NCCL", [group = group_, device = device_, limit = timeout_] {
      const c10::cuda::CUDAGuard guard(device);
      std::vector<at::Tensor> one = {at::zeros({1}, at::TensorOptions().device(device))};
      wait_for(*group->allreduce(one), limit);
    });
  }

  ~NcclSums() override {
    if (!group_) return;
    try {
      run_within(kAbortTakes, "NCCL's end", [group = std::move(group_)] { group->shutdown(); });
    } catch (const std::exception&) {  // the run is over either way
    }
  }

  void sum(void* values, std::size_t count, SumType type) override {
    const c10::cuda::CUDAGuard guard(device_);
    const at::TensorOptions options =
        at::TensorOptions().dtype(type == SumType::f32 ? at::kFloat : at::kDouble).device(device_);
    std::vector<at::Tensor> tensors = {at::from_blob(values, {static_cast<std::int64_t>(count)}, options)};
    wait_for(*group_->allreduce(tensors), timeout_);
  }

  void abort() override {
    try {
      run_within(kAbortTakes, "NCCL's abort", [group = std::move(group_)] { group->abort(); });
    } catch (const std::exception&) {  // what failed before is what is reported
    }
  }

 private:
  const at::Device device_;
  const milliseconds timeout_;
  Group group_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) DeviceSums* dfa_make_nccl_sums(const DeviceSumsRequest& request) {
  return new NcclSums(request);
}

}  // namespace dfa::train
