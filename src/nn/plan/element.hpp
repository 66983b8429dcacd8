// The number format of activations and packed weights. u8: codes (nn/ops/codes.hpp), with s8 weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dfa {

enum class Element : std::uint8_t { f32, bf16, u8 };

constexpr std::size_t element_size(Element element) {
  switch (element) {
    case Element::f32:
      return 4;
    case Element::bf16:
      return 2;
    case Element::u8:
      break;
  }
  return 1;
}

constexpr std::string_view element_name(Element element) {
  switch (element) {
    case Element::f32:
      return "f32";
    case Element::bf16:
      return "bf16";
    case Element::u8:
      break;
  }
  return "u8";
}

}  // namespace dfa
