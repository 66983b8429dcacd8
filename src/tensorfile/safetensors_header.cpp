#include "tensorfile/safetensors_header.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace dfa {
namespace {

constexpr std::string_view kMetadata = "__metadata__";
constexpr std::size_t kMaxRank = 16;
constexpr std::size_t kMaxTensors = 1'000'000;

// Follows the parser event by event instead of building a tree: nlohmann's tree keeps the last of two equal keys in
// silence, and a tree of a 100 MB header would take gigabytes. The format has four levels; each state says what may
// come next.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;
  std::string problem;

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::before:
        return go(State::names);
      case State::entry_value:
        fields_ = 0;
        return go(State::fields);
      case State::metadata_value:
        return go(State::metadata_keys);
      default:
        return refuse("an object where none belongs");
    }
  }

  bool end_object() override {
    switch (state_) {
      case State::names:
        return go(State::done);
      case State::fields:
        if (fields_ != (kSeenDtype | kSeenShape | kSeenOffsets))
          return refuse("dtype, shape and data_offsets are expected");
        return go(State::names);
      case State::metadata_keys:
        return go(State::names);
      default:
        return refuse("an object that ends early");
    }
  }

  bool key(std::string& name) override {
    switch (state_) {
      case State::names:
        return begin_entry(name);
      case State::fields:
        return begin_field(name);
      case State::metadata_keys: {
        const auto [at, is_new] = header.metadata.try_emplace(name);
        if (!is_new) return refuse("metadata key " + name + " comes twice");
        text_ = &at->second;
        return go(State::metadata_text);
      }
      default:
        return refuse("a key where none belongs");
    }
  }

  bool string(std::string& text) override {
    if (state_ == State::metadata_text) {
      *text_ = std::move(text);
      return go(State::metadata_keys);
    }
    if (state_ != State::dtype) return refuse("a text where none belongs");
    const auto dtype = parse_dtype(text);
    if (!dtype) return refuse("dtype " + text.substr(0, 40) + " is not one that is read");
    entry_->dtype = *dtype;
    return go(State::fields);
  }

  bool start_array(std::size_t) override {
    if (state_ == State::shape) return go(State::shape_numbers);
    if (state_ != State::offsets) return refuse("a list where none belongs");
    offset_count_ = 0;
    return go(State::offset_numbers);
  }

  bool end_array() override {
    if (state_ == State::shape_numbers) return go(State::fields);
    if (state_ != State::offset_numbers || offset_count_ != 2) return refuse("two data_offsets are expected");
    return go(State::fields);
  }

  bool number_unsigned(std::uint64_t value) override {
    if (state_ == State::shape_numbers) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return refuse("a size of more than 63 bits");
      if (entry_->shape.size() >= kMaxRank) return refuse("more than 16 dimensions");
      entry_->shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (state_ != State::offset_numbers || offset_count_ >= 2) return refuse("a number where none belongs");
    (offset_count_++ == 0 ? entry_->begin : entry_->end) = value;
    return true;
  }

  bool number_integer(std::int64_t) override { return refuse("a negative number"); }
  bool number_float(double, const std::string& text) override {
    return refuse("number " + text.substr(0, 40) + ", counts are expected");
  }
  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }
  bool binary(nlohmann::json::binary_t&) override { return refuse("binary"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    return refuse(fmt::format("not JSON at byte {}", position));
  }

 private:
  enum class State {
    before,
    names,
    entry_value,
    fields,
    dtype,
    shape,
    shape_numbers,
    offsets,
    offset_numbers,
    metadata_value,
    metadata_keys,
    metadata_text,
    done
  };
  static constexpr unsigned kSeenDtype = 1, kSeenShape = 2, kSeenOffsets = 4;

  bool go(State next) {
    state_ = next;
    return true;
  }

  bool refuse(std::string why) {
    if (problem.empty()) problem = name_.empty() ? std::move(why) : fmt::format("{}: {}", name_.substr(0, 200), why);
    return false;
  }

  bool begin_entry(const std::string& name) {
    name_ = name;
    if (name == kMetadata) {
      if (seen_metadata_) return refuse("comes twice");
      seen_metadata_ = true;
      return go(State::metadata_value);
    }
    const auto [at, is_new] = header.entries.try_emplace(name);
    if (!is_new) return refuse("comes twice");
    if (header.entries.size() > kMaxTensors) return refuse("one tensor more than a million");
    entry_ = &at->second;
    return go(State::entry_value);
  }

  bool begin_field(const std::string& name) {
    const unsigned field = name == "dtype"          ? kSeenDtype
                           : name == "shape"        ? kSeenShape
                           : name == "data_offsets" ? kSeenOffsets
                                                    : 0;
    if (field == 0) return refuse("unknown key " + name.substr(0, 40));
    if ((fields_ & field) != 0) return refuse(name + " comes twice");
    fields_ |= field;
    return go(field == kSeenDtype ? State::dtype : field == kSeenShape ? State::shape : State::offsets);
  }

  State state_ = State::before;
  unsigned fields_ = 0;
  int offset_count_ = 0;
  bool seen_metadata_ = false;
  std::string name_;
  SafetensorsEntry* entry_ = nullptr;
  std::string* text_ = nullptr;
};

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string_view json) {
  HeaderReader reader;
  try {
    if (nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) return std::move(reader.header);
  } catch (const nlohmann::json::exception& error) {
    reader.problem = error.what();
  }
  return fail(
      ErrorCode::model_format,
      "safetensors header: {}\n  likely cause: the file is damaged, or written by a program that breaks the format",
      reader.problem.empty() ? "it is not a JSON object" : reader.problem);
}

}  // namespace dfa
