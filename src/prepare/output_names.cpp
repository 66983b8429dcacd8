#include "prepare/output_names.hpp"

#include <fmt/format.h>

#include <utility>

namespace dfa {
namespace {

std::string below_output(std::string_view item_path) {
  const std::filesystem::path path = std::filesystem::path(item_path).lexically_normal();
  std::string folder;
  for (const std::filesystem::path& part : path) {
    if (part == "." || part.empty()) continue;
    if (!folder.empty()) folder += '/';
    if (part == "/")
      folder += "@root";
    else
      folder += part == ".." ? "@up" : part.string();
  }
  return folder;
}

std::string file_name(std::int64_t frame, std::string_view suffix = ".png") {
  return fmt::format("/{:06}{}", frame, suffix);
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t follow = 0;  // bytes still to come of this character
  unsigned low = 0x80, high = 0xbf;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (follow > 0) {
      if (byte < low || byte > high) return false;
      --follow;
      low = 0x80, high = 0xbf;
    } else if (byte >= 0x80) {
      if (byte < 0xc2 || byte > 0xf4) return false;
      follow = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      // Over-long forms, surrogates and what lies beyond the last character.
      if (byte == 0xe0) low = 0xa0;
      if (byte == 0xed) high = 0x9f;
      if (byte == 0xf0) low = 0x90;
      if (byte == 0xf4) high = 0x8f;
    }
  }
  return follow == 0;
}

std::string crop_folder(std::string_view item_path) {
  return "crops/" + below_output(item_path);
}
std::string mask_folder(std::string_view item_path) {
  return "masks/" + below_output(item_path);
}
std::string landmark_folder(std::string_view item_path) {
  return "landmarks/" + below_output(item_path);
}
std::string crop_file(std::string_view item_path, std::int64_t frame) {
  return crop_folder(item_path) + file_name(frame);
}
std::string mask_file(std::string_view item_path, std::int64_t frame) {
  return mask_folder(item_path) + file_name(frame);
}
std::string landmark_file(std::string_view item_path, std::int64_t frame) {
  return landmark_folder(item_path) + file_name(frame, ".npy");
}

std::string item_of_crop(std::string_view crop_path) {
  const std::filesystem::path folder = std::filesystem::path(crop_path).parent_path();
  std::filesystem::path item;
  bool is_first = true;
  for (const std::filesystem::path& part : folder) {
    if (!std::exchange(is_first, false)) item /= part == "@root" ? "/" : part == "@up" ? ".." : part;
  }
  return !item.empty() && crop_folder(item.string()) == folder.string() ? item.string() : std::string();
}

}  // namespace dfa
