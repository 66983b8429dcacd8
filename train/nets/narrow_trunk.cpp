#include "train/nets/narrow_trunk.hpp"

#include "train/nets/tensor_bridge.hpp"

namespace dfa::train {
namespace {

// What only enters products: rounded to bf16 by autocast at each use. Tokens and norms are added and multiplied in f32.
bool is_rounded_at_use(const NamedTensor& item) {
  const bool is_product = item.spec.name.ends_with(".weight") && item.tensor.dim() >= 2;
  return item.spec.kind == ParameterKind::weight && !item.trained && is_product;
}

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), static_cast<std::size_t>(tensor.nbytes())};
}

}  // namespace

Status NarrowTrunk::narrow(std::vector<NamedTensor>& tensors) {
  if (state_ == State::narrow) return {};
  const torch::NoGradGuard no_grad;
  if (!spilled_) {
    DFA_ASSIGN_OR_RETURN(SpillFile file, SpillFile::create());
    offsets_.assign(tensors.size(), std::nullopt);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!is_rounded_at_use(tensors[i])) continue;
      DFA_ASSIGN_OR_RETURN(offsets_[i], file.append(bytes_of(tensors[i].tensor.contiguous())));
    }
    spilled_ = std::move(file);
  }
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (offsets_[i]) tensors[i].tensor.set_data(tensors[i].tensor.detach().to(torch::kBFloat16));
  state_ = State::narrow;
  return {};
}

Status NarrowTrunk::widen(std::vector<NamedTensor>& tensors) {
  if (state_ == State::wide) return {};
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!offsets_[i]) continue;
    DFA_ASSIGN_OR_RETURN(const at::Tensor wide, read_back(tensors[i].tensor, i));
    tensors[i].tensor.set_data(wide);
  }
  state_ = State::wide;
  return {};
}

Result<at::Tensor> NarrowTrunk::values(const std::vector<NamedTensor>& tensors, std::size_t index) const {
  if (state_ == State::narrow && offsets_[index]) return read_back(tensors[index].tensor, index);
  return tensors[index].tensor;
}

void NarrowTrunk::forget() {
  spilled_.reset();
  offsets_.clear();
}

Result<at::Tensor> NarrowTrunk::read_back(const at::Tensor& like, std::size_t index) const {
  DFA_ASSIGN_OR_RETURN(at::Tensor wide,
                       torch_guard("frozen weights", [&] { return torch::empty(like.sizes(), torch::kFloat32); }));
  DFA_TRY(spilled_->read(*offsets_[index],
                         {static_cast<std::byte*>(wide.data_ptr()), static_cast<std::size_t>(wide.nbytes())}));
  return wide;
}

}  // namespace dfa::train
