// Text for HTML.
#pragma once

#include <string>
#include <string_view>

namespace dfa {

// For content and for attributes in quotes of either kind. Bytes that are no UTF-8, and control characters that HTML
// does not allow, become U+FFFD: a file name can be any bytes.
std::string escape_html(std::string_view text);

}  // namespace dfa
