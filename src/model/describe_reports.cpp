#include <fmt/ranges.h>

#include <algorithm>

#include "model/describe.hpp"
#include "model/list_text.hpp"
#include "model/strict_json.hpp"

namespace dfa {
namespace {

std::string difference_text(const TensorDifference& difference) {
  std::string text = difference.name + ": " + difference.kind;
  if (difference.largest)
    text += fmt::format("{}largest difference {:.6g}", difference.kind.empty() ? "" : ", ", *difference.largest);
  return text;
}

}  // namespace

std::string verify_text(const VerifyReport& report) {
  std::string text =
      fmt::format("{:<8} {:<14} {:>8} {:>12} {:>10}\n", "engine", "values of", "compared", "largest diff", "tolerance");
  for (const VerifiedGroup& group : report.groups) {
    const std::string largest = group.problem.empty() ? fmt::format("{:.3g}", group.largest) : "-";
    text += fmt::format("{:<8} {:<14} {:>8} {:>12} {:>10.3g}  {}\n", group.engine, group.group,
                        group.problem.empty() ? group.values : 0, largest, group.tolerance,
                        group.ok()              ? "ok"
                        : group.problem.empty() ? "FAILED"
                                                : "FAILED: " + group.problem);
  }
  for (const std::string& note : report.notes) text += note + "\n";
  return text + (report.ok() ? "verified\n" : "NOT verified\n");
}

std::string verify_json(const VerifyReport& report, const Model& model) {
  Json groups = Json::array();
  for (const VerifiedGroup& group : report.groups) {
    const bool compared = group.problem.empty();
    groups.push_back(Json::object({{"engine", group.engine},
                                   {"group", group.group},
                                   {"ok", group.ok()},
                                   {"values", compared ? group.values : 0},
                                   {"largest", compared ? Json(group.largest) : Json()},
                                   {"largest_absolute", compared ? Json(group.largest_absolute) : Json()},
                                   {"tolerance", group.tolerance},
                                   {"problem", compared ? Json() : Json(group.problem)}}));
  }
  return json_text(Json::object({{"schema", "dfa.model-verify/1"},
                                 {"ok", report.ok()},
                                 {"model", Json::object({{"name", model.name}, {"sha256", model.sha256}})},
                                 {"norm", "|got - want| / max(1, |want|)"},
                                 {"groups", groups},
                                 {"notes", report.notes}}));
}

std::string diff_text(const ModelDiff& diff) {
  if (diff.identical()) return fmt::format("identical: metadata and {} tensors\n", diff.equal_tensors);
  std::vector<std::string> metadata, tensors;
  for (const MetadataDifference& difference : diff.metadata)
    metadata.push_back(fmt::format("{}: {} | {}", difference.key, cut_line(difference.a.value_or("(none)")),
                                   cut_line(difference.b.value_or("(none)"))));
  for (const TensorDifference& difference : diff.tensors) tensors.push_back(difference_text(difference));
  std::string text;
  if (!metadata.empty()) text += fmt::format("metadata ({})\n  {}\n", metadata.size(), fmt::join(metadata, "\n  "));
  text += list_text("tensors only in the first", diff.only_in_a);
  text += list_text("tensors only in the second", diff.only_in_b);
  text += list_text("tensors that differ", tensors);
  return text + fmt::format("equal tensors: {}\n", diff.equal_tensors);
}

std::string diff_json(const ModelDiff& diff) {
  Json metadata = Json::array(), tensors = Json::array();
  for (const MetadataDifference& difference : diff.metadata)
    metadata.push_back(Json::object({{"key", difference.key},
                                     {"a", difference.a ? Json(*difference.a) : Json()},
                                     {"b", difference.b ? Json(*difference.b) : Json()}}));
  for (const TensorDifference& difference : diff.tensors)
    tensors.push_back(Json::object({{"name", difference.name},
                                    {"kind", difference.kind},
                                    {"largest", difference.largest ? Json(*difference.largest) : Json()}}));
  return json_text(Json::object({{"schema", "dfa.model-diff/1"},
                                 {"identical", diff.identical()},
                                 {"metadata", metadata},
                                 {"only_in_a", diff.only_in_a},
                                 {"only_in_b", diff.only_in_b},
                                 {"tensors", tensors},
                                 {"equal_tensors", diff.equal_tensors}}));
}

}  // namespace dfa
