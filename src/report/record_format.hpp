// The forms in which a result record is written: text for people, JSON whole, JSON lines and CSV for programs. Each
// gives out its text piece by piece while the run goes on, so that a stopped run leaves a valid, partial record.
// Nothing is printed here.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "score/result.hpp"

namespace dfa {

enum class Detail { normal, every_person };

struct FormatOptions {
  // Width of the file column of `text`: of the longest name that will come, as far as it is known.
  std::size_t name_width = 0;
  Detail detail = Detail::normal;  // of `text`
};

// Call begin() once, item() for each item in order, end() once. Each returns the next piece of the output, newlines
// included.
class RecordFormat {
 public:
  virtual ~RecordFormat() = default;
  virtual std::string begin(const RunRecord& run) = 0;
  virtual std::string item(const ItemRecord& item) = 0;
  virtual std::string end(const SummaryRecord& summary) = 0;
};

// name: "text", "json", "jsonl", "csv". Errors: usage for another name.
Result<std::unique_ptr<RecordFormat>> make_record_format(std::string_view name, const FormatOptions& options);

std::unique_ptr<RecordFormat> make_text_format(const FormatOptions& options);
std::unique_ptr<RecordFormat> make_csv_format();

// A name or reason on one line: control characters, which could steer a terminal, and bytes that are not UTF-8 become
// '?'.
std::string printable(std::string_view text);
// Characters that a terminal shows for printable text (code points; wide ones count one).
std::size_t display_width(std::string_view text);

// p_fake as people read it: two decimals, "<0.01" and ">0.99" at the ends, "-" where nothing was measured.
std::string p_fake_text(std::optional<double> p_fake);

}  // namespace dfa
