#include "nn/layers/token_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "nn/ops/resize.hpp"

namespace dfa {
namespace {

std::size_t size(int value) {
  return static_cast<std::size_t>(value);
}

// Binds a fixed list of slices to pointers.
class KernelStep : public Step {
 public:
  explicit KernelStep(std::vector<Slice> slices) : slices_(std::move(slices)), pointers_(slices_.size()) {}
  void bind(const Workspace& workspace) override {
    std::ranges::transform(slices_, pointers_.begin(), [&](Slice slice) { return workspace.at(slice); });
  }
  std::string kernel() const override { return "own"; }
  std::vector<int> buffers() const override {
    std::vector<int> numbers;
    for (const Slice slice : slices_) numbers.push_back(slice.buffer);
    return numbers;
  }

 protected:
  float* pointer(std::size_t index) const { return pointers_[index]; }

 private:
  std::vector<Slice> slices_;
  std::vector<float*> pointers_;
};

class LayerNormStep final : public KernelStep {
 public:
  LayerNormStep(const LayerNormShape& shape, const NormWeights& weights, Slice src, Slice dst, int threads)
      : KernelStep({src, dst}), shape_(shape), weights_(weights), threads_(threads) {}
  Status run(const RunContext&) override {
    const bool affine = !weights_.weight.empty();
    layer_norm(shape_, pointer(0), affine ? weights_.weight.data() : nullptr, affine ? weights_.bias.data() : nullptr,
               pointer(1), threads_);
    return {};
  }
  std::string_view op() const override { return "layer_norm"; }
  std::string shape() const override { return fmt::format("{}x{}", shape_.rows, shape_.dim); }
  std::string kernel() const override { return "highway"; }

 private:
  LayerNormShape shape_;
  const NormWeights& weights_;
  int threads_;
};

class AttentionStep final : public KernelStep {
 public:
  AttentionStep(const AttentionShape& shape, Slice q, Slice k, Slice v, Slice out, Slice scratch, int threads)
      : KernelStep({q, k, v, out, scratch}), shape_(shape), threads_(threads) {}
  Status run(const RunContext&) override {
    attention(shape_, pointer(0), pointer(1), pointer(2), pointer(3), pointer(4), threads_);
    return {};
  }
  std::string_view op() const override { return "attention"; }
  std::string shape() const override {
    return fmt::format("{}x{}x{}x{}x{}", shape_.images, shape_.heads, shape_.queries, shape_.keys, shape_.head_dim);
  }
  std::string kernel() const override { return "highway"; }

 private:
  AttentionShape shape_;
  int threads_;
};

class PatchesStep final : public KernelStep {
 public:
  PatchesStep(int images, int side, int patch, Slice dst, int threads)
      : KernelStep({dst}), images_(images), side_(side), patch_(patch), threads_(threads) {}
  Status run(const RunContext& context) override {
    const int grid = side_ / patch_;
    const std::size_t row_floats = 3 * size(patch_) * size(patch_);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int line = 0; line < images_ * grid; ++line) {
      for (int column = 0; column < grid; ++column) {
        copy_patch(context.images, line / grid, line % grid, column,
                   pointer(0) + (size(line) * size(grid) + size(column)) * row_floats);
      }
    }
    return {};
  }
  std::string_view op() const override {
    return "patches";
  }
  std::string shape() const override {
    return fmt::format("{}x3x{}x{}", images_, side_, side_);
  }

 private:
  // dst: (3, P, P)
  void copy_patch(const float* images, int image, int row, int column, float* dst) const {
    const std::size_t side = size(side_);
    const std::size_t patch = size(patch_);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const float* plane = images + (size(image) * 3 + channel) * side * side;
      for (std::size_t y = 0; y < patch; ++y, dst += patch) {
        std::copy_n(plane + (size(row) * patch + y) * side + size(column) * patch, patch, dst);
      }
    }
  }

  int images_, side_, patch_, threads_;
};

