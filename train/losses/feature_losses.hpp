// Losses on the logits and on the unit feature, as torch graphs. Include only in .cpp files that see torch.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <span>

namespace dfa::train {

// Rows of length 1; a row of zeros stays one. (N, D) -> (N, D)
at::Tensor unit_rows(const at::Tensor& rows);

// All three: spec method.md section 5, rows 5 and 11, defined in Note [Terms of the loss]. `unit`: (N, D), rows of
// length 1. Results are scalars.
// Nothing when no two samples share a label.
std::optional<at::Tensor> alignment_loss(const at::Tensor& unit, std::span<const std::int64_t> labels);
// Nothing for fewer than two samples.
std::optional<at::Tensor> uniformity_loss(const at::Tensor& unit);
// weak, strong: logits (N, classes). No gradient goes to `weak`.
at::Tensor consistency_loss(const at::Tensor& weak, const at::Tensor& strong);

}  // namespace dfa::train
