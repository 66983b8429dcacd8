// Reading the JSON records of a model file: every key known, every key once, every value of its type and within its
// range. For this room and the one that exchanges models with other programs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dfa {

// Key order of the text is kept, so that equal records give equal text.
using Json = nlohmann::ordered_json;

// Records of a model file are far smaller and flatter; more is no record. (nlohmann's copies and dumps recurse: depth
// is stack.)
inline constexpr std::size_t kMaxRecordBytes = 1 << 20;
inline constexpr int kMaxRecordDepth = 64;

// Errors: model_incompatible for text that is no JSON object, is too long or too deep, or gives a key twice. `what`
// names the record in messages.
Result<Json> parse_record(std::string_view text, std::string_view what, std::size_t max_bytes = kMaxRecordBytes);

// Takes fields from one object by name and, at the end, refuses those that nobody asked for. The object must outlive
// the reader.
class RecordReader {
 public:
  RecordReader(const Json& object, std::string what) : object_(object), what_(std::move(what)) {}

  bool has(const std::string& key) const { return object_.contains(key); }
  // All errors: model_incompatible, with the record, the key, what was got and what is expected.
  Result<const Json*> any(const std::string& key);
  Result<std::string> text(const std::string& key);
  Result<bool> boolean(const std::string& key);
  Result<std::int64_t> integer(const std::string& key, std::int64_t low, std::int64_t high);
  Result<double> number(const std::string& key, double low, double high);
  // A list or an object, checked to be one.
  Result<const Json*> list(const std::string& key);
  Result<const Json*> object(const std::string& key);
  // Fails if the object has other keys.
  Status finish() const;

  tl::unexpected<Error> refuse(const std::string& key, std::string_view expected) const;

 private:
  const Json& object_;
  std::string what_;
  std::set<std::string> taken_;
};

// JSON text of a value; bytes that are no UTF-8 are replaced, never thrown about.
std::string json_text(const Json& json);

}  // namespace dfa
