#include "unit/media/pictures.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "media/read_picture.hpp"
#include "support/shared.hpp"

namespace dfa::test {
namespace {

std::vector<std::uint8_t> bytes_of_hex(const std::string& hex) {
  std::vector<std::uint8_t> bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return bytes;
}

std::vector<ExpectedPicture> read_expectations() {
  std::ifstream file(picture_path("pictures.json"));
  const auto json = nlohmann::json::parse(file);
  std::vector<ExpectedPicture> all;
  for (const auto& [name, entry] : json.at("pictures").items()) {
    ExpectedPicture expected;
    expected.name = name;
    expected.tolerance = entry.at("tolerance");
    expected.picture.width = entry.at("width");
    expected.picture.height = entry.at("height");
    expected.picture.rgb = bytes_of_hex(json.at("rgb").at(entry.at("content").get<std::string>()));
    all.push_back(std::move(expected));
  }
  return all;
}

}  // namespace

const std::vector<ExpectedPicture>& expected_pictures() {
  static const std::vector<ExpectedPicture> all = read_expectations();
  return all;
}

const ExpectedPicture& expected_picture(std::string_view name) {
  for (const ExpectedPicture& expected : expected_pictures())
    if (expected.name == name) return expected;
  throw std::invalid_argument("no such picture: " + std::string(name));
}

std::filesystem::path picture_path(std::string_view name) {
  return source_path("tests/unit/media/data/pictures") / name;
}

std::string picture_bytes(std::string_view name) {
  std::ifstream file(picture_path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<Picture> decode(std::string_view bytes) {
  return decode_picture(std::as_bytes(std::span(bytes)), MediaLimits{});
}

std::string difference(const Picture& got, const Picture& want, int tolerance) {
  if (got.width != want.width || got.height != want.height)
    return fmt::format("{} x {}, expected {} x {}", got.width, got.height, want.width, want.height);
  if (got.rgb.size() != want.rgb.size()) return fmt::format("{} bytes, expected {}", got.rgb.size(), want.rgb.size());
  if (want.rgb.empty()) return "nothing to compare";
  std::size_t worst_at = 0;
  int worst = -1;
  for (std::size_t i = 0; i < want.rgb.size(); ++i)
    if (const int d = std::abs(int{got.rgb[i]} - int{want.rgb[i]}); d > worst) worst = d, worst_at = i;
  if (worst <= tolerance) return "";
  const std::size_t pixel = worst_at / 3, width = static_cast<std::size_t>(want.width);
  return fmt::format("pixel ({}, {}) channel {}: {}, expected {} (tolerance {})", pixel % width, pixel / width,
                     worst_at % 3, got.rgb[worst_at], want.rgb[worst_at], tolerance);
}

}  // namespace dfa::test
