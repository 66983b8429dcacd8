#include "nn/layers/weight_store.hpp"

#include <algorithm>

namespace dfa {
namespace {

// Address space only: what is not written is not there. Large, so that weights share pages.
constexpr std::size_t kChunkFloats = std::size_t{64} << 20;

}  // namespace

Result<float*> WeightStore::take(std::size_t count) {
  const std::size_t wanted = round_to_line(count);
  if (chunks_.empty() || used_ + wanted > chunks_.back().size()) {
    DFA_ASSIGN_OR_RETURN(Arena chunk, Arena::reserve(std::max(wanted, kChunkFloats)));
    chunks_.push_back(std::move(chunk));
    used_ = 0;
  }
  float* place = chunks_.back().data() + used_;
  used_ += wanted;
  taken_ += wanted;
  return place;
}

}  // namespace dfa
