#include "model/strict_json.hpp"

namespace dfa {
namespace {

constexpr std::size_t kShownBytes = 80;

std::string shown(const Json& value) {
  std::string text = json_text(value);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return text;
}

// nlohmann keeps the last of two equal keys in silence: a set per open object finds them. What lies too deep is not
// built at all.
class RecordChecks {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxRecordDepth) {
      too_deep_ = true;
      return false;
    }
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end && !open_.empty()) open_.pop_back();
    if (event == Json::parse_event_t::key && !open_.empty() && repeated_.empty() &&
        !open_.back().insert(parsed.get<std::string>()).second)
      repeated_ = parsed.get<std::string>();
    return true;
  }
  const std::string& repeated() const { return repeated_; }
  bool too_deep() const { return too_deep_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::string repeated_;
  bool too_deep_ = false;
};

}  // namespace

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_record(std::string_view text, std::string_view what, std::size_t max_bytes) {
  if (text.size() > max_bytes)
    return fail(ErrorCode::model_incompatible, "{}: {} bytes of JSON, at most {} are read", what, text.size(),
                max_bytes);
  RecordChecks checks;
  Json json = Json::parse(text, std::ref(checks), false);
  if (checks.too_deep())
    return fail(ErrorCode::model_incompatible, "{}: more than {} levels of JSON", what, kMaxRecordDepth);
  if (!json.is_object())
    return fail(ErrorCode::model_incompatible, "{}: got {} bytes that are no JSON object", what, text.size());
  if (!checks.repeated().empty())
    return fail(ErrorCode::model_incompatible, "{}: key {} comes twice", what, checks.repeated());
  return json;
}

tl::unexpected<Error> RecordReader::refuse(const std::string& key, std::string_view expected) const {
  const auto found = object_.find(key);
  return fail(ErrorCode::model_incompatible, "{}: {} is {}, expected {}", what_, key,
              found == object_.end() ? "missing" : shown(*found), expected);
}

Result<const Json*> RecordReader::any(const std::string& key) {
  taken_.insert(key);
  const auto found = object_.find(key);
  if (found == object_.end()) return fail(ErrorCode::model_incompatible, "{}: {} is missing", what_, key);
  return &*found;
}

Result<std::string> RecordReader::text(const std::string& key) {
  DFA_ASSIGN_OR_RETURN(const Json* value, any(key));
  if (!value->is_string()) return refuse(key, "text");
  return value->get<std::string>();
}

Result<bool> RecordReader::boolean(const std::string& key) {
  DFA_ASSIGN_OR_RETURN(const Json* value, any(key));
  if (!value->is_boolean()) return refuse(key, "true or false");
  return value->get<bool>();
}

Result<std::int64_t> RecordReader::integer(const std::string& key, std::int64_t low, std::int64_t high) {
  DFA_ASSIGN_OR_RETURN(const Json* value, any(key));
  const bool in_range =
      value->is_number_unsigned()
          ? low <= high && value->get<std::uint64_t>() <= static_cast<std::uint64_t>(high) &&
                (low <= 0 || value->get<std::uint64_t>() >= static_cast<std::uint64_t>(low))
          : value->is_number_integer() && value->get<std::int64_t>() >= low && value->get<std::int64_t>() <= high;
  if (!in_range) return refuse(key, fmt::format("a whole number from {} to {}", low, high));
  return value->get<std::int64_t>();
}

Result<double> RecordReader::number(const std::string& key, double low, double high) {
  DFA_ASSIGN_OR_RETURN(const Json* value, any(key));
  if (!value->is_number() || !(value->get<double>() >= low && value->get<double>() <= high))
    return refuse(key, fmt::format("a number from {} to {}", low, high));
  return value->get<double>();
}

Result<const Json*> RecordReader::list(const std::string& key) {
  DFA_ASSIGN_OR_RETURN(const Json* value, any(key));
  if (!value->is_array()) return refuse(key, "a list");
  return value;
}

Result<const Json*> RecordReader::object(const std::string& key) {
  DFA_ASSIGN_OR_RETURN(const Json* value, any(key));
  if (!value->is_object()) return refuse(key, "an object");
  return value;
}

Status RecordReader::finish() const {
  for (const auto& [key, value] : object_.items())
    if (!taken_.contains(key))
      return fail(ErrorCode::model_incompatible,
                  "{}: key {} is not known\n  likely cause: written by another version, or by hand", what_, key);
  return {};
}

}  // namespace dfa
