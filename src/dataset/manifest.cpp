#include "dataset/manifest.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "base/file.hpp"

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kRoles = {Role::train, Role::val, Role::calibration, Role::test};
constexpr int kVersion = 1;
constexpr std::size_t kHashDigits = 64;
constexpr std::int64_t kLargestSide = 65536;

// Where we are, for messages.
struct Place {
  std::string_view what;
  std::size_t line = 0;
  template <class... Args>
  tl::unexpected<Error> invalid(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorCode::manifest_invalid, "{}:{}: {}", what, line, fmt::format(format, std::forward<Args>(args)...));
  }
};

// Errors: manifest_invalid for broken JSON, anything but an object, a key given twice.
Result<Json> parse_line(std::string_view text, const Place& place) {
  std::set<std::string> seen;
  std::string repeated;
  const auto note_keys = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && !seen.insert(parsed.get<std::string>()).second)
      repeated = parsed.get<std::string>();
    return true;
  };
  Json json = Json::parse(text, note_keys, false);
  if (!json.is_object()) return place.invalid("got no JSON object, expected one a line");
  if (!repeated.empty()) return place.invalid("key \"{}\" is given twice", repeated);
  return json;
}

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// A relative path that stays below the root. Bytes are compared, nothing is looked up.
bool stays_below(std::string_view text) {
  const std::filesystem::path path(text);
  if (text.empty() || path.is_absolute() || text.find('\0') != std::string_view::npos) return false;
  return std::none_of(path.begin(), path.end(), [](const std::filesystem::path& part) { return part == ".."; });
}

// Reads the fields of one line and remembers which keys it has seen to.
class Fields {
 public:
  Fields(const Json& json, const Place& place) : json_(json), place_(place) {}

