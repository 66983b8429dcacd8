#include "train/config/precision.hpp"

#include <algorithm>

#include "base/machine.hpp"

namespace dfa::train {

bool has_fast_bf16() {
  return std::ranges::count(machine_facts().isa, "amx_bf16") > 0;
}

std::string settle_precision(RunConfig& config, const Device& device) {
  if (config.compute != Compute::f16 || device.kind != DeviceKind::cpu) return "";
  config.compute = has_fast_bf16() ? Compute::bf16 : Compute::f32;
  return fmt::format("\"compute\" is fp16, and this runs on a processor: trained in {} instead",
                     config.compute == Compute::bf16 ? "bf16" : "f32");
}

bool scales_loss(const RunConfig& config) {
  return config.compute == Compute::f16 || config.loss_scale.when == ScaleWhen::always;
}

}  // namespace dfa::train
