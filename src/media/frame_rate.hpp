// Frames a second as a ratio of whole numbers: 30000/1001 has no exact decimal form.
#pragma once

namespace dfa {

struct FrameRate {
  int numerator = 25;
  int denominator = 1;
  bool operator==(const FrameRate&) const = default;

  bool is_known() const { return numerator > 0 && denominator > 0; }
};

}  // namespace dfa
