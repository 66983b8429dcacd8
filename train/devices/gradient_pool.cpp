#include "train/devices/gradient_pool.hpp"

#include "train/devices/tensor_sum.hpp"

#include "train/nets/network_impl.hpp"
#include "train/nets/tensor_bridge.hpp"

namespace dfa::train {

namespace {

StepInput input_of(const Batch& batch) {
  return {batch.images, batch.labels, batch.masks, batch.mask_known, batch.strong};
}

// One flat buffer: every trained tensor's sum, then for each tensor in how many parts it had a gradient.
class FlatPool : public GradientPool {
 public:
  FlatPool(TrainNetwork& network, RankGroup& group) : network_(network), group_(group) {
    for (const auto* tensors : {&network.impl().tensors, &network.impl().loss_tensors})
      for (const NamedTensor& item : *tensors)
        if (item.trained) {
          tensors_.push_back(item.tensor);
          values_ += item.tensor.numel();
        }
  }

  Result<LossValues> loss_and_gradients(std::span<const Batch> parts, const LossOptions& options) override {
    if (parts.empty()) return fail(ErrorCode::internal, "a batch without parts");
    const bool whole = parts.size() == 1 && group_.is_alone();
    LossValues mean;
    TermSums terms;
    for (const Batch& part : parts) {
      DFA_ASSIGN_OR_RETURN(LossValues values, network_.loss_and_gradients(input_of(part), options));
      DFA_TRY(check_finite(values));
      if (whole) return values;
      DFA_TRY(torch_guard("adding gradients", [&] { add(&part == parts.data()); }));
      mean.loss += values.loss;
      terms.add(values.terms);
      mean.logits.insert(mean.logits.end(), values.logits.begin(), values.logits.end());
    }
    const double count = static_cast<double>(parts.size()) * group_.size();
    DFA_TRY(group_.sum(std::span(&mean.loss, 1)));
    mean.loss /= count;
    DFA_TRY(group_.sum(terms.values()));
    mean.terms = terms.means();
    DFA_TRY(torch_guard("counting gradients", [&] { counts().copy_(had_); }));
    DFA_TRY(sum_tensor(flat_, group_));
    DFA_TRY(torch_guard("averaging gradients", [&] { put_back(count); }));
    return mean;
  }

 private:
  void add(bool is_first) {
    const torch::NoGradGuard no_grad;
    const std::int64_t flags = static_cast<std::int64_t>(tensors_.size());
    if (!flat_.defined()) {
      const at::Device device = summing_device(tensors_.front(), group_);
      flat_ = torch::zeros({values_ + flags}, torch::TensorOptions(torch::kFloat32).device(device));
      had_ = torch::zeros({flags}, torch::kFloat32);
    }
    if (is_first) {
      flat_.zero_();
      had_.zero_();
    }
    float* had = had_.data_ptr<float>();
    std::int64_t begin = 0;
    for (const at::Tensor& tensor : tensors_) {
      at::Tensor sum = flat_.narrow(0, begin, tensor.numel());
      begin += tensor.numel();
      if (const at::Tensor& gradient = tensor.grad(); gradient.defined()) {
        sum.add_(gradient.reshape(-1).to(flat_.options()));
        *had += 1;
      }
      ++had;
    }
  }

  void put_back(double count) {
    const torch::NoGradGuard no_grad;
    flat_.narrow(0, 0, values_).div_(count);
    had_.copy_(counts());
    const float* had = had_.const_data_ptr<float>();
    std::int64_t begin = 0;
    for (at::Tensor& tensor : tensors_) {
      const at::Tensor mean = flat_.narrow(0, begin, tensor.numel()).view(tensor.sizes());
      begin += tensor.numel();
      if (*had++ == 0) continue;
      if (!tensor.grad().defined()) tensor.mutable_grad() = torch::empty_like(tensor);
      tensor.mutable_grad().copy_(mean);
    }
  }

  at::Tensor counts() const { return flat_.narrow(0, values_, flat_.numel() - values_); }

  TrainNetwork& network_;
  RankGroup& group_;
  std::vector<at::Tensor> tensors_;  // trained, the live ones
  std::int64_t values_ = 0;
  at::Tensor flat_;  // where it is summed
  at::Tensor had_;   // the second part, in host memory
};

}  // namespace

std::unique_ptr<GradientPool> GradientPool::create(TrainNetwork& network, RankGroup& group) {
  return std::make_unique<FlatPool>(network, group);
}

}  // namespace dfa::train
