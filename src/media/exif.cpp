#include "media/exif.hpp"

#include <cstdint>
#include <cstring>

namespace dfa {
namespace {

constexpr std::uint16_t kOrientationTag = 0x0112;
constexpr std::uint16_t kTypeShort = 3;
constexpr std::size_t kEntryBytes = 12;

class TiffBytes {
 public:
  TiffBytes(std::span<const std::byte> bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  bool holds(std::size_t offset, std::size_t count) const {
    return offset <= bytes_.size() && count <= bytes_.size() - offset;
  }
  // Requires: holds(offset, 2) or holds(offset, 4).
  std::uint16_t u16(std::size_t offset) const {
    const unsigned a = at(offset), b = at(offset + 1);
    return static_cast<std::uint16_t>(big_endian_ ? a << 8 | b : b << 8 | a);
  }
  std::uint32_t u32(std::size_t offset) const {
    const std::uint32_t a = u16(offset), b = u16(offset + 2);
    return big_endian_ ? a << 16 | b : b << 16 | a;
  }

 private:
  unsigned at(std::size_t i) const { return std::to_integer<unsigned>(bytes_[i]); }
  std::span<const std::byte> bytes_;
  bool big_endian_;
};

}  // namespace

Orientation exif_orientation(std::span<const std::byte> tiff) {
  constexpr char kPrefix[] = {'E', 'x', 'i', 'f', 0, 0};
  if (tiff.size() >= sizeof kPrefix && std::memcmp(tiff.data(), kPrefix, sizeof kPrefix) == 0)
    tiff = tiff.subspan(sizeof kPrefix);
  if (tiff.size() < 8) return Orientation::upright;
  const bool big_endian = std::memcmp(tiff.data(), "MM\0*", 4) == 0;
  if (!big_endian && std::memcmp(tiff.data(), "II*\0", 4) != 0) return Orientation::upright;

  const TiffBytes bytes(tiff, big_endian);
  const std::size_t directory = bytes.u32(4);
  if (!bytes.holds(directory, 2)) return Orientation::upright;
  const std::size_t entries = bytes.u16(directory);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (!bytes.holds(entry, kEntryBytes)) break;
    if (bytes.u16(entry) == kOrientationTag && bytes.u16(entry + 2) == kTypeShort)
      return orientation_from_tag(bytes.u16(entry + 8));
  }
  return Orientation::upright;
}

}  // namespace dfa
