#include "dataset/layouts/json_file.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace dfa {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 32;  // the lists of data sets go seven deep

// Looks for what the library would let pass: a key given twice (the last would win), and depth.
struct Strictness {
  std::vector<std::set<std::string>> open;
  std::string repeated;
  bool too_deep = false;

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kDeepest) too_deep = true;
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event == Json::parse_event_t::key && !open.empty() && !open.back().insert(parsed.get<std::string>()).second)
      repeated = parsed.get<std::string>();
    return !too_deep;
  }
};

}  // namespace

Result<Json> parse_json_text(std::string_view text, std::string_view what) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return fail(ErrorCode::manifest_invalid, "{}: empty, expected JSON; fetch the file again", what);
  Strictness strictness;
  Json json;
  try {
    json = Json::parse(text, std::ref(strictness));
  } catch (const Json::exception& error) {
    return fail(ErrorCode::manifest_invalid, "{}: not valid JSON: {}", what, error.what());
  }
  if (strictness.too_deep) return fail(ErrorCode::manifest_invalid, "{}: nested deeper than {}", what, kDeepest);
  if (!strictness.repeated.empty())
    return fail(ErrorCode::manifest_invalid, "{}: key \"{}\" is given twice", what, strictness.repeated);
  return json;
}

Result<Json> read_json_file(const std::filesystem::path& path, const LayoutLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, limits.max_list_bytes));
  return parse_json_text(text, path.string());
}

std::string text_at(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace dfa
