#include "nn/layers/input_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/layers/kernel_step.hpp"
#include "nn/ops/pixel_codes.hpp"
#include "nn/ops/resize.hpp"
#include "nn/plan/value.hpp"

namespace dfa {
namespace {

class PatchesStep final : public KernelStep {
 public:
  PatchesStep(int images, int side, int patch, Slice dst, int threads)
      : KernelStep({dst}), images_(images), side_(side), patch_(patch), threads_(threads) {}
  Status run(const RunContext& context) override {
    const int grid = side_ / patch_;
    const std::size_t row_values = 3 * to_size(patch_) * to_size(patch_);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int line = 0; line < images_ * grid; ++line) {
      for (int column = 0; column < grid; ++column) {
        const std::size_t first = (to_size(line) * to_size(grid) + to_size(column)) * row_values;
        if (element() == Element::u8)
          encode_patch(patch_at(context.images, line / grid, line % grid, column), to_size(patch_), *codes_of(0),
                       codes(0) + first);
        else if (element() == Element::bf16)
          copy_patch(patch_at(context.images, line / grid, line % grid, column), narrow(0) + first);
        else
          copy_patch(patch_at(context.images, line / grid, line % grid, column), pointer(0) + first);
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
  Planes patch_at(const float* images, int image, int row, int column) const {
    const std::size_t side = to_size(side_), patch = to_size(patch_);
    const std::size_t first = to_size(image) * 3 * side * side + to_size(row) * patch * side + to_size(column) * patch;
    return {images + first, side * side, side};
  }

  // dst: (3, P, P)
  template <class Value>
  void copy_patch(const Planes& from, Value* dst) const {
    const std::size_t patch = to_size(patch_);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      for (std::size_t y = 0; y < patch; ++y, dst += patch) {
        const float* line = from.red + channel * from.plane + y * from.line;
        for (std::size_t x = 0; x < patch; ++x) store(line[x], dst[x]);
      }
    }
  }

  int images_, side_, patch_, threads_;
};

class ChannelsLastStep final : public KernelStep {
 public:
  ChannelsLastStep(int image, int side, int out_side, Slice dst, Slice resized, int threads)
      : KernelStep({dst, resized}), image_(image), side_(side), out_side_(out_side), threads_(threads) {}
  Status run(const RunContext& context) override {
    const float* planes = context.images + to_size(image_) * 3 * to_size(side_) * to_size(side_);
    if (out_side_ != side_) {
      resize_bilinear(planes, 3, side_, out_side_, pointer(1), threads_);
      planes = pointer(1);
    }
    if (element() == Element::u8) {
      encode(planes);
      return {};
    }
    const std::size_t side = to_size(out_side_);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int line = 0; line < out_side_; ++line) {
      const float* red = planes + to_size(line) * side;
      const std::size_t first = to_size(line) * side * 3;
      if (element() == Element::bf16)
        interleave(red, side, narrow(0) + first);
      else
        interleave(red, side, pointer(0) + first);
    }
    return {};
  }
  std::string_view op() const override {
    return "channels_last";
  }
  std::string shape() const override {
    return fmt::format("1x3x{}x{}", out_side_, out_side_);
  }

 private:
  // With a border of pixels that stand for zero.
  void encode(const float* planes) {
    const std::size_t side = to_size(out_side_), border = to_size(kImageBorder), row = (side + 2 * border) * 3;
    const std::uint8_t zero = static_cast<std::uint8_t>(codes_of(0)->zero_point);
    std::fill_n(codes(0), border * row, zero);
    std::fill_n(codes(0) + (border + side) * row, border * row, zero);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int line = 0; line < out_side_; ++line) {
      std::uint8_t* dst = codes(0) + (to_size(line) + border) * row;
      std::fill_n(dst, 3 * border, zero);
      encode_pixels({planes + to_size(line) * side, side * side, side}, side, *codes_of(0), dst + 3 * border);
      std::fill_n(dst + row - 3 * border, 3 * border, zero);
    }
  }

  // One line of three planes to pixels.
  template <class Value>
  static void interleave(const float* red, std::size_t side, Value* dst) {
    for (std::size_t x = 0; x < side; ++x) {
      for (std::size_t channel = 0; channel < 3; ++channel) store(red[channel * side * side + x], dst[3 * x + channel]);
    }
  }

  int image_, side_, out_side_, threads_;
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
      const float* embed = embed_.data() + to_size(token) * to_size(dim_);
      float* x = pointer(1) + to_size(row) * to_size(dim_);
      if (token < prefix_) {
        std::copy_n(embed, dim_, x);
        continue;
      }
      const std::size_t patches = to_size(row / tokens_) * to_size(tokens_ - prefix_);
      const float* patch = pointer(0) + (patches + to_size(token - prefix_)) * to_size(dim_);
      for (std::size_t i = 0; i < to_size(dim_); ++i) x[i] = patch[i] + embed[i];
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

}  // namespace

std::unique_ptr<Step> make_patches_step(int images, int side, int patch, Slice dst, int threads) {
  return std::make_unique<PatchesStep>(images, side, patch, dst, threads);
}

std::unique_ptr<Step> make_channels_last_step(Plan& plan, int image, int side, int out_side, Slice dst, int threads) {
  const std::size_t planes = out_side == side ? 1 : 3 * to_size(out_side) * to_size(out_side);
  return std::make_unique<ChannelsLastStep>(image, side, out_side, dst, plan.add_buffer(planes), threads);
}

std::unique_ptr<Step> make_assemble_step(int images, int prefix, int tokens, int dim, const std::vector<float>& embed,
                                         Slice patches, Slice x, int threads) {
  return std::make_unique<AssembleStep>(images, prefix, tokens, dim, embed, patches, x, threads);
}

}  // namespace dfa
