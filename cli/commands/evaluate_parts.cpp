#include "cli/commands/evaluate_parts.hpp"

namespace dfa::cli {

Result<ExitStatus> EvaluatePart::run(const EvaluateOptions&, CommandContext&) {
  return fail(ErrorCode::internal, "a part of dfa evaluate that has no run of its own was asked for one");
}
Status EvaluatePart::extend(EvaluateRun&, CommandContext&) {
  return {};
}
Status EvaluatePart::write(const EvaluateRun&, CommandContext&) {
  return {};
}

std::vector<std::unique_ptr<EvaluatePart>> evaluate_parts() {
  std::vector<std::unique_ptr<EvaluatePart>> parts;
  // A line for each: parts.push_back(make_..._part());
  return parts;
}

}  // namespace dfa::cli
