// One-file pages: the frame and the style that all our reports share, and their small parts. No script, nothing from
// outside; light and dark screens, narrow ones, and paper.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dfa {

// The whole document around `body` (HTML).
std::string html_page(std::string_view title, std::string_view body);

// A box that is not to be overlooked; nothing where there are no items. `items`: text.
std::string html_note(std::string_view title, const std::vector<std::string>& items);

// A headline figure: all text.
struct HtmlFact {
  std::string value;
  std::string name;
  std::string detail = {};  // below the name; may be empty
};
std::string html_facts(const std::vector<HtmlFact>& facts);

// Content (HTML) that one opens by its summary (text).
enum class Folding { closed, open };
std::string html_details(std::string_view summary, std::string_view content, Folding folding = Folding::closed);

// Columns hold words (left) or numbers (right).
enum class ColumnKind { words, number };
struct HtmlColumn {
  std::string name;
  ColumnKind kind = ColumnKind::number;
};

// A table whose first column names the rows. All cells are text and are escaped here.
class HtmlTable {
 public:
  HtmlTable(std::string caption, std::vector<HtmlColumn> columns)
      : caption_(std::move(caption)), columns_(std::move(columns)) {}
  // Requires as many cells as there are columns.
  void add(const std::vector<std::string>& cells);
  // A line across the table that names the rows below it: text.
  void add_part(std::string_view title);
  bool empty() const { return rows_.empty(); }
  std::string html() const;

 private:
  std::string caption_;
  std::vector<HtmlColumn> columns_;
  std::string rows_;
};

}  // namespace dfa
