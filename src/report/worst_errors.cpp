#include "report/worst_errors.hpp"

#include <algorithm>
#include <limits>

namespace dfa {

namespace {

constexpr std::size_t kNoRow = std::numeric_limits<std::size_t>::max();

// How wrong a row is: p_fake of a real, 1 - p_fake of a fake.
double wrongness(const ScoreTable& scores, std::size_t row) {
  return scores.labels()[row] == 1 ? 1 - scores.p_fake()[row] : scores.p_fake()[row];
}

}  // namespace

WorstErrors worst_errors(const ScoreTable& scores, std::size_t most) {
  std::vector<std::size_t> worst(scores.video_count(), kNoRow);  // by video
  for (std::size_t row = 0; row < scores.size(); ++row) {
    if (scores.labels()[row] < 0 || scores.outcomes()[row] != Outcome::scored) continue;
    std::size_t& found = worst[scores.videos()[row]];
    if (found == kNoRow || wrongness(scores, row) > wrongness(scores, found)) found = row;
  }
  WorstErrors errors;
  for (const std::size_t row : worst)
    if (row != kNoRow) (scores.labels()[row] == 1 ? errors.fakes : errors.reals).push_back(row);
  for (std::vector<std::size_t>* rows : {&errors.reals, &errors.fakes}) {
    const std::size_t kept = std::min(most, rows->size());
    std::partial_sort(rows->begin(), rows->begin() + static_cast<std::ptrdiff_t>(kept), rows->end(),
                      [&](std::size_t a, std::size_t b) {
                        const double wrong_a = wrongness(scores, a), wrong_b = wrongness(scores, b);
                        return wrong_a != wrong_b ? wrong_a > wrong_b : a < b;
                      });
    rows->resize(kept);
  }
  return errors;
}

}  // namespace dfa
