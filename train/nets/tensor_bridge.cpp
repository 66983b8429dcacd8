#include "train/nets/tensor_bridge.hpp"

#include <cstring>

namespace dfa::train {

Result<at::Tensor> to_torch(const Tensor& tensor) {
  if (tensor.dtype == Dtype::i64) {
    at::Tensor out = torch::empty(tensor.shape, torch::kInt64);
    std::memcpy(out.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
    return out;
  }
  DFA_ASSIGN_OR_RETURN(const std::vector<float> values, tensor.to_f32());
  at::Tensor out = torch::empty(tensor.shape, torch::kFloat32);
  std::memcpy(out.data_ptr(), values.data(), values.size() * sizeof(float));
  return out;
}

Tensor from_torch(const at::Tensor& tensor) {
  at::Tensor flat = tensor.detach().cpu().contiguous();
  if (flat.is_floating_point()) flat = flat.to(torch::kFloat32);
  const std::size_t count = static_cast<std::size_t>(flat.numel());
  if (flat.scalar_type() == torch::kInt64)
    return Tensor::from_i64(flat.sizes().vec(), {flat.const_data_ptr<std::int64_t>(), count});
  return Tensor::from_f32(flat.sizes().vec(), {flat.const_data_ptr<float>(), count});
}

}  // namespace dfa::train
