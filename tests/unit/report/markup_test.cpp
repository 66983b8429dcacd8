#include "report/markup.hpp"

#include <gtest/gtest.h>

namespace dfa {
namespace {

TEST(Markup, LatexTakesEveryCharacterOfAFileName) {
  EXPECT_EQ(latex_escaped("a_b%c&d#e$f{g}"), "a\\_b\\%c\\&d\\#e\\$f\\{g\\}");
  EXPECT_EQ(latex_escaped("\\~^<>|"),
            "\\textbackslash{}\\textasciitilde{}\\textasciicircum{}\\textless{}\\textgreater{}\\textbar{}");
  EXPECT_EQ(latex_escaped("\"[1]"), "\\char34{}{[}1{]}");
  EXPECT_EQ(latex_escaped("a\nb").find('\n'), std::string::npos);
}

TEST(Markup, MarkdownTextStaysTextAndOnItsLine) {
  EXPECT_EQ(markdown_escaped("a|b*c_d`e<i>"), "a\\|b\\*c\\_d\\`e\\<i\\>");
  EXPECT_EQ(markdown_escaped("a\nb").find('\n'), std::string::npos);
}

}  // namespace
}  // namespace dfa