class ChannelsLastStep final : public KernelStep {
 public:
  ChannelsLastStep(int images, int side, int out_side, Slice dst, Slice resized, int threads)
      : KernelStep({dst, resized}), images_(images), side_(side), out_side_(out_side), threads_(threads) {}
  Status run(const RunContext& context) override {
    const float* planes = context.images;
    if (out_side_ != side_) {
      resize_bilinear(planes, 3 * images_, side_, out_side_, pointer(1), threads_);
      planes = pointer(1);
    }
    const std::size_t side = size(out_side_);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int line = 0; line < images_ * out_side_; ++line) {
      const std::size_t image = size(line / out_side_);
      const float* red = planes + image * 3 * side * side + size(line % out_side_) * side;
      float* dst = pointer(0) + size(line) * side * 3;
      for (std::size_t x = 0; x < side; ++x) {
        for (std::size_t channel = 0; channel < 3; ++channel) dst[3 * x + channel] = red[channel * side * side + x];
      }
    }
    return {};
  }
  std::string_view op() const override {
    return "channels_last";
  }
  std::string shape() const override {
    return fmt::format("{}x3x{}x{}", images_, out_side_, out_side_);
  }

 private:
  int images_, side_, out_side_, threads_;
};

class AssembleStep final : public KernelStep {
 public:
  AssembleStep(int images, int prefix, int tokens, int dim, const std::vector<float>& embed, Slice patches, Slice x,
               int threads)
      : KernelStep({patches, x}),
        images_(images),
        prefix_(prefix),
        tokens_(tokens),
        dim_(dim),
        embed_(embed),
        threads_(threads) {}
  Status run(const RunContext&) override {
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int row = 0; row < images_ * tokens_; ++row) {
      const int token = row % tokens_;
      const float* embed = embed_.data() + size(token) * size(dim_);
      float* x = pointer(1) + size(row) * size(dim_);
      if (token < prefix_) {
        std::copy_n(embed, dim_, x);
        continue;
      }
      const std::size_t patches = size(row / tokens_) * size(tokens_ - prefix_);
      const float* patch = pointer(0) + (patches + size(token - prefix_)) * size(dim_);
      for (std::size_t i = 0; i < size(dim_); ++i) x[i] = patch[i] + embed[i];
    }
    return {};
  }
  std::string_view op() const override {
    return "assemble";
  }
  std::string shape() const override {
    return fmt::format("{}x{}x{}", images_, tokens_, dim_);
  }

 private:
  int images_, prefix_, tokens_, dim_;
  const std::vector<float>& embed_;
  int threads_;
};

class TurnStep final : public KernelStep {
 public:
  TurnStep(const RotaryTable& table, const TurnedRows& rows, int threads)
      : KernelStep({rows.values}), table_(table), rows_(rows), threads_(threads) {}
  Status run(const RunContext&) override {
    const std::size_t row = size(rows_.row);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int image = 0; image < rows_.images; ++image) {
      float* patches = pointer(0) + (size(image) * size(rows_.tokens) + size(rows_.prefix)) * row;
      turn_heads(table_, rows_.heads, patches, row);
    }
    return {};
  }
  std::string_view op() const override {
    return "turn";
  }
  std::string shape() const override {
    return fmt::format("{}x{}x{}x{}", rows_.images, rows_.tokens, rows_.heads, 2 * table_.half);
  }

 private:
  const RotaryTable& table_;
  TurnedRows rows_;
  int threads_;
};

float activate(Activation activation, float x) {
  constexpr float kQuickGeluSlope = 1.702F;
  switch (activation) {
    case Activation::gelu:
      return 0.5F * x * (1.0F + std::erf(x / std::numbers::sqrt2_v<float>));
    case Activation::quick_gelu:
      return x / (1.0F + std::exp(-kQuickGeluSlope * x));
    case Activation::silu:
      break;
  }
  return x / (1.0F + std::exp(-x));
}

class GateStep final : public KernelStep {
 public:
  GateStep(int rows, int width, Activation activation, Slice src, Slice dst, int threads)
      : KernelStep({src, dst}), rows_(rows), width_(width), activation_(activation), threads_(threads) {}
  Status run(const RunContext&) override {
    const std::size_t width = size(width_);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int row = 0; row < rows_; ++row) {
      const float* gate = pointer(0) + size(row) * 2 * width;
      float* dst = pointer(1) + size(row) * width;
      for (std::size_t i = 0; i < width; ++i) dst[i] = activate(activation_, gate[i]) * gate[width + i];
    }
    return {};
  }
  std::string_view op() const override {
    return "gate";
  }
  std::string shape() const override {
    return fmt::format("{}x{}", rows_, width_);
  }

 private:
  int rows_, width_;
  Activation activation_;
  int threads_;
};

