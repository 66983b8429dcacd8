// Text as it stands in Markdown and LaTeX: one set of rules for every table that we write.
#pragma once

#include <string>
#include <string_view>

namespace dfa {

// With a backslash before what Markdown, or HTML inside it, would read as more than text. Control characters as
// printable() shows them, so that a cell stays on its line.
std::string markdown_escaped(std::string_view text);

// For text in LaTeX without any package or encoding; also safe behind the "\\" that ends a row.
std::string latex_escaped(std::string_view text);

}  // namespace dfa
