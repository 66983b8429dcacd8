// Which inputs a detector is most wrong about: what one looks at first.
#pragma once

#include <cstddef>
#include <vector>

#include "eval/score_table.hpp"

namespace dfa {

struct WorstErrors {
  std::vector<std::size_t> reals;  // rows of the table, highest p_fake first
  std::vector<std::size_t> fakes;  // lowest p_fake first
};

// One row a video, its worst one; of equal scores the earlier row. At most `most` of each class. O(N).
WorstErrors worst_errors(const ScoreTable& scores, std::size_t most);

}  // namespace dfa
