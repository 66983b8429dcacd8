#include <algorithm>
#include <cmath>
#include <cstddef>

#include "nn/ops/ref_ops.hpp"

namespace dfa::ref {
namespace {

const float* row_of(Rows rows, int row, int column) {
  return rows.data + static_cast<std::size_t>(row) * rows.stride + column;
}

// weights[t] = softmax over t of scale * q . k[t]
void softmax_scores(const float* query, Rows k, int column, int head_dim, double scale, std::vector<double>& weights) {
  double largest = -HUGE_VAL;
  for (int t = 0; t < k.rows; ++t) {
    const float* key = row_of(k, t, column);
    double score = 0;
    for (int i = 0; i < head_dim; ++i) score += static_cast<double>(query[i]) * key[i];
    weights[t] = scale * score;
    largest = std::max(largest, weights[t]);
  }
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - largest);
  for (double& weight : weights) weight /= sum;
}

}  // namespace

std::vector<float> attention(Rows q, Rows k, Rows v, int heads, int head_dim, double scale, int threads) {
  const int dim = heads * head_dim;
  std::vector<float> out(static_cast<std::size_t>(q.rows) * dim);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < q.rows; ++t) {
    std::vector<double> weights(k.rows);
    std::vector<double> mixed(head_dim);
    for (int head = 0; head < heads; ++head) {
      const int column = head * head_dim;
      softmax_scores(row_of(q, t, column), k, column, head_dim, scale, weights);
      std::fill(mixed.begin(), mixed.end(), 0.0);
      for (int s = 0; s < v.rows; ++s) {
        const float* value = row_of(v, s, column);
        for (int i = 0; i < head_dim; ++i) mixed[i] += weights[s] * value[i];
      }
      for (int i = 0; i < head_dim; ++i)
        out[static_cast<std::size_t>(t) * dim + column + i] = static_cast<float>(mixed[i]);
    }
  }
  return out;
}

}  // namespace dfa::ref
