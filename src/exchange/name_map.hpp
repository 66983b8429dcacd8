// How a network's tensors lie in another library's file. One list serves both ways: reading that library's checkpoints
// and writing files that it loads under its own names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/load_report.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// A tensor of theirs that makes the whole of one of ours, or some of its rows.
struct SourcePart {
  std::string name;                 // theirs; empty: they have none, the values are zeros (DINOv3's k has no bias)
  std::vector<std::int64_t> shape;  // theirs
  // Axis i of ours is their axis axes[i] (a kernel that they store the other way round); empty: the same order.
  std::vector<int> axes = {};
};

// One tensor of ours: the parts one below the other along axis 0, then brought to `shape` (same values, same order).
struct MappedTensor {
  std::string name;                 // ours
  std::vector<std::int64_t> shape;  // ours
  std::vector<SourcePart> parts;
};

using NameMap = std::vector<MappedTensor>;

// Of network_parameters(config) or trunk_parameters(config): those in `map` must be exactly these, with their shapes.
// Errors: internal. For tests and debug builds.
Status check_name_map(const NameMap& map, const std::vector<ParameterSpec>& expected);

struct Renamed {
  TensorMap tensors;  // ours; whole tensors in one part are views of the source, others are copies
  LoadReport report;  // of *their* names: missing, unexpected, wrong shape, NaN; matched counts theirs
};
// Takes apart what the other library wrote. f32, f16, bf16 are kept as they are (parts of different types: f32).
// Never fails: the report says what does not fit, and such tensors are left out. `copied`, where there is one, is
// called whenever a tensor has been copied: its source is not read again.
Renamed to_ours(const NameMap& map, const TensorMap& theirs, const std::function<void()>& copied = {});

// The way back. Errors: model_tensors for a tensor that `ours` lacks; model_incompatible where a part that they do not
// have is not zero.
Result<TensorMap> to_theirs(const NameMap& map, const TensorMap& ours);

}  // namespace dfa
