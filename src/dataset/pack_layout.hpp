// Where everything lies in a pack: Note [Pack file] as one table. Internal to this room.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "dataset/pack.hpp"

namespace dfa::pack {

inline constexpr std::string_view kMagic = "DFAPACK1";
inline constexpr std::uint64_t kAlignment = 4096;
inline constexpr std::uint64_t kHeaderBlock = 4096;  // magic, length and JSON
inline constexpr std::uint64_t kHashDigits = 64;
inline constexpr std::uint32_t kNone = 0xffffffff;
inline constexpr int kLargestSide = 4096;

enum Column : std::size_t {
  crops,
  masks,
  landmarks68,
  mask_rows,
  landmark68_rows,
  labels,
  roles,
  paths,
  videos,
  sets,
  methods,
  identities,
  sources,
  frames,
  pts_seconds,
  boxes,
  landmarks,
  crop_sha256,
  string_ends,
  string_bytes,
  kColumns
};

struct Shape {
  std::string crop_name;
  std::string crop_sha256;
  std::uint64_t stored_px = 0;
  std::uint64_t count = 0;
  std::uint64_t masks = 0;
  std::uint64_t landmarks68 = 0;
  std::uint64_t strings = 0;
  std::uint64_t string_bytes = 0;
};

struct Section {
  std::string_view name;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct Layout {
  std::array<Section, kColumns> sections;
  std::uint64_t hash_offset = 0;  // the hash follows the last section, unaligned
};

// Errors: limit_exceeded; within the limits nothing overflows.
Status check_shape(const Shape& shape, const PackLimits& limits);
// Requires a checked shape.
Layout layout_of(const Shape& shape);

// The header block, kHeaderBlock bytes. Errors: limit_exceeded when the recipe's name is too long for it.
Result<std::string> header_block(const Shape& shape);
// Strict. Errors: manifest_invalid, limit_exceeded.
Result<Shape> parse_header(std::string_view block, const PackLimits& limits);

}  // namespace dfa::pack
