#include "unit/perturb/test_pictures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "media/read_picture.hpp"
#include "support/shared.hpp"

namespace dfa::test {

Picture noise(int width, int height, std::uint64_t seed) {
  RngStream stream(seed, "noise");
  Picture picture{width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width * height))};
  for (std::uint8_t& byte : picture.rgb) byte = static_cast<std::uint8_t>(stream.below(256));
  return picture;
}

Picture ramp(int width, int height) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int value : {200 * x / width + 20, 200 * y / height + 20, 128})
        picture.rgb.push_back(static_cast<std::uint8_t>(value));
  return picture;
}

Picture sample(const std::string& name) {
  auto picture = read_picture(source_path("samples/" + name), MediaLimits{});
  if (picture) return std::move(*picture);
  ADD_FAILURE() << picture.error().message;
  return {};
}

Picture perturbed(const Picture& picture, const Perturbation& perturbation, std::uint64_t seed) {
  auto result = perturb(picture.view(), perturbation, RngStream(seed, "test"));
  if (result) return std::move(*result);
  ADD_FAILURE() << perturbation.code << ' ' << perturbation.level << ": " << result.error().message;
  return {};
}

Difference difference(const Picture& a, const Picture& b) {
  Difference result;
  if (a.width != b.width || a.height != b.height || a.rgb.empty()) {
    ADD_FAILURE() << "sizes differ: " << a.width << "x" << a.height << " and " << b.width << "x" << b.height;
    return {256, 256, 256, 256, 1, 1};
  }
  double sum = 0, squares = 0, absolute = 0;
  std::size_t bytes = 0, pixels = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const int d = a.rgb[i] - b.rgb[i], size = std::abs(d);
    result.largest = std::max(result.largest, size);
    result.largest_around = std::max(result.largest_around, std::min(size, 256 - size));
    sum += d, squares += d * d, absolute += size, bytes += size > 0 ? 1 : 0;
    if (i % 3 == 0 && !std::equal(&a.rgb[i], &a.rgb[i] + 3, &b.rgb[i])) ++pixels;
  }
  const auto n = static_cast<double>(a.rgb.size());
  result.mean = absolute / n;
  result.deviation = std::sqrt(squares / n - sum / n * (sum / n));
  result.bytes_changed = static_cast<double>(bytes) / n;
  result.pixels_changed = static_cast<double>(pixels) / (n / 3);
  return result;
}

}  // namespace dfa::test
