#include "dataset/landmark_file.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/file.hpp"

namespace dfa {
namespace {

static_assert(std::endian::native == std::endian::little, "the values are copied as they lie in memory");

constexpr std::string_view kMagic{"\x93NUMPY\x01\x00", 8};
constexpr std::size_t kPrefix = kMagic.size() + 2;  // the header's length follows as u16
constexpr std::size_t kAlignment = 64;              // of the values, as NumPy writes them
constexpr std::uint64_t kMaxBytes = 1 << 16;
constexpr std::size_t kPoints = std::tuple_size_v<decltype(Landmarks68::points)>;
constexpr std::size_t kPointsWithForehead = 81;

// The value of a key in the header's dictionary, up to the comma or brace that ends it.
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  std::string_view rest = header.substr(at + key.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
  if (rest.starts_with('(')) return rest.substr(0, rest.find(')') + 1);
  return rest.substr(0, rest.find_first_of(",}"));
}

std::optional<std::size_t> points_of_shape(std::string_view shape) {
  if (!shape.starts_with('(') || !shape.ends_with(", 2)")) return std::nullopt;
  std::size_t points = 0;
  const char* end = shape.data() + shape.size() - 4;
  const auto [stopped, error] = std::from_chars(shape.data() + 1, end, points);
  if (error != std::errc() || stopped != end || (points != kPoints && points != kPointsWithForehead))
    return std::nullopt;
  return points;
}

template <class T>
Landmarks68 take(const std::byte* from) {
  Landmarks68 landmarks;
  for (std::size_t i = 0; i < kPoints; ++i) {
    T xy[2];
    std::memcpy(xy, from + i * sizeof xy, sizeof xy);
    landmarks.points[i] = {static_cast<double>(xy[0]), static_cast<double>(xy[1])};
  }
  return landmarks;
}

struct ValueKind {
  std::string_view descr;
  std::size_t bytes;
  Landmarks68 (*take)(const std::byte*);
};
constexpr ValueKind kKinds[] = {{"'<f4'", 4, take<float>},
                                {"'<f8'", 8, take<double>},
                                {"'<i4'", 4, take<std::int32_t>},
                                {"'<i8'", 8, take<std::int64_t>}};

}  // namespace

std::vector<std::byte> landmark_file_bytes(const Landmarks68& landmarks) {
  std::string text = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 2), }}", kPoints);
  const std::size_t used = kPrefix + text.size() + 1;
  text.append((used + kAlignment - 1) / kAlignment * kAlignment - used, ' ');
  text += '\n';
  const auto length = static_cast<std::uint16_t>(text.size());
  std::string file(kMagic);
  file.append(reinterpret_cast<const char*>(&length), sizeof length);
  file += text;
  for (const Point& point : landmarks.points) {
    const float xy[2] = {static_cast<float>(point.x), static_cast<float>(point.y)};
    file.append(reinterpret_cast<const char*>(xy), sizeof xy);
  }
  const auto bytes = std::as_bytes(std::span(file));
  return {bytes.begin(), bytes.end()};
}

Result<Landmarks68> parse_landmark_file(std::span<const std::byte> bytes, std::string_view what) {
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto broken = [&](std::string_view got) {
    return fail(ErrorCode::manifest_invalid, "{}: {}, expected an .npy file with {} points (x, y)", what, got, kPoints);
  };
  if (file.size() < kPrefix || !file.starts_with(kMagic))
    return broken("does not begin as an .npy file of version 1.0");
  std::uint16_t length = 0;
  std::memcpy(&length, file.data() + kMagic.size(), sizeof length);
  if (file.size() < kPrefix + length) return broken("cut short in its header");
  const std::string_view header = file.substr(kPrefix, length);
  const std::optional<std::size_t> points = points_of_shape(value_of(header, "'shape'"));
  if (!points) return broken("of another shape");
  if (value_of(header, "'fortran_order'") != "False") return broken("in Fortran order");
  for (const ValueKind& kind : kKinds) {
    if (value_of(header, "'descr'") != kind.descr) continue;
    if (file.size() != kPrefix + length + *points * 2 * kind.bytes) return broken("not of the size its header says");
    const Landmarks68 landmarks = kind.take(bytes.data() + kPrefix + length);
    for (const Point& point : landmarks.points)
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) return broken("holding a point that is not finite");
    return landmarks;
  }
  return broken("with values that are neither f4, f8, i4 nor i8");
}

Result<Landmarks68> read_landmark_file(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxBytes));
  return parse_landmark_file(std::as_bytes(std::span(text)), path.string());
}

}  // namespace dfa
