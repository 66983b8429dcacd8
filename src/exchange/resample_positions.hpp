// Tables of learned positions for another image size, by the rule of the library that the weights come from.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// Libraries differ, and a network sees the difference. All put pixel centres at half coordinates and repeat the edge.
//   bilinear: timm's reader of Google's .npz. No antialiasing.
//   bicubic: Keys' kernel with a = -0.75, no antialiasing: transformers' CLIP and Dinov2, the authors of MAE.
//   bicubic_antialias: a = -0.5, and the kernel is widened when the grid shrinks: timm; DINOv2 with registers.
//   bicubic_offset: bicubic, but samples lie G / (side + 0.1) apart instead of G / side: the authors of DINOv2.
enum class PositionRule { bilinear, bicubic, bicubic_antialias, bicubic_offset };

// "bicubic with antialiasing"
std::string_view position_rule_text(PositionRule rule);

// (1, prefix + G*G, D) in f32, f16 or bf16 to (1, prefix + side*side, D) f32, summed in double; the first `prefix` rows
// (class and distillation token) stay. The table itself where G = side already. Errors: model_incompatible for rows
// that are no square.
Result<Tensor> resample_positions(const Tensor& table, int prefix, int side, PositionRule rule);

// "positions resampled from 14x14 to 24x24, bicubic with antialiasing"
std::string resampling_text(int from_side, int to_side, PositionRule rule);

}  // namespace dfa
