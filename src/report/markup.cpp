#include "report/markup.hpp"

#include "report/record_format.hpp"

namespace dfa {
namespace {

// Empty for what stands for itself.
std::string_view latex_name(char c) {
  switch (c) {
    case '\\':
      return "\\textbackslash{}";
    case '~':
      return "\\textasciitilde{}";
    case '^':
      return "\\textasciicircum{}";
    case '<':
      return "\\textless{}";
    case '>':
      return "\\textgreater{}";
    case '|':
      return "\\textbar{}";
    case '"':  // \textquotedbl is not in LaTeX's first encoding
      return "\\char34{}";
    case '[':  // after a row's end "\\" a bracket would be read as its option
      return "{[}";
    case ']':
      return "{]}";
    default:
      return {};
  }
}

}  // namespace

std::string markdown_escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_[]<>|#~$";
  std::string escaped;
  for (const char c : printable(text)) {
    if (kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string latex_escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "&%$#_{}";
  std::string escaped;
  for (const char c : printable(text)) {
    if (const std::string_view name = latex_name(c); !name.empty()) {
      escaped += name;
      continue;
    }
    if (kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace dfa
