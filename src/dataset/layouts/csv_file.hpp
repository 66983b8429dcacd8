// Comma-separated lists with a header line. Internal to this room.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "dataset/source_list.hpp"

namespace dfa {

struct CsvRow {
  std::size_t line = 0;  // in the file, from 1
  std::vector<std::string> fields;
};

struct CsvTable {
  std::vector<std::string> columns;  // lower case
  std::vector<CsvRow> rows;          // each with as many fields as there are columns
  std::optional<std::size_t> column(std::string_view name) const;
};

// Fields may stand in double quotes, a doubled quote inside means one; no field spans lines. Empty lines are left out.
// Errors: manifest_invalid (empty, a line with another number of fields, a quote without its partner), naming the line.
Result<CsvTable> parse_csv(std::string_view text, std::string_view what);
// Errors: also file_*, limit_exceeded.
Result<CsvTable> read_csv_file(const std::filesystem::path& path, const LayoutLimits& limits);

// The header alone, for recognition: empty where the file is no such list.
std::vector<std::string> csv_columns_of(const std::filesystem::path& path);

}  // namespace dfa
