#include <algorithm>
#include <cmath>

#include "augment/augment_steps.hpp"

namespace dfa {

Picture erase_rectangle(const Picture& picture, const EraseDraw& draw, const ColourVector& colour) {
  const double area = draw.area * picture.width * picture.height;
  const int width = std::clamp(static_cast<int>(std::lround(std::sqrt(area * draw.aspect))), 1, picture.width);
  const int height = std::clamp(static_cast<int>(std::lround(std::sqrt(area / draw.aspect))), 1, picture.height);
  const int left = static_cast<int>(std::lround(draw.x * (picture.width - width)));
  const int top = static_cast<int>(std::lround(draw.y * (picture.height - height)));
  Picture out = picture;
  for (int y = top; y < top + height; ++y)
    for (int x = left; x < left + width; ++x)
      for (std::size_t c = 0; c < colour.size(); ++c)
        out.rgb[colour.size() * (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
                                 static_cast<std::size_t>(x)) +
                c] = static_cast<std::uint8_t>(std::clamp(std::lround(colour[c]), 0L, 255L));
  return out;
}

}  // namespace dfa
