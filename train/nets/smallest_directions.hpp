// The smallest singular directions of a matrix (LAPACK through torch).
#pragma once

#include <span>
#include <vector>

#include "base/result.hpp"

namespace dfa::train {

// U (rows, rank), S (rank), V (rank, columns): U diag(S) V is the part of the matrix that its smallest `rank` singular
// values carry, the largest of them first.
struct Directions {
  std::vector<float> u, s, v;
};

// matrix: (rows, columns), decomposed in f64. Requires: 1 <= rank <= min(rows, columns). Errors: internal when the
// decomposition does not converge; out_of_memory.
Result<Directions> smallest_directions(std::span<const float> matrix, int rows, int columns, int rank);

}  // namespace dfa::train
