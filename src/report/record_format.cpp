#include "report/record_format.hpp"

#include "score/result_json.hpp"

namespace dfa {
namespace {

class JsonFormat final : public RecordFormat {
 public:
  std::string begin(const RunRecord& run) override { return result_json_begin(run); }
  std::string item(const ItemRecord& item) override {
    const char* separator = first_ ? "\n" : ",\n";
    first_ = false;
    return separator + result_json_item(item);
  }
  std::string end(const SummaryRecord& summary) override { return result_json_end(summary); }

 private:
  bool first_ = true;
};

class JsonLinesFormat final : public RecordFormat {
 public:
  std::string begin(const RunRecord& run) override {
    run_ = run;
    return {};
  }
  std::string item(const ItemRecord& item) override { return result_json_line(run_, item); }
  std::string end(const SummaryRecord&) override { return {}; }

 private:
  RunRecord run_;
};

// Bytes of the UTF-8 character that starts here; 0 where none does.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 0x6 ? 2 : lead >> 4 == 0xE ? 3 : lead >> 3 == 0x1E ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  return length;
}

// C0, DEL, and C1 (U+0080 to U+009F), which terminals obey as well.
bool is_control(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead < 0x20 || lead == 0x7F;
  return character.size() == 2 && lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text.substr(at));
    const std::string_view character = text.substr(at, length == 0 ? 1 : length);
    if (character == "\n") {
      out += ' ';
    } else if (length == 0 || is_control(character)) {
      out += '?';
    } else {
      out += character;
    }
    at += character.size();
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return width;
}

std::string p_fake_text(std::optional<double> p_fake) {
  constexpr double kHalfStep = 0.005;  // of the second decimal
  if (!p_fake) return "-";
  if (*p_fake < kHalfStep) return "<0.01";
  if (*p_fake > 1 - kHalfStep) return ">0.99";
  return fmt::format("{:.2f}", *p_fake);
}

Result<std::unique_ptr<RecordFormat>> make_record_format(std::string_view name, const FormatOptions& options) {
  if (name == "text") return make_text_format(options);
  if (name == "json") return std::make_unique<JsonFormat>();
  if (name == "jsonl") return std::make_unique<JsonLinesFormat>();
  if (name == "csv") return make_csv_format();
  return fail(ErrorCode::usage, "format \"{}\" is not known; expected text, json, jsonl or csv", name);
}

}  // namespace dfa
