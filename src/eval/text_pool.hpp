// Many texts in one block of memory, each distinct one once, named by numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dfa {

class TextPool {
 public:
  // The number of `text`; numbers rise from 0 in order of first sight. Amortised O(length).
  std::uint32_t intern(std::string_view text);
  // Adds without looking for an equal one. Texts added so are never found by intern().
  std::uint32_t append(std::string_view text);
  // Valid until the next intern() or append().
  std::string_view text(std::uint32_t number) const;
  std::size_t size() const { return ends_.size(); }

 private:
  void grow();
  std::string characters_;
  std::vector<std::uint64_t> ends_;   // of each text in characters_
  std::vector<std::uint32_t> slots_;  // open addressing, 2^k slots; number + 1, 0 = free
  std::size_t interned_ = 0;
};

}  // namespace dfa
