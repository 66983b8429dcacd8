// The 68 points of training crops: those that the manifest names, else found by dlib where the build has it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "face/landmarks68.hpp"
#include "train/data/crop_set.hpp"

namespace dfa::train {

// Thread-safe.
class CropPoints {
 public:
  // `crops` must outlive it. Errors: usage, with the next step, when no real crop has points in the manifest and the
  // build cannot find them.
  static Result<std::unique_ptr<CropPoints>> create(const CropSet& crops);
  virtual ~CropPoints() = default;
  // Real crops that have points, or may have them: all of them with dlib.
  virtual const std::vector<std::uint32_t>& candidates() const = 0;
  // Pixels of the crop; nothing where no face is found. Found points are kept. Errors: those of CropSet and of the
  // finder.
  virtual Result<std::optional<Landmarks68>> find(std::uint32_t sample, const Picture& crop) const = 0;
};

}  // namespace dfa::train
