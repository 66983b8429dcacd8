#include "train/devices/device.hpp"

#include <dlfcn.h>
#include <torch/cuda.h>

#include <charconv>

namespace dfa::train {

namespace {

constexpr int kMostIndex = 127;
constexpr std::string_view kCudaPrefix = "cuda:";
constexpr const char* kCudaLibrary = "libtorch_cuda.so";

// Why there is no GPU to be used; nothing where there is one. Before libtorch_cuda is loaded torch must not be asked:
// it would remember that there is none.
std::optional<std::string> why_no_cuda() {
  static const std::optional<std::string> reason = []() -> std::optional<std::string> {
    if (dlopen(kCudaLibrary, RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      const char* error = dlerror();
      return fmt::format(
          "{} does not load: {}\n  likely cause: NVIDIA's libraries are not there\n  next step, on a machine with a "
          "GPU: scripts/setup --cuda",
          kCudaLibrary, error == nullptr ? "no reason given" : error);
    }
    try {
      if (torch::cuda::device_count() > 0) return std::nullopt;
    } catch (const std::exception& error) {
      return fmt::format("libtorch says: {}", std::string_view(error.what()).substr(0, 200));
    }
    return "libtorch finds no CUDA device\n  likely cause: no NVIDIA driver, or CUDA_VISIBLE_DEVICES hides the devices";
  }();
  return reason;
}

}  // namespace

std::string device_name(const Device& device) {
  return device.kind == DeviceKind::cpu ? "cpu" : fmt::format("{}{}", kCudaPrefix, device.index);
}

Result<DeviceWish> device_by_word(std::string_view word) {
  using Kind = DeviceWish::Kind;
  if (word == "cpu") return DeviceWish{Kind::cpu, {}};
  if (word == "cuda") return DeviceWish{Kind::cuda, {}};
  if (word == "auto") return DeviceWish{Kind::automatic, {}};
  if (word.starts_with(kCudaPrefix)) {
    const std::string_view digits = word.substr(kCudaPrefix.size());
    int index = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error == std::errc() && end == digits.data() + digits.size() && index >= 0 && index <= kMostIndex)
      return DeviceWish{Kind::cuda, index};
  }
  return fail(ErrorCode::usage, "got device \"{}\", expected cpu, cuda, cuda:N with N from 0 to {}, or auto",
              word.substr(0, 40), kMostIndex);
}

std::string device_word(const DeviceWish& wish) {
  switch (wish.kind) {
    case DeviceWish::Kind::cpu:
      return "cpu";
    case DeviceWish::Kind::automatic:
      return "auto";
    case DeviceWish::Kind::cuda:
      break;
  }
  return wish.index ? fmt::format("{}{}", kCudaPrefix, *wish.index) : "cuda";
}

Result<Device> choose_device(const DeviceWish& wish, int local_rank) {
  if (wish.kind == DeviceWish::Kind::cpu) return Device{};
  const std::optional<std::string> reason = why_no_cuda();
  if (reason && wish.kind == DeviceWish::Kind::automatic) return Device{};
  if (reason)
    return fail(ErrorCode::usage,
                "device \"{}\" cannot be used: {}\n  next step: device cpu, or docs/training.md, \"Devices\"",
                device_word(wish), *reason);
  const int index = wish.index.value_or(local_rank), count = static_cast<int>(torch::cuda::device_count());
  if (index < count) return Device{DeviceKind::cuda, index};
  return fail(ErrorCode::usage, "device \"{}\" is GPU {} for this rank, and libtorch finds {} (numbered from 0)",
              device_word(wish), index, count);
}

}  // namespace dfa::train
