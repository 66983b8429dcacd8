// Tables as text: RFC 4180. Reading takes what programs write (CRLF or LF, a byte order mark, quoted fields with line
// breaks in them) and is strict about the rest; memory is that of one record.
#pragma once

#include <cstddef>
#include <istream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dfa {

// Quoted where RFC 4180 asks for it.
std::string csv_field(std::string_view text);

struct CsvLimits {
  std::size_t max_record_bytes = 1 << 20;
  std::size_t max_fields = 1024;
};

class CsvReader {
 public:
  // `what` names the stream in messages, which carry the line number. Both must outlive the reader.
  CsvReader(std::istream& stream, std::string_view what, const CsvLimits& limits = {});

  // The next record, or no fields at the end. Lines without a character are skipped. The views hold until the next
  // call. Errors: manifest_invalid (text after a closing quote, a quote inside a bare field, a quoted field without an
  // end, a NUL), limit_exceeded, file_unreadable.
  Result<std::span<const std::string_view>> next();
  // Of the first character of the record last read; from 1.
  std::size_t line() const { return record_line_; }

  template <class... Args>
  tl::unexpected<Error> invalid(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorCode::manifest_invalid, "{}:{}: {}", what_, record_line_,
                fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  int take();  // one character, or -1 at the end
  Status read_record();
  Status read_quoted();
  Status read_bare(int first);
  void close_field();

  std::istream& stream_;
  std::string_view what_;
  CsvLimits limits_;
  std::string chunk_;
  std::size_t chunk_at_ = 0, chunk_size_ = 0;
  std::size_t line_ = 1, record_line_ = 0;
  enum class After { field, record, end } after_ = After::field;  // what the last separator said
  std::string text_;                                              // of all fields of the record
  std::vector<std::size_t> ends_;                                 // of each field in text_
  std::vector<std::string_view> fields_;
};

}  // namespace dfa
