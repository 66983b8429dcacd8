// Random order, again and again.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/rng.hpp"

namespace dfa::train {

// Walks through a group in random order, then again in another. Requires cards.
class Deck {
 public:
  Deck(std::vector<std::uint32_t> cards, RngStream stream) : cards_(std::move(cards)), stream_(stream) {}
  std::uint32_t next() {
    if (place_ == cards_.size()) place_ = 0;
    if (place_ == 0) stream_.shuffle(std::span(cards_));
    return cards_[place_++];
  }

 private:
  std::vector<std::uint32_t> cards_;
  RngStream stream_;
  std::size_t place_ = 0;
};

}  // namespace dfa::train
