// Running statistics that a scope leaves as they were: forward passes inside it write into copies. Include only in .cpp
// files that see torch.
#pragma once

#include <utility>
#include <vector>

#include "train/nets/network_impl.hpp"

namespace dfa::train {

// The statistics change hands instead of being written back, because a graph that saved them for its backward pass
// refuses tensors that were written since.
class KeepStatistics {
 public:
  explicit KeepStatistics(NetworkImpl& impl) {
    const torch::NoGradGuard no_grad;
    for (NamedTensor& item : impl.tensors) {
      if (item.spec.kind == ParameterKind::weight) continue;
      kept_.emplace_back(item.tensor, item.tensor.detach());
      item.tensor.set_data(item.tensor.clone());
    }
  }
  ~KeepStatistics() {
    for (auto& [live, former] : kept_) live.set_data(former);
  }
  KeepStatistics(const KeepStatistics&) = delete;
  KeepStatistics& operator=(const KeepStatistics&) = delete;

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> kept_;  // the tensor itself, and an alias of its former memory
};

}  // namespace dfa::train
