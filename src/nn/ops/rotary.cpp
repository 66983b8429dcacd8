#include "nn/ops/rotary.hpp"

#include <cmath>
#include <numbers>

#include "nn/plan/value.hpp"

namespace dfa {

RotaryTable make_rotary_table(const NetworkConfig& config) {
  const int grid = config.grid();
  const int frequencies = config.head_dim() / 4;
  RotaryTable table{.patches = grid * grid, .half = config.head_dim() / 2, .cos = {}, .sin = {}};
  for (int patch = 0; patch < table.patches; ++patch) {
    for (const int line : {patch / grid, patch % grid}) {
      const double coordinate = 2.0 * (line + 0.5) / grid - 1.0;
      for (int i = 0; i < frequencies; ++i) {
        const double frequency = std::pow(config.rotary_base, -static_cast<double>(i) / frequencies);
        const double angle = 2.0 * std::numbers::pi * coordinate * frequency;
        table.cos.push_back(static_cast<float>(std::cos(angle)));
        table.sin.push_back(static_cast<float>(std::sin(angle)));
      }
    }
  }
  return table;
}

namespace {

template <class Value>
void turn(const RotaryTable& table, int heads, Value* rows, std::size_t stride) {
  const std::size_t half = static_cast<std::size_t>(table.half);
  for (std::size_t patch = 0; patch < static_cast<std::size_t>(table.patches); ++patch) {
    const float* cos = table.cos.data() + patch * half;
    const float* sin = table.sin.data() + patch * half;
    for (std::size_t head = 0; head < static_cast<std::size_t>(heads); ++head) {
      Value* first = rows + patch * stride + head * 2 * half;
      Value* second = first + half;
      for (std::size_t j = 0; j < half; ++j) {
        const float a = wide(first[j]), b = wide(second[j]);
        store(a * cos[j] - b * sin[j], first[j]);
        store(b * cos[j] + a * sin[j], second[j]);
      }
    }
  }
}

}  // namespace

void turn_heads(const RotaryTable& table, int heads, float* rows, std::size_t stride) {
  turn(table, heads, rows, stride);
}

void turn_heads_bf16(const RotaryTable& table, int heads, std::uint16_t* rows, std::size_t stride) {
  turn(table, heads, rows, stride);
}

}  // namespace dfa
