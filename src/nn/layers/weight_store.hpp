// Where packed weights live: one store a network, filled once, read only afterwards.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.hpp"
#include "nn/plan/arena.hpp"

namespace dfa {

class WeightStore {
 public:
  // Room for `count` floats that stays where it is. Errors: out_of_memory.
  Result<float*> take(std::size_t count);
  // Handed out so far.
  std::size_t bytes() const { return taken_ * sizeof(float); }

 private:
  std::vector<Arena> chunks_;
  std::size_t used_ = 0;   // floats of the last chunk
  std::size_t taken_ = 0;  // floats of all
};

}  // namespace dfa
