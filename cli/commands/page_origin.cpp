#include "cli/commands/page_origin.hpp"

#include <fmt/ranges.h>

#include <filesystem>
#include <fstream>

#include "base/hash.hpp"
#include "base/machine.hpp"

namespace dfa::cli {
namespace {

constexpr std::size_t kMostCommandBytes = 1 << 20;

// As a shell would take it.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=:,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// This process's own, as the kernel has it; empty where it does not say.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string line, word;
  for (std::size_t count = 0; count < kMostCommandBytes && std::getline(file, word, '\0'); count += word.size() + 1)
    line += (line.empty() ? "" : " ") + shell_word(word);
  return line;
}

// "Intel(R) Xeon(R), 2 processors, avx2 fma".
std::string machine_words() {
  const MachineFacts facts = machine_facts();
  return fmt::format("{}, {} processors, {}", facts.cpu_model, facts.processors, fmt::join(facts.isa, " "));
}

}  // namespace

Result<PageOrigin> page_origin(const std::vector<std::vector<std::string>>& inputs) {
  PageOrigin origin{command_line(), {{"machine", machine_words()}}};
  for (const std::vector<std::string>& files : inputs)
    for (const std::string& file : files) {
      std::error_code ignored;
      if (!std::filesystem::is_regular_file(file, ignored)) continue;
      DFA_ASSIGN_OR_RETURN(const std::string sha256, sha256_file(file));
      origin.items.push_back({"SHA-256 of " + file, sha256});
    }
  return origin;
}

}  // namespace dfa::cli
