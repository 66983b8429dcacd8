#include "dataset/dfb_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dataset/layouts/dfb_labels.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

using Json = nlohmann::json;  // sorted keys

std::string mask_path(const SourceItem& item, const std::string& frame) {
  return joined(item.mask, frame);
}

Json entry_of(const SourceItem& item, const std::string& label) {
  Json entry = {{"label", label}, {"frames", Json::array()}};
  if (item.kind == SourceKind::video) entry["video"] = item.path;
  if (item.kind == SourceKind::picture) entry["frames"].push_back(item.path);
  for (const std::string& frame : item.frames) {
    entry["frames"].push_back(joined(item.path, frame));
    if (!item.mask.empty()) entry["masks"].push_back(mask_path(item, frame));
  }
  return entry;
}

}  // namespace

Result<std::string> dfb_json_text(const SourceList& list) {
  const bool split = std::any_of(list.items.begin(), list.items.end(), [](const auto& item) { return item.role; });
  Json json = Json::object();
  for (const SourceItem& item : list.items) {
    const auto place = item.label ? dfb_place(list.layout, item) : std::nullopt;
    if (!place)
      return fail(
          ErrorCode::usage,
          "{} ({}): DeepfakeBench has no label for it; it has some for ffpp, dfd, celebdf1, celebdf2, dfdc, dfdcp "
          "and deeperforensics",
          item.path, list.layout);
    if (split && !item.role) continue;
    Json* at = &json[place->top_key][place->label][std::string(role_name(item.role.value_or(Role::test)))];
    if (dfb_has_compression(place->top_key)) at = &(*at)[item.compression];
    const std::string_view name = item.kind == SourceKind::frames ? file_name(item.path) : stem_of(item.path);
    (*at)[std::string(name)] = entry_of(item, place->label);
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dfa
