#include "dataset/layouts/csv_file.hpp"

#include <algorithm>
#include <fstream>

#include "base/file.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

constexpr std::size_t kLongestHeader = 4096;

// Nothing where a quote has no partner.
std::optional<std::vector<std::string>> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c != '"')
        fields.back() += c;
      else if (i + 1 < line.size() && line[i + 1] == '"')
        fields.back() += line[++i];
      else
        quoted = false;
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

std::vector<std::string> header_of(const std::vector<std::string>& fields) {
  std::vector<std::string> columns;
  for (const std::string& field : fields) columns.push_back(lower_case(field));
  return columns;
}

}  // namespace

std::optional<std::size_t> CsvTable::column(std::string_view name) const {
  const auto at = std::find(columns.begin(), columns.end(), name);
  if (at == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(at - columns.begin());
}

Result<CsvTable> parse_csv(std::string_view text, std::string_view what) {
  CsvTable table;
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    auto fields = fields_of(line);
    if (!fields) return fail(ErrorCode::manifest_invalid, "{}:{}: a quote without its partner", what, number);
    if (table.columns.empty()) {
      table.columns = header_of(*fields);
      continue;
    }
    if (fields->size() != table.columns.size())
      return fail(ErrorCode::manifest_invalid, "{}:{}: {} fields, expected {} as in the first line", what, number,
                  fields->size(), table.columns.size());
    table.rows.push_back({number, std::move(*fields)});
  }
  if (table.columns.empty())
    return fail(ErrorCode::manifest_invalid, "{}: empty, expected a line with the names of the columns", what);
  return table;
}

Result<CsvTable> read_csv_file(const std::filesystem::path& path, const LayoutLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, limits.max_list_bytes));
  return parse_csv(text, path.string());
}

std::vector<std::string> csv_columns_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kLongestHeader, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  const std::vector<std::string_view> lines = lines_of(head);
  if (lines.empty()) return {};
  const auto fields = fields_of(lines.front());
  return fields ? header_of(*fields) : std::vector<std::string>{};
}

}  // namespace dfa
