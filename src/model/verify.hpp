// Does an engine still give the numbers that a file promises? For the golden vectors inside a model file, and for
// golden files made by another implementation.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/model.hpp"

namespace dfa {

// Golden files hold the authors' own float32 logits: every engine must reproduce them to the project's stated
// precision.
inline constexpr double kGoldenLogitsTolerance = 2e-5;
// The read-out is a LayerNorm away from the logits and up to 48 times wider summed there: the same figure for each of
// its values.
inline constexpr double kGoldenFeatureTolerance = 2e-5;
// The vectors inside a file come from ref; a folded and differently ordered f32 network of ViT-B/16 stays within this
// of it.
inline constexpr double kOwnLogitsTolerance = 1e-4;
// bf16 and int8 round on purpose: ten times what they were seen to differ by on the embedded model (0.0032, 0.0105), so
// that wrong scales are found, and rounding passes.
inline constexpr double kOwnBf16Tolerance = 0.03;
inline constexpr double kOwnInt8Tolerance = 0.1;

// One group of values under one engine. Differences are |got - want| / max(1, |want|).
struct VerifiedGroup {
  std::string engine;      // "ref", "f32"
  std::string group;       // "golden.logits", "eval.logits", "eval.feature"
  std::size_t values = 0;  // compared; 0 is a failure
  double largest = 0;      // NaN where a value was no number
  double largest_absolute = 0;
  double tolerance = 0;
  std::string problem;  // why nothing was compared, or why the comparison proves nothing

  bool ok() const { return problem.empty() && values > 0 && largest <= tolerance; }
};

struct VerifyReport {
  std::vector<VerifiedGroup> groups;
  std::vector<std::string> notes;  // contradictions between the golden file's metadata and the model's configuration
  bool ok() const;                 // at least one group, and all of them
};

// Recomputes the golden vectors of the file with each engine. A file without golden vectors gives a report that is not
// ok. Errors: model_incompatible (a backbone has no logits), model_tensors, usage (no engines).
Result<VerifyReport> verify_model(const Model& model, const std::vector<Precision>& engines, int threads = 0);

// Feeds `images` (N, 3, S, S) f32 of the golden file and compares `eval.logits` (N, classes) and `eval.feature` (N, D).
// Both must be there. Errors: as above; model_format when the golden file holds no images, or images of another size.
Result<VerifyReport> verify_against_golden(const Model& model, const TensorFile& golden,
                                           const std::vector<Precision>& engines, int threads = 0);

// The comparison itself. Fails (by `problem`) for empty, unequal or constant expectations.
VerifiedGroup compare_values(std::string engine, std::string group, std::span<const float> got,
                             std::span<const float> want, double tolerance);

}  // namespace dfa
