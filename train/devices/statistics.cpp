#include "train/devices/statistics.hpp"

#include "train/devices/shared_batch_norm.hpp"
#include "train/nets/network_impl.hpp"
#include "train/nets/tensor_bridge.hpp"

namespace dfa::train {

void share_statistics(TrainNetwork& network, RankGroup& group, HeadStatistics head) {
  for (const auto& module : network.impl().module->modules()) {
    if (auto* norm = module->as<SharedBatchNorm2dImpl>()) norm->group = &group;
    if (auto* norm = module->as<SharedBatchNorm1dImpl>())
      norm->group = head == HeadStatistics::whole ? &group : nullptr;
  }
}

Status broadcast_head_statistics(TrainNetwork& network, RankGroup& group) {
  const torch::NoGradGuard no_grad;
  for (NamedTensor& item : network.impl().tensors) {
    if (item.spec.group != ParameterGroup::head || item.spec.kind != ParameterKind::statistic) continue;
    at::Tensor values = item.tensor.detach().cpu().to(torch::kFloat32).contiguous().clone();
    DFA_TRY(group.broadcast(std::span(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()))));
    item.tensor.copy_(values);
  }
  return {};
}

}  // namespace dfa::train
