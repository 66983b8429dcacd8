#include "train/nets/smallest_directions.hpp"

#include <algorithm>

#include "train/nets/tensor_bridge.hpp"

namespace dfa::train {

namespace {

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(torch::kFloat32).contiguous();
  const float* begin = flat.const_data_ptr<float>();
  return {begin, begin + flat.numel()};
}

}  // namespace

Result<Directions> smallest_directions(std::span<const float> matrix, int rows, int columns, int rank) {
  return torch_guard("singular value decomposition", [&] {
    const torch::NoGradGuard no_grad;
    const at::Tensor wide =
        torch::from_blob(const_cast<float*>(matrix.data()), {rows, columns}, torch::kFloat32).to(torch::kFloat64);
    const auto [u, s, vh] = at::linalg_svd(wide, /*full_matrices=*/false);  // falling singular values
    const std::int64_t first = std::min(rows, columns) - rank;
    return Directions{values_of(u.narrow(1, first, rank)), values_of(s.narrow(0, first, rank)),
                      values_of(vh.narrow(0, first, rank))};
  });
}

}  // namespace dfa::train
