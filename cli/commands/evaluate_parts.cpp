#include "cli/commands/evaluate_parts.hpp"

#include "cli/commands/evaluate_page.hpp"
#include "cli/commands/evaluate_perturb.hpp"

namespace dfa::cli {

Status EvaluatePart::check(const EvaluateOptions&) {
  return {};
}
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
  parts.push_back(make_compare_part());
  parts.push_back(make_legacy_part());
  parts.push_back(make_protocol_part());
  parts.push_back(make_perturb_part());
  parts.push_back(make_page_part());  // the last: it writes what the others made, and knows their options
  return parts;
}

}  // namespace dfa::cli
