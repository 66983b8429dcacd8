#include "nn/layers/readout_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/layers/kernel_step.hpp"

namespace dfa {
namespace {

class ObserveStep final : public KernelStep {
 public:
  ObserveStep(BlockObserver& observer, int block, int images, int tokens, int dim, Slice x)
      : KernelStep({x}), observer_(observer), block_(block), images_(images), floats_(to_size(tokens) * to_size(dim)) {}
  Status run(const RunContext&) override {
    for (int image = 0; image < images_; ++image)
      observer_.after_block(image, block_, {pointer(0) + to_size(image) * floats_, floats_});
    return {};
  }
  std::string_view op() const override { return "observe"; }
  std::string shape() const override { return fmt::format("{}x{}", images_, floats_); }

 private:
  BlockObserver& observer_;
  int block_, images_;
  std::size_t floats_;
};

class ObserveSiteStep final : public KernelStep {
 public:
  ObserveSiteStep(ActivationObserver& observer, std::string site, int rows, int channels, Slice x)
      : KernelStep({x}), observer_(observer), site_(std::move(site)), rows_(rows), channels_(channels) {}
  Status run(const RunContext&) override {
    observer_.activation(site_, {pointer(0), to_size(rows_) * to_size(channels_)}, channels_);
    return {};
  }
  std::string_view op() const override { return "observe"; }
  std::string shape() const override { return fmt::format("{}x{}", rows_, channels_); }

 private:
  ActivationObserver& observer_;
  std::string site_;
  int rows_, channels_;
};

class FirstRowsStep final : public KernelStep {
 public:
  FirstRowsStep(int images, int tokens, int dim, Slice src, Slice dst)
      : KernelStep({src, dst}), images_(images), tokens_(tokens), dim_(dim) {}
  Status run(const RunContext&) override {
    for (int image = 0; image < images_; ++image) {
      std::copy_n(pointer(0) + to_size(image) * to_size(tokens_) * to_size(dim_), dim_,
                  pointer(1) + to_size(image) * to_size(dim_));
    }
    return {};
  }
  std::string_view op() const override { return "first_rows"; }
  std::string shape() const override { return fmt::format("{}x{}x{}", images_, tokens_, dim_); }

 private:
  int images_, tokens_, dim_;
};

class LevelMeanStep final : public KernelStep {
 public:
  LevelMeanStep(int images, std::vector<int> level_tokens, int dim, Slice src, Slice dst)
      : KernelStep({src, dst}), images_(images), level_tokens_(std::move(level_tokens)), dim_(dim) {}
  Status run(const RunContext&) override {
    const float* row = pointer(0);
    for (int image = 0; image < images_; ++image) {
      float* mean = pointer(1) + to_size(image) * to_size(dim_);
      std::fill_n(mean, dim_, 0.0F);
      for (const int tokens : level_tokens_) {
        const float share = 1.0F / static_cast<float>(level_tokens_.size() * to_size(tokens));
        for (int token = 0; token < tokens; ++token, row += dim_) {
          for (std::size_t i = 0; i < to_size(dim_); ++i) mean[i] += share * row[i];
        }
      }
    }
    return {};
  }
  std::string_view op() const override { return "level_mean"; }
  std::string shape() const override {
    return fmt::format("{}x{}x{}", images_, std::accumulate(level_tokens_.begin(), level_tokens_.end(), 0), dim_);
  }

 private:
  int images_;
  std::vector<int> level_tokens_;
  int dim_;
};

class ConstantStep final : public KernelStep {
 public:
  ConstantStep(const std::vector<float>& values, Slice dst) : KernelStep({dst}), values_(values) {}
  Status run(const RunContext&) override {
    std::ranges::copy(values_, pointer(0));
    return {};
  }
  std::string_view op() const override { return "constant"; }
  std::string shape() const override { return fmt::format("{}", values_.size()); }

 private:
  const std::vector<float>& values_;
};

class L2Step final : public KernelStep {
 public:
  L2Step(int rows, int dim, double eps, Slice src, Slice dst)
      : KernelStep({src, dst}), rows_(rows), dim_(dim), eps_(eps) {}
  Status run(const RunContext&) override {
    for (int row = 0; row < rows_; ++row) {
      const float* src = pointer(0) + to_size(row) * to_size(dim_);
      float* dst = pointer(1) + to_size(row) * to_size(dim_);
      double sum = 0;
      for (std::size_t i = 0; i < to_size(dim_); ++i) sum += static_cast<double>(src[i]) * src[i];
      const double norm = std::max(std::sqrt(sum), eps_);
      for (std::size_t i = 0; i < to_size(dim_); ++i) dst[i] = static_cast<float>(src[i] / norm);
    }
    return {};
  }
  std::string_view op() const override { return "l2"; }
  std::string shape() const override { return fmt::format("{}x{}", rows_, dim_); }

 private:
  int rows_, dim_;
  double eps_;
};

class OutputStep final : public KernelStep {
 public:
  OutputStep(int images, int dim, int classes, Slice feature, Slice logits)
      : KernelStep({feature, logits}),
        feature_floats_(to_size(images) * to_size(dim)),
        logits_floats_(to_size(images) * to_size(classes)) {}
  Status run(const RunContext& context) override {
    if (context.feature != nullptr) std::copy_n(pointer(0), feature_floats_, context.feature);
    if (context.logits != nullptr) std::copy_n(pointer(1), logits_floats_, context.logits);
    return {};
  }
  std::string_view op() const override { return "output"; }
  std::string shape() const override { return fmt::format("{}+{}", feature_floats_, logits_floats_); }

 private:
  std::size_t feature_floats_, logits_floats_;
};

}  // namespace

std::unique_ptr<Step> make_observe_step(BlockObserver& observer, int block, int images, int tokens, int dim, Slice x) {
  return std::make_unique<ObserveStep>(observer, block, images, tokens, dim, x);
}

std::unique_ptr<Step> make_observe_site_step(ActivationObserver& observer, std::string site, int rows, int channels,
                                             Slice x) {
  return std::make_unique<ObserveSiteStep>(observer, std::move(site), rows, channels, x);
}

std::unique_ptr<Step> make_first_rows_step(int images, int tokens, int dim, Slice src, Slice dst) {
  return std::make_unique<FirstRowsStep>(images, tokens, dim, src, dst);
}

std::unique_ptr<Step> make_level_mean_step(int images, std::vector<int> level_tokens, int dim, Slice src, Slice dst) {
  return std::make_unique<LevelMeanStep>(images, std::move(level_tokens), dim, src, dst);
}

std::unique_ptr<Step> make_constant_step(const std::vector<float>& values, Slice dst) {
  return std::make_unique<ConstantStep>(values, dst);
}

std::unique_ptr<Step> make_l2_step(int rows, int dim, double eps, Slice src, Slice dst) {
  return std::make_unique<L2Step>(rows, dim, eps, src, dst);
}

std::unique_ptr<Step> make_output_step(int images, int dim, int classes, Slice feature, Slice logits) {
  return std::make_unique<OutputStep>(images, dim, classes, feature, logits);
}

}  // namespace dfa
