// Scores that look upside down: an AUC below one half over many items is more often a flipped list than a bad detector.
#pragma once

#include <string>
#include <vector>

#include "eval/evaluation.hpp"

namespace dfa {

inline constexpr std::size_t kPolarityItems = 50;  // of each class; fewer fall below one half by chance

// One sentence for each set (and for all together) whose AUC is below 0.5 on at least 50 + 50 items. Nothing is ever
// flipped here: which way a list runs is for its owner to say.
std::vector<std::string> polarity_warnings(const Evaluation& evaluation);

}  // namespace dfa
