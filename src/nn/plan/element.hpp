// The number format of activations and packed weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dfa {

enum class Element : std::uint8_t { f32, bf16 };

constexpr std::size_t element_size(Element element) {
  return element == Element::f32 ? 4 : 2;
}

constexpr std::string_view element_name(Element element) {
  return element == Element::f32 ? "f32" : "bf16";
}

}  // namespace dfa
