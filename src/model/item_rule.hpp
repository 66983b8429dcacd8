// How the crops of an item (a picture, a video) become its one number. Part of the model: what a threshold means
// depends on it.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace dfa {

enum class ItemRule {
  persons,      // every usable face; mean over a person's crops, then the largest over persons
  largest_face  // of each frame the largest usable face; mean over the frames
};

// "persons", "largest-face": as model files write it.
std::string_view item_rule_name(ItemRule rule);
// In words, for records and reports.
std::string_view item_rule_words(ItemRule rule);
// Errors: model_incompatible.
Result<ItemRule> parse_item_rule(std::string_view name);

}  // namespace dfa
