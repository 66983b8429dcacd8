#include "eval/text_pool.hpp"

#include <functional>

namespace dfa {
namespace {

constexpr std::size_t kFirstSlots = 64;

}  // namespace

std::string_view TextPool::text(std::uint32_t number) const {
  const std::uint64_t begin = number == 0 ? 0 : ends_[number - 1];
  return std::string_view(characters_).substr(begin, ends_[number] - begin);
}

std::uint32_t TextPool::append(std::string_view text) {
  characters_ += text;
  ends_.push_back(characters_.size());
  return static_cast<std::uint32_t>(ends_.size() - 1);
}

void TextPool::grow() {
  const std::vector<std::uint32_t> old = std::move(slots_);
  slots_.assign(old.empty() ? kFirstSlots : 2 * old.size(), 0);
  for (const std::uint32_t entry : old) {
    if (entry == 0) continue;
    std::size_t slot = std::hash<std::string_view>{}(text(entry - 1)) & (slots_.size() - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = entry;
  }
}

std::uint32_t TextPool::intern(std::string_view wanted) {
  if (2 * (interned_ + 1) > slots_.size()) grow();
  std::size_t slot = std::hash<std::string_view>{}(wanted) & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1))
    if (text(slots_[slot] - 1) == wanted) return slots_[slot] - 1;
  const std::uint32_t number = append(wanted);
  slots_[slot] = number + 1;
  ++interned_;
  return number;
}

}  // namespace dfa