  Status text(const char* key, std::string& to) {
    const Json* value = find_value(key);
    if (value == nullptr) return {};
    if (!value->is_string()) return wrong(key, *value, "text");
    to = value->get<std::string>();
    return {};
  }
  Status path(const char* key, std::string& to) {
    DFA_TRY(text(key, to));
    if (find_value(key) != nullptr && !stays_below(to))
      return place_.invalid("\"{}\" is \"{}\", expected a relative path that stays below the root", key, to);
    return {};
  }
  Status number(const char* key, std::optional<double>& to) {
    const Json* value = find_value(key);
    if (value == nullptr) return {};
    if (!value->is_number()) return wrong(key, *value, "a number");
    to = value->get<double>();
    return {};
  }
  Status whole(const char* key, std::optional<std::int64_t>& to) {
    const Json* value = find_value(key);
    if (value == nullptr) return {};
    const bool fits = value->is_number_unsigned() ? value->get<std::uint64_t>() <= INT64_MAX
                                                  : value->is_number_integer() && value->get<std::int64_t>() >= 0;
    if (!fits) return wrong(key, *value, "a whole number from 0");
    to = value->get<std::int64_t>();
    return {};
  }
  // `count` numbers, nested lists flattened by the caller's shape (rows of `row`; 0 = flat).
  Status numbers(const char* key, std::size_t count, std::size_t row, std::optional<std::vector<double>>& to) {
    const Json* value = find_value(key);
    if (value == nullptr) return {};
    std::vector<double> flat;
    const auto take = [&](const Json& list, std::size_t expected) {
      if (!list.is_array() || list.size() != expected) return false;
      for (const Json& item : list) {
        if (!item.is_number()) return false;
        flat.push_back(item.get<double>());
      }
      return true;
    };
    bool good = value->is_array();
    if (row == 0)
      good = take(*value, count);
    else if (good)
      good = value->size() * row == count &&
             std::all_of(value->begin(), value->end(), [&](const Json& item) { return take(item, row); });
    if (!good) return wrong(key, *value, row == 0 ? "a list of four numbers" : "five [x, y] pairs");
    to = std::move(flat);
    return {};
  }
  const Json* find(const char* key) {
    known_.insert(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  // A value that is there and not null.
  const Json* find_value(const char* key) {
    const Json* value = find(key);
    return value != nullptr && value->is_null() ? nullptr : value;
  }
  Status refuse_unknown() const {
    for (const auto& [key, value] : json_.items())
      if (!known_.contains(key)) return place_.invalid("unknown key \"{}\"", key);
    return {};
  }
  tl::unexpected<Error> wrong(const char* key, const Json& got, std::string_view expected) const {
    return place_.invalid("\"{}\" is {}, expected {}", key,
                          got.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80), expected);
  }

 private:
  const Json& json_;
  const Place& place_;
  std::set<std::string, std::less<>> known_;
};

Status read_crop(const Json& json, const Place& place, Manifest& manifest) {
  Fields fields(json, place);
  DFA_TRY(fields.text("recipe", manifest.crop_name));
  std::optional<std::int64_t> side;
  DFA_TRY(fields.whole("stored_px", side));
  DFA_TRY(fields.text("sha256", manifest.crop_sha256));
  if (manifest.crop_name.empty() || !side || *side < 1 || *side > kLargestSide)
    return place.invalid("\"crop\" is {}, expected the recipe's name and stored_px from 1 to {}",
                         json.dump().substr(0, 80), kLargestSide);
  manifest.stored_px = static_cast<int>(*side);
  if (!manifest.crop_sha256.empty() && !is_hash(manifest.crop_sha256))
    return place.invalid("\"crop\".\"sha256\" is \"{}\", expected 64 hexadecimal digits", manifest.crop_sha256);
  return fields.refuse_unknown();
}

Status read_header(std::string_view line, const Place& place, Manifest& manifest) {
  DFA_ASSIGN_OR_RETURN(const Json json, parse_line(line, place));
  Fields fields(json, place);
  const Json* version = fields.find("dfa_manifest");
  if (version == nullptr)
    return place.invalid(
        "the first line has no \"dfa_manifest\", expected the header {{\"dfa_manifest\":1,\"crop\":...,\"root\":...}}");
  if (*version != kVersion)
    return place.invalid("manifest version {}, this build reads {}", version->dump().substr(0, 20), kVersion);
  const Json* crop = fields.find("crop");
  if (crop == nullptr || !crop->is_object())
    return place.invalid("the header has no \"crop\" object, expected the crop recipe's name and stored_px");
  DFA_TRY(read_crop(*crop, place, manifest));
  DFA_TRY(fields.text("root", manifest.root));
  if (manifest.root.empty() || manifest.root.find('\0') != std::string::npos)
    return place.invalid("\"root\" is empty, expected a folder");
  return fields.refuse_unknown();
}

Status read_label(Fields& fields, const Place& place, ManifestEntry& entry) {
  const Json* label = fields.find("label");
  if (label == nullptr) return place.invalid("\"label\" is missing, expected 0 (real), 1 (fake) or null");
  if (label->is_null()) return {};
  if (!label->is_number_integer() || (*label != 0 && *label != 1))
    return fields.wrong("label", *label, "0 (real), 1 (fake) or null");
  entry.label = label->get<int>();
  return {};
}

Status read_place(Fields& fields, const Place& place, ManifestEntry& entry) {
  std::optional<std::vector<double>> box, landmarks;
  DFA_TRY(fields.numbers("box_px", 4, 0, box));
  DFA_TRY(fields.numbers("landmarks_px", 10, 2, landmarks));
  if (box) {
    entry.box_px = Box{(*box)[0], (*box)[1], (*box)[2], (*box)[3]};
    if (!(entry.box_px->width() > 0 && entry.box_px->height() > 0))
      return place.invalid("\"box_px\" has no area, expected [x1, y1, x2, y2] with x1 < x2 and y1 < y2");
  }
  if (landmarks) {
    entry.landmarks_px.emplace();
    for (std::size_t i = 0; i < 5; ++i) (*entry.landmarks_px)[i] = {(*landmarks)[2 * i], (*landmarks)[2 * i + 1]};
  }
  return {};
}

Status read_video(Fields& fields, ManifestEntry& entry) {
  if (fields.find("video") == nullptr) return {};
  return fields.text("video", entry.video.emplace());
}

Result<ManifestEntry> read_entry(std::string_view line, const Place& place) {
  DFA_ASSIGN_OR_RETURN(const Json json, parse_line(line, place));
  Fields fields(json, place);
  ManifestEntry entry;
  std::string role;
  DFA_TRY(fields.path("path", entry.path));
  if (entry.path.empty()) return place.invalid("\"path\" is missing");
  DFA_TRY(read_label(fields, place, entry));
  DFA_TRY(fields.text("role", role));
  const auto known_role = role_by_name(role);
  if (!known_role) return place.invalid("\"role\": {}", known_role.error().message);
  entry.role = *known_role;
  DFA_TRY(fields.text("set", entry.set));
  DFA_TRY(fields.text("method", entry.method));
  DFA_TRY(fields.text("identity", entry.identity));
  DFA_TRY(fields.text("source", entry.source));
  DFA_TRY(read_video(fields, entry));
  DFA_TRY(fields.whole("frame", entry.frame));
  DFA_TRY(fields.number("pts_seconds", entry.pts_seconds));
  DFA_TRY(read_place(fields, place, entry));
  DFA_TRY(fields.path("mask", entry.mask));
  DFA_TRY(fields.path("landmarks68", entry.landmarks68));
  DFA_TRY(fields.text("crop_sha256", entry.crop_sha256));
  if (!entry.crop_sha256.empty() && !is_hash(entry.crop_sha256))
    return place.invalid("\"crop_sha256\" is \"{}\", expected 64 hexadecimal digits", entry.crop_sha256);
  DFA_TRY(fields.refuse_unknown());
  return entry;
}

// What must hold over all lines: no path twice, no video and no picture in two roles.
class Consistency {
 public:
  Status add(const ManifestEntry& entry, const Place& place) {
    if (const auto [found, fresh] = paths_.emplace(entry.path, place.line); !fresh)
      return place.invalid("path \"{}\" is listed twice, first in line {}", entry.path, found->second);
    DFA_TRY(one_role(
        !entry.video ? "unnamed video (numbered files of one folder count as one; still pictures say \"video\": null)"
                     : "video",
        video_key(entry), entry.role, place));
    if (!entry.crop_sha256.empty()) DFA_TRY(one_role("crop_sha256", entry.crop_sha256, entry.role, place));
    return {};
  }

