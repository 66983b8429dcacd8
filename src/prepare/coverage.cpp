#include "prepare/coverage.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

// The text names this many items; the JSON has all.
constexpr std::size_t kNamedInText = 20;

std::string label_name(const std::optional<int>& label) {
  if (!label) return "unknown";
  return *label == 1 ? "fake" : "real";
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

Json row_json(const CoverageRow& row) {
  Json json = {{"items", row.items}};
  for (const ItemOutcome outcome : kItemOutcomes) json[std::string(item_outcome_name(outcome))] = row.count(outcome);
  json["chosen_by_mask"] = row.by_mask;
  json["crops_with_landmarks68"] = row.with_landmarks68;
  json["frames"] = {{"wanted", row.frames.wanted},           {"used", row.frames.used},
                    {"no_face", row.frames.no_face},         {"other_face", row.frames.other_face},
                    {"too_small", row.frames.too_small},     {"low_probability", row.frames.low_probability},
                    {"not_cropped", row.frames.not_cropped}, {"failed", row.frames.failed}};
  return json;
}

std::string row_text(const std::string& name, const CoverageRow& row) {
  std::string line = fmt::format("{:<28}{:>8}", name, row.items);
  for (const ItemOutcome outcome : kItemOutcomes) line += fmt::format("{:>11}", row.count(outcome));
  return line + fmt::format("{:>11}{:>11}{:>8.1f}\n", row.frames.wanted, row.frames.used,
                            100 * share(row.frames.used, row.frames.wanted));
}

std::string header_text() {
  return fmt::format("{:<28}{:>8}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>8}\n", "class", "items", "used",
                     "no face", "too small", "uncertain", "unreadable", "frames", "crops", "%");
}

}  // namespace

std::int64_t CoverageRow::count(ItemOutcome outcome) const {
  return outcomes[static_cast<std::size_t>(outcome)];
}

void CoverageRow::add(const ItemResult& result) {
  ++items;
  ++outcomes[static_cast<std::size_t>(result.outcome)];
  if (result.outcome == ItemOutcome::used && result.rule == TrackRule::mask) ++by_mask;
  for (const CropResult& crop : result.crops) with_landmarks68 += crop.landmark_bytes > 0 ? 1 : 0;
  frames.add(result.frames);
}

std::string joined_identities(const SourceItem& item) {
  return fmt::format("{}", fmt::join(item.identities, "+"));
}

Coverage count_coverage(const SourceList& list, std::span<const ItemResult* const> results, Role default_role) {
  Coverage coverage;
  std::set<std::string> compressions;
  coverage.layout = list.layout;
  coverage.reading = list.notes;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const SourceItem& item = list.items[i];
    const ItemResult& result = *results[i];
    coverage.all.add(result);
    coverage.classes[{label_name(item.label), item.method}].add(result);
    if (result.outcome != ItemOutcome::used)
      coverage.missing.push_back({item.path, item.label, item.method, item.role.value_or(default_role), item.set,
                                  joined_identities(item), result.outcome, result.reason});
    for (const std::string& note : result.notes) coverage.notes.emplace_back(item.path, note);
    if (!item.compression.empty()) compressions.insert(item.compression);
  }
  coverage.compressions.assign(compressions.begin(), compressions.end());
  return coverage;
}

std::string coverage_json(const Coverage& coverage) {
  Json json = {{"schema", "dfa.coverage/1"},
               {"layout", coverage.layout},
               {"reading", coverage.reading},
               {"compressions", coverage.compressions},
               {"crop", {{"recipe", coverage.recipe}, {"sha256", coverage.recipe_sha256}}},
               {"all", row_json(coverage.all)},
               {"classes", Json::array()},
               {"missing", Json::array()},
               {"left_out", Json::array()},
               {"notes", Json::array()}};
  for (const auto& [key, row] : coverage.classes) {
    Json entry = {{"label", key.first}, {"method", key.second}};
    entry.update(row_json(row));
    json["classes"].push_back(std::move(entry));
  }
  for (const MissingItem& item : coverage.missing)
    json["missing"].push_back({{"path", item.path},
                               {"label", label_name(item.label)},
                               {"method", item.method},
                               {"role", role_name(item.role)},
                               {"set", item.set},
                               {"identity", item.identity},
                               {"outcome", item_outcome_name(item.outcome)},
                               {"reason", item.reason}});
  for (const SharedCrop& crop : coverage.shared)
    json["left_out"].push_back(
        {{"crop", crop.path}, {"role", role_name(crop.role)}, {"equal_crop_in", role_name(crop.kept_role)}});
  for (const auto& [path, note] : coverage.notes) json["notes"].push_back({{"path", path}, {"note", note}});
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string coverage_text(const Coverage& coverage) {
  std::string text = fmt::format("layout {}, crop recipe {}\n", coverage.layout, coverage.recipe);
  for (const std::string& note : coverage.reading) text += "  " + note + "\n";
  text += header_text();
  for (const auto& [key, row] : coverage.classes)
    text += row_text(key.second.empty() ? key.first : key.first + " " + key.second, row);
  text += row_text("all", coverage.all);
  if (coverage.all.by_mask > 0)
    text += fmt::format("the mask chose the face of {} items, elsewhere it is the largest\n", coverage.all.by_mask);
  if (coverage.all.with_landmarks68 > 0)
    text += fmt::format("68 points were found in {} of {} crops\n", coverage.all.with_landmarks68,
                        coverage.all.frames.used);
  if (!coverage.shared.empty())
    text +=
        fmt::format("{} crops are not in the manifest: an equal one has a role that must not be seen before ({} ...)\n",
                    coverage.shared.size(), coverage.shared.front().path);
  if (coverage.missing.empty()) return text;
  text += fmt::format("{} items gave no crop:\n", coverage.missing.size());
  for (std::size_t i = 0; i < coverage.missing.size() && i < kNamedInText; ++i)
    text += fmt::format("  {}: {}: {}\n", coverage.missing[i].path, item_outcome_name(coverage.missing[i].outcome),
                        coverage.missing[i].reason);
  if (coverage.missing.size() > kNamedInText)
    text += fmt::format("  ... and {} more, all in coverage.json\n", coverage.missing.size() - kNamedInText);
  return text;
}

}  // namespace dfa
