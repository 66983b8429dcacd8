#include "base/csv.hpp"

#include <cstring>

namespace dfa {
namespace {

constexpr std::size_t kChunkBytes = 1 << 18;
constexpr int kEnd = -1;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

CsvReader::CsvReader(std::istream& stream, std::string_view what, const CsvLimits& limits)
    : stream_(stream), what_(what), limits_(limits), chunk_(kChunkBytes, '\0') {
  for (const char mark : kByteOrderMark) {
    const int c = take();
    if (c == static_cast<unsigned char>(mark)) continue;
    chunk_at_ = 0;  // no mark: the first chunk from its start
    break;
  }
}

int CsvReader::take() {
  if (chunk_at_ == chunk_size_) {
    stream_.read(chunk_.data(), static_cast<std::streamsize>(chunk_.size()));
    chunk_size_ = static_cast<std::size_t>(stream_.gcount());
    chunk_at_ = 0;
    if (chunk_size_ == 0) return kEnd;
  }
  return static_cast<unsigned char>(chunk_[chunk_at_++]);
}

void CsvReader::close_field() {
  ends_.push_back(text_.size());
}

// After the opening quote, up to the separator behind the closing one.
Status CsvReader::read_quoted() {
  const std::size_t begun = line_;
  while (true) {
    int c = take();
    if (c == kEnd) return invalid("the quoted field begun in line {} has no closing quote", begun);
    if (c == '"') {
      c = take();
      if (c != '"') {
        if (c == '\r') c = take();
        if (c != kEnd && c != ',' && c != '\n')
          return invalid("text after the closing quote of a field, expected a comma or the end of the line");
        after_ = c == ',' ? After::field : c == '\n' ? After::record : After::end;
        line_ += c == '\n' ? 1 : 0;
        close_field();
        return {};
      }
    }
    if (c == '\n') ++line_;
    if (c == '\0') return invalid("a NUL byte, expected text");
    text_ += static_cast<char>(c);
    if (text_.size() > limits_.max_record_bytes)
      return fail(ErrorCode::limit_exceeded, "{}:{}: a record of more than {} bytes (a quote that is never closed?)",
                  what_, record_line_, limits_.max_record_bytes);
  }
}

// From the first character of a field that is not quoted.
Status CsvReader::read_bare(int first) {
  for (int c = first;; c = take()) {
    if (c == ',' || c == '\n' || c == kEnd) {
      after_ = c == ',' ? After::field : c == '\n' ? After::record : After::end;
      line_ += c == '\n' ? 1 : 0;
      const std::size_t start = ends_.empty() ? 0 : ends_.back();
      if (c != ',' && text_.size() > start && text_.back() == '\r') text_.pop_back();
      close_field();
      return {};
    }
    if (c == '"') return invalid("a quote inside a field that does not begin with one");
    if (c == '\0') return invalid("a NUL byte, expected text");
    text_ += static_cast<char>(c);
    if (text_.size() > limits_.max_record_bytes)
      return fail(ErrorCode::limit_exceeded, "{}:{}: a record of more than {} bytes", what_, record_line_,
                  limits_.max_record_bytes);
  }
}

Status CsvReader::read_record() {
  text_.clear();
  ends_.clear();
  record_line_ = line_;
  do {
    const int c = take();
    if (c == '"')
      DFA_TRY(read_quoted());
    else
      DFA_TRY(read_bare(c));
    if (ends_.size() > limits_.max_fields)
      return fail(ErrorCode::limit_exceeded, "{}:{}: more than {} fields", what_, record_line_, limits_.max_fields);
  } while (after_ == After::field);
  return {};
}

Result<std::span<const std::string_view>> CsvReader::next() {
  fields_.clear();
  while (after_ != After::end) {
    DFA_TRY(read_record());
    if (stream_.bad()) return fail(ErrorCode::file_unreadable, "{}: cannot be read to its end", what_);
    if (ends_.size() == 1 && ends_.front() == 0) continue;  // an empty line, or the end of the file
    std::size_t start = 0;
    for (const std::size_t end : ends_) {
      fields_.emplace_back(std::string_view(text_).substr(start, end - start));
      start = end;
    }
    break;
  }
  return std::span<const std::string_view>(fields_);
}

}  // namespace dfa