class ObserveStep final : public KernelStep {
 public:
  ObserveStep(BlockObserver& observer, int block, int images, int tokens, int dim, Slice x)
      : KernelStep({x}), observer_(observer), block_(block), images_(images), floats_(size(tokens) * size(dim)) {}
  Status run(const RunContext&) override {
    for (int image = 0; image < images_; ++image)
      observer_.after_block(image, block_, {pointer(0) + size(image) * floats_, floats_});
    return {};
  }
  std::string_view op() const override { return "observe"; }
  std::string shape() const override { return fmt::format("{}x{}", images_, floats_); }

 private:
  BlockObserver& observer_;
  int block_, images_;
  std::size_t floats_;
};

class FirstRowsStep final : public KernelStep {
 public:
  FirstRowsStep(int images, int tokens, int dim, Slice src, Slice dst)
      : KernelStep({src, dst}), images_(images), tokens_(tokens), dim_(dim) {}
  Status run(const RunContext&) override {
    for (int image = 0; image < images_; ++image) {
      std::copy_n(pointer(0) + size(image) * size(tokens_) * size(dim_), dim_, pointer(1) + size(image) * size(dim_));
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
      float* mean = pointer(1) + size(image) * size(dim_);
      std::fill_n(mean, dim_, 0.0F);
      for (const int tokens : level_tokens_) {
        const float share = 1.0F / static_cast<float>(level_tokens_.size() * size(tokens));
        for (int token = 0; token < tokens; ++token, row += dim_) {
          for (std::size_t i = 0; i < size(dim_); ++i) mean[i] += share * row[i];
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
      const float* src = pointer(0) + size(row) * size(dim_);
      float* dst = pointer(1) + size(row) * size(dim_);
      double sum = 0;
      for (std::size_t i = 0; i < size(dim_); ++i) sum += static_cast<double>(src[i]) * src[i];
      const double norm = std::max(std::sqrt(sum), eps_);
      for (std::size_t i = 0; i < size(dim_); ++i) dst[i] = static_cast<float>(src[i] / norm);
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
        feature_floats_(size(images) * size(dim)),
        logits_floats_(size(images) * size(classes)) {}
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

std::unique_ptr<Step> make_layer_norm_step(const LayerNormShape& shape, const NormWeights& weights, Slice src,
                                           Slice dst, int threads) {
  return std::make_unique<LayerNormStep>(shape, weights, src, dst, threads);
}

std::unique_ptr<Step> make_attention_step(Plan& plan, const AttentionShape& shape, Slice q, Slice k, Slice v, Slice out,
                                          int threads) {
  const Slice scratch = plan.add_buffer(attention_scratch(shape, threads));
  return std::make_unique<AttentionStep>(shape, q, k, v, out, scratch, threads);
}

std::unique_ptr<Step> make_patches_step(int images, int side, int patch, Slice dst, int threads) {
  return std::make_unique<PatchesStep>(images, side, patch, dst, threads);
}

std::unique_ptr<Step> make_channels_last_step(Plan& plan, int images, int side, int out_side, Slice dst, int threads) {
  const std::size_t planes = out_side == side ? 1 : size(images) * 3 * size(out_side) * size(out_side);
  return std::make_unique<ChannelsLastStep>(images, side, out_side, dst, plan.add_buffer(planes), threads);
}

std::unique_ptr<Step> make_assemble_step(int images, int prefix, int tokens, int dim, const std::vector<float>& embed,
                                         Slice patches, Slice x, int threads) {
  return std::make_unique<AssembleStep>(images, prefix, tokens, dim, embed, patches, x, threads);
}

std::unique_ptr<Step> make_turn_step(const RotaryTable& table, const TurnedRows& rows, int threads) {
  return std::make_unique<TurnStep>(table, rows, threads);
}

std::unique_ptr<Step> make_gate_step(int rows, int width, Activation activation, Slice src, Slice dst, int threads) {
  return std::make_unique<GateStep>(rows, width, activation, src, dst, threads);
}

std::unique_ptr<Step> make_observe_step(BlockObserver& observer, int block, int images, int tokens, int dim, Slice x) {
  return std::make_unique<ObserveStep>(observer, block, images, tokens, dim, x);
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
