#include "model/verify.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/golden.hpp"
#include "model/metadata.hpp"

namespace dfa {
namespace {

Status check_arguments(const Model& model, const std::vector<Precision>& engines) {
  if (engines.empty()) return fail(ErrorCode::usage, "no engine to verify");
  if (model.kind != kDetector)
    return fail(ErrorCode::model_incompatible, "a {} gives no logits, so there is nothing to verify", model.kind);
  return {};
}

double own_tolerance(Precision engine) {
  switch (engine) {
    case Precision::bf16:
      return kOwnBf16Tolerance;
    case Precision::int8:
      return kOwnInt8Tolerance;
    case Precision::ref:
    case Precision::f32:
      break;
  }
  return kOwnLogitsTolerance;
}

Result<NetworkOutput> run_engine(const Model& model, Precision engine, std::span<const float> images, int count,
                                 int threads) {
  DFA_ASSIGN_OR_RETURN(const auto network, model_network(model, {.precision = engine, .threads = threads}));
  return run_network(*network, images, count);
}

struct GoldenImages {
  int count = 0;
  std::vector<float> values;
};

Result<GoldenImages> read_images(const TensorFile& golden, const NetworkConfig& config) {
  const auto found = golden.tensors.find("images");
  if (found == golden.tensors.end())
    return fail(ErrorCode::model_format, "the golden file holds no tensor images, expected (N, 3, S, S) f32");
  const Tensor& tensor = found->second;
  const std::int64_t count = tensor.shape.empty() ? 0 : tensor.shape[0];
  if (count < 1 || count > std::numeric_limits<int>::max() ||
      tensor.shape != std::vector<std::int64_t>{count, 3, config.image, config.image})
    return fail(ErrorCode::model_format, "golden images are {}, expected Nx3x{}x{}", shape_text(tensor.shape),
                config.image, config.image);
  DFA_ASSIGN_OR_RETURN(auto values, tensor.to_f32());
  return GoldenImages{static_cast<int>(count), std::move(values)};
}

VerifiedGroup compare_with(const TensorFile& golden, std::string engine, const std::string& name,
                           std::span<const float> got, double tolerance) {
  const auto found = golden.tensors.find(name);
  const auto want =
      found == golden.tensors.end() ? Result<std::vector<float>>(std::vector<float>{}) : found->second.to_f32();
  VerifiedGroup group = compare_values(std::move(engine), name, got, want ? *want : std::vector<float>{}, tolerance);
  if (found == golden.tensors.end()) group.problem = "not in the golden file";
  if (!want) group.problem = want.error().message;
  return group;
}

// Where the golden file says what network it was made with, a contradiction explains a difference better than the
// difference does.
std::vector<std::string> contradictions(const TensorFile& golden, const NetworkConfig& config) {
  std::vector<std::string> notes;
  for (const auto& [key, value] : golden.metadata) {
    NetworkConfig said = config;
    if (!set_network_field(said, fmt::format("{}={}", key, value)) || said == config) continue;
    notes.push_back(fmt::format("the golden file was made with {} = {}, the model has another value", key, value));
  }
  return notes;
}

}  // namespace

VerifiedGroup compare_values(std::string engine, std::string group, std::span<const float> got,
                             std::span<const float> want, double tolerance) {
  VerifiedGroup result{.engine = std::move(engine),
                       .group = std::move(group),
                       .values = want.size(),
                       .largest = 0,
                       .largest_absolute = 0,
                       .tolerance = tolerance,
                       .problem = {}};
  if (got.size() != want.size()) {
    result.problem = fmt::format("{} values expected, {} computed", want.size(), got.size());
  } else if (want.empty()) {
    result.problem = "no values to compare";
  } else if (want.size() > 1 && std::all_of(want.begin(), want.end(), [&](float value) { return value == want[0]; })) {
    result.problem = "every expected value is the same: a comparison that proves nothing";
  }
  if (!result.problem.empty()) return result;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double absolute = std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    if (!std::isfinite(absolute)) {  // kept apart from max(), which would drop a NaN
      result.largest = result.largest_absolute = std::numeric_limits<double>::quiet_NaN();
      return result;
    }
    result.largest_absolute = std::max(result.largest_absolute, absolute);
    result.largest = std::max(result.largest, absolute / std::max(1.0, std::abs(static_cast<double>(want[i]))));
  }
  return result;
}

bool VerifyReport::ok() const {
  return !groups.empty() &&
         std::all_of(groups.begin(), groups.end(), [](const VerifiedGroup& group) { return group.ok(); });
}

Result<VerifyReport> verify_model(const Model& model, const std::vector<Precision>& engines, int threads) {
  DFA_TRY(check_arguments(model, engines));
  VerifyReport report;
  if (!model.golden) {
    for (const Precision engine : engines)
      report.groups.push_back({.engine = std::string(precision_name(engine)),
                               .group = "golden.logits",
                               .values = 0,
                               .largest = 0,
                               .largest_absolute = 0,
                               .tolerance = own_tolerance(engine),
                               .problem = "the file carries no golden vectors"});
    return report;
  }
  DFA_ASSIGN_OR_RETURN(const auto images, golden_images(model, model.golden->crops, model.golden->count));
  for (const Precision engine : engines) {
    DFA_ASSIGN_OR_RETURN(const NetworkOutput output, run_engine(model, engine, images, model.golden->count, threads));
    report.groups.push_back(compare_values(std::string(precision_name(engine)), "golden.logits", output.logits,
                                           model.golden->logits, own_tolerance(engine)));
  }
  return report;
}

Result<VerifyReport> verify_against_golden(const Model& model, const TensorFile& golden,
                                           const std::vector<Precision>& engines, int threads) {
  DFA_TRY(check_arguments(model, engines));
  VerifyReport report;
  report.notes = contradictions(golden, model.config);
  DFA_ASSIGN_OR_RETURN(const GoldenImages images, read_images(golden, model.config));
  for (const Precision engine : engines) {
    const std::string name(precision_name(engine));
    DFA_ASSIGN_OR_RETURN(const NetworkOutput output, run_engine(model, engine, images.values, images.count, threads));
    report.groups.push_back(compare_with(golden, name, "eval.logits", output.logits, kGoldenLogitsTolerance));
    report.groups.push_back(compare_with(golden, name, "eval.feature", output.feature, kGoldenFeatureTolerance));
  }
  return report;
}

}  // namespace dfa
