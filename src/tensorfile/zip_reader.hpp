// The directory of a zip archive whose members are stored uncompressed, as torch writes them (zip64 included). Nothing
// is copied: a member is a view of the archive's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dfa {

struct ZipMember {
  std::uint64_t header_offset = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  std::uint16_t method = 0;  // 0: stored
  bool encrypted = false;
};

class ZipArchive {
 public:
  // Reads the directory. Errors: model_format (damaged, truncated, duplicate names), limit_exceeded (more than
  // `max_members`).
  static Result<ZipArchive> open(std::span<const std::byte> bytes, std::size_t max_members);

  const std::map<std::string, ZipMember, std::less<>>& members() const { return members_; }

  // The bytes of a member. A checksum of 0 counts as "none was written" (torch has such a setting), any other is
  // compared. Errors: model_format (no such member, compressed, encrypted, outside the file, wrong checksum).
  Result<std::span<const std::byte>> read(std::string_view name) const;

 private:
  std::span<const std::byte> bytes_;
  std::map<std::string, ZipMember, std::less<>> members_;
};

// CRC-32 as in zip and PNG.
std::uint32_t crc32_of(std::span<const std::byte> bytes);

}  // namespace dfa