 private:
  Status one_role(std::string_view kind, const std::string& key, Role role, const Place& place) {
    const auto [found, fresh] = roles_.emplace(std::string(kind) + ":" + key, Use{role, place.line});
    if (fresh || found->second.role == role) return {};
    return place.invalid("{} \"{}\" has role {} here and {} in line {}: what is tested on must not be trained on", kind,
                         key, role_name(role), role_name(found->second.role), found->second.line);
  }
  struct Use {
    Role role;
    std::size_t line;
  };
  std::unordered_map<std::string, std::size_t> paths_;
  std::unordered_map<std::string, Use> roles_;
};

Json crop_json(const Manifest& manifest) {
  Json json = {{"recipe", manifest.crop_name}, {"stored_px", manifest.stored_px}};
  if (!manifest.crop_sha256.empty()) json["sha256"] = manifest.crop_sha256;
  return json;
}

Json entry_json(const ManifestEntry& entry) {
  Json json;
  json["path"] = entry.path;
  json["label"] = entry.label ? Json(*entry.label) : Json(nullptr);
  json["role"] = role_name(entry.role);
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  text("set", entry.set);
  text("method", entry.method);
  text("identity", entry.identity);
  text("source", entry.source);
  if (entry.video) json["video"] = entry.video->empty() ? Json(nullptr) : Json(*entry.video);
  if (entry.frame) json["frame"] = *entry.frame;
  if (entry.pts_seconds) json["pts_seconds"] = *entry.pts_seconds;
  if (entry.box_px) json["box_px"] = {entry.box_px->x1, entry.box_px->y1, entry.box_px->x2, entry.box_px->y2};
  if (entry.landmarks_px) {
    json["landmarks_px"] = Json::array();
    for (const Point& p : *entry.landmarks_px) json["landmarks_px"].push_back({p.x, p.y});
  }
  text("mask", entry.mask);
  text("landmarks68", entry.landmarks68);
  text("crop_sha256", entry.crop_sha256);
  return json;
}

}  // namespace

std::string_view role_name(Role role) {
  switch (role) {
    case Role::train:
      return "train";
    case Role::val:
      return "val";
    case Role::calibration:
      return "calibration";
    case Role::test:
      return "test";
  }
  return "unknown";
}

Result<Role> role_by_name(std::string_view name) {
  for (const Role role : kRoles)
    if (role_name(role) == name) return role;
  return fail(ErrorCode::usage, "got role \"{}\", expected train, val, calibration or test", name);
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view what, const ManifestLimits& limits) {
  Manifest manifest;
  Consistency consistency;
  Place place{what, 0};
  bool has_header = false;
  while (!text.empty()) {
    ++place.line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.size() > limits.max_line_bytes)
      return fail(ErrorCode::limit_exceeded, "{}:{}: the line has {} bytes, at most {} are read", what, place.line,
                  line.size(), limits.max_line_bytes);
    if (!has_header) {
      DFA_TRY(read_header(line, place, manifest));
      has_header = true;
      continue;
    }
    if (manifest.entries.size() == limits.max_entries)
      return fail(ErrorCode::limit_exceeded, "{}: more than {} entries", what, limits.max_entries);
    DFA_ASSIGN_OR_RETURN(ManifestEntry entry, read_entry(line, place));
    DFA_TRY(consistency.add(entry, place));
    manifest.entries.push_back(std::move(entry));
  }
  if (!has_header)
    return fail(ErrorCode::manifest_invalid, "{}: the file is empty, expected a manifest header in its first line",
                what);
  return manifest;
}

Result<Manifest> read_manifest(const std::filesystem::path& path, const ManifestLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, limits.max_bytes));
  return parse_manifest(text, path.string(), limits);
}

std::string manifest_text(const Manifest& manifest) {
  const auto dump = [](const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; };
  std::string text = dump({{"dfa_manifest", kVersion}, {"crop", crop_json(manifest)}, {"root", manifest.root}});
  for (const ManifestEntry& entry : manifest.entries) text += dump(entry_json(entry));
  return text;
}

Status write_manifest(const Manifest& manifest, const std::filesystem::path& path) {
  const std::string text = manifest_text(manifest);
  DFA_TRY(parse_manifest(text, path.string()));
  return write_file_atomically(path, text);
}

std::filesystem::path manifest_root(const Manifest& manifest, const std::filesystem::path& manifest_path) {
  return manifest_path.parent_path() / manifest.root;  // an absolute root replaces the folder
}

std::string video_key(const ManifestEntry& entry) {
  if (entry.video) return entry.video->empty() ? entry.path : *entry.video;
  const std::filesystem::path path(entry.path);
  const std::string stem = path.stem().string();
  const bool numbered =
      !stem.empty() && std::all_of(stem.begin(), stem.end(), [](char c) { return c >= '0' && c <= '9'; });
  return numbered ? path.parent_path().string() : entry.path;
}

}  // namespace dfa
