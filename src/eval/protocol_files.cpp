// The protocols that are compiled into the program: CMake makes one pair of symbols a file (cmake/EmbedFile.cmake) and
// the list of their names, DFA_PROTOCOLS(X) = X(table3) X(table4) ...
#include <algorithm>
#include <array>
#include <span>

#include "base/file.hpp"
#include "base/nearest_name.hpp"
#include "eval/protocol.hpp"
#include "protocol_list.inc"

#define DFA_DECLARE_PROTOCOL(name)                 \
  extern "C" {                                     \
  extern const char dfa_protocol_##name##_begin[]; \
  extern const char dfa_protocol_##name##_end[];   \
  }
DFA_PROTOCOLS(DFA_DECLARE_PROTOCOL)

namespace dfa {
namespace {

constexpr std::uint64_t kMaxProtocolBytes = 4 << 20;

struct Embedded {
  std::string_view name;
  std::string_view text;
};

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

std::span<const Embedded> embedded_protocols() {
#define DFA_EMBEDDED_PROTOCOL(name) {#name, between(dfa_protocol_##name##_begin, dfa_protocol_##name##_end)},
  static const std::array list = std::to_array<Embedded>({DFA_PROTOCOLS(DFA_EMBEDDED_PROTOCOL)});
  return list;
}

bool looks_like_a_file(const std::string& name) {
  std::error_code error;
  return name.ends_with(".json") || name.find('/') != std::string::npos || std::filesystem::exists(name, error);
}

}  // namespace

std::vector<std::string> protocol_names() {
  std::vector<std::string> names;
  for (const Embedded& protocol : embedded_protocols()) names.emplace_back(protocol.name);
  return names;
}

Result<Protocol> find_protocol(const std::string& name_or_file) {
  for (const Embedded& protocol : embedded_protocols())
    if (protocol.name == name_or_file) return parse_protocol(protocol.text, "protocol " + name_or_file);
  if (!looks_like_a_file(name_or_file)) {
    const std::vector<std::string> names = protocol_names();
    return fail(ErrorCode::usage,
                "no protocol is called \"{}\", did you mean {}?\n  next step: dfa evaluate --list-protocols, or give a "
                "file of the form of protocols/schema.json",
                name_or_file, nearest_name(name_or_file, names));
  }
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(name_or_file, kMaxProtocolBytes));
  return parse_protocol(text, name_or_file);
}

}  // namespace dfa
