#include "tensorfile/zip_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "tensorfile/little_endian.hpp"

namespace dfa {
namespace {

// APPNOTE.TXT 4.3: record signatures and the sizes of their fixed parts.
constexpr std::uint32_t kLocalHeader = 0x04034b50, kDirectoryEntry = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kEnd64Locator = 0x07064b50;
constexpr std::size_t kLocalHeaderSize = 30, kDirectoryEntrySize = 46, kEndSize = 22, kEnd64Size = 56,
                      kEnd64LocatorSize = 20;
constexpr std::size_t kMaxComment = 0xffff;
constexpr std::uint16_t kZip64Extra = 0x0001;
constexpr std::uint16_t kFlagEncrypted = 0x0001;

using Bytes = std::span<const std::byte>;

bool holds(Bytes bytes, std::uint64_t offset, std::uint64_t count) {
  return offset <= bytes.size() && count <= bytes.size() - offset;
}

bool signature_at(Bytes bytes, std::uint64_t offset, std::uint32_t signature, std::size_t size) {
  return holds(bytes, offset, size) && load_le<std::uint32_t>(bytes, offset) == signature;
}

tl::unexpected<Error> damaged(std::string_view problem) {
  return fail(
      ErrorCode::model_format,
      "zip archive: {}\n  likely cause: the file is damaged or was cut short\n  next step: download or copy it again",
      problem);
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entries = 0;
};

// The end record is the last thing in the file but for a comment of unknown length.
std::optional<std::size_t> find_end(Bytes bytes) {
  if (bytes.size() < kEndSize) return std::nullopt;
  const std::size_t last = bytes.size() - kEndSize;
  const std::size_t first = last > kMaxComment ? last - kMaxComment : 0;
  for (std::size_t at = last + 1; at-- > first;)
    if (signature_at(bytes, at, kEnd, kEndSize) &&
        load_le<std::uint16_t>(bytes, at + 20) == bytes.size() - at - kEndSize)
      return at;
  return std::nullopt;
}

Result<Directory> find_directory(Bytes bytes) {
  const std::optional<std::size_t> end = find_end(bytes);
  if (!end) return damaged("it has no end record");
  Directory directory{.offset = load_le<std::uint32_t>(bytes, *end + 16),
                      .size = load_le<std::uint32_t>(bytes, *end + 12),
                      .entries = load_le<std::uint16_t>(bytes, *end + 10)};
  std::uint64_t directory_end = *end;
  // The zip64 record, where there is one, holds the same three numbers in 64 bits and takes precedence.
  if (*end >= kEnd64LocatorSize && signature_at(bytes, *end - kEnd64LocatorSize, kEnd64Locator, kEnd64LocatorSize)) {
    const auto at = load_le<std::uint64_t>(bytes, *end - kEnd64LocatorSize + 8);
    if (!signature_at(bytes, at, kEnd64, kEnd64Size))
      return damaged("its zip64 end record is not where the locator says");
    directory = {.offset = load_le<std::uint64_t>(bytes, at + 48),
                 .size = load_le<std::uint64_t>(bytes, at + 40),
                 .entries = load_le<std::uint64_t>(bytes, at + 32)};
    directory_end = at;
  }
  if (!holds(bytes.first(directory_end), directory.offset, directory.size))
    return damaged("its directory lies outside the file");
  return directory;
}

// Replaces the fields that say "look into the zip64 extra field" (all ones), in the order the format fixes.
Status apply_zip64(Bytes extra, ZipMember& member) {
  const bool wants =
      member.size == 0xffffffffu || member.compressed_size == 0xffffffffu || member.header_offset == 0xffffffffu;
  if (!wants) return {};
  while (extra.size() >= 4) {
    const auto id = load_le<std::uint16_t>(extra, 0);
    const auto length = load_le<std::uint16_t>(extra, 2);
    if (length > extra.size() - 4) return damaged("an extra field is longer than its entry");
    Bytes field = extra.subspan(4, length);
    extra = extra.subspan(4 + std::size_t{length});
    if (id != kZip64Extra) continue;
    for (std::uint64_t* value : {&member.size, &member.compressed_size, &member.header_offset}) {
      if (*value != 0xffffffffu) continue;
      if (field.size() < 8) return damaged("a zip64 field is too short");
      *value = load_le<std::uint64_t>(field, 0);
      field = field.subspan(8);
    }
    return {};
  }
  return damaged("an entry needs a zip64 field that it does not have");
}

struct Entry {
  std::string name;
  ZipMember member;
  std::size_t length = 0;  // of the directory entry
};

Result<Entry> read_entry(Bytes directory) {
  if (!signature_at(directory, 0, kDirectoryEntry, kDirectoryEntrySize)) return damaged("a directory entry is damaged");
  const std::size_t name_length = load_le<std::uint16_t>(directory, 28);
  const std::size_t extra_length = load_le<std::uint16_t>(directory, 30);
  const std::size_t comment_length = load_le<std::uint16_t>(directory, 32);
  Entry entry;
  entry.length = kDirectoryEntrySize + name_length + extra_length + comment_length;
  if (entry.length > directory.size()) return damaged("a directory entry is longer than the directory");
  entry.name.assign(reinterpret_cast<const char*>(directory.data()) + kDirectoryEntrySize, name_length);
  entry.member = {.header_offset = load_le<std::uint32_t>(directory, 42),
                  .compressed_size = load_le<std::uint32_t>(directory, 20),
                  .size = load_le<std::uint32_t>(directory, 24),
                  .crc32 = load_le<std::uint32_t>(directory, 16),
                  .method = load_le<std::uint16_t>(directory, 10),
                  .encrypted = (load_le<std::uint16_t>(directory, 8) & kFlagEncrypted) != 0};
  DFA_TRY(apply_zip64(directory.subspan(kDirectoryEntrySize + name_length, extra_length), entry.member));
  return entry;
}

// Slicing-by-8: table[k][b] is the effect of byte b that is followed by k zero bytes. 1 byte a step would take a second
// for a ViT-B file.
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;
constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xffu];
    }
  return tables;
}
constexpr CrcTables kCrc = make_crc_tables();

}  // namespace

std::uint32_t crc32_of(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffffu;
  while (bytes.size() >= 8) {
    const std::uint32_t low = load_le<std::uint32_t>(bytes, 0) ^ crc;
    const std::uint32_t high = load_le<std::uint32_t>(bytes, 4);
    crc = kCrc[7][low & 0xffu] ^ kCrc[6][low >> 8 & 0xffu] ^ kCrc[5][low >> 16 & 0xffu] ^ kCrc[4][low >> 24] ^
          kCrc[3][high & 0xffu] ^ kCrc[2][high >> 8 & 0xffu] ^ kCrc[1][high >> 16 & 0xffu] ^ kCrc[0][high >> 24];
    bytes = bytes.subspan(8);
  }
  for (const std::byte b : bytes) crc = (crc >> 8) ^ kCrc[0][(crc ^ std::to_integer<std::uint32_t>(b)) & 0xffu];
  return ~crc;
}

Result<ZipArchive> ZipArchive::open(std::span<const std::byte> bytes, std::size_t max_members) {
  DFA_ASSIGN_OR_RETURN(const Directory directory, find_directory(bytes));
  if (directory.entries > max_members)
    return fail(ErrorCode::limit_exceeded, "zip archive: {} members, at most {} are read", directory.entries,
                max_members);
  ZipArchive archive;
  archive.bytes_ = bytes;
  Bytes rest = bytes.subspan(directory.offset, directory.size);
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    DFA_ASSIGN_OR_RETURN(Entry entry, read_entry(rest));
    rest = rest.subspan(entry.length);
    if (!archive.members_.emplace(entry.name, entry.member).second) return damaged("two members have the same name");
  }
  return archive;
}

Result<std::span<const std::byte>> ZipArchive::read(std::string_view name) const {
  const auto found = members_.find(name);
  if (found == members_.end()) return fail(ErrorCode::model_format, "zip archive: no member {}", name);
  const ZipMember& member = found->second;
  if (member.encrypted) return fail(ErrorCode::model_format, "zip archive: member {} is encrypted", name);
  if (member.method != 0)
    return fail(ErrorCode::model_format,
                "zip archive: member {} is compressed (method {}), expected stored members as torch.save writes them\n"
                "  likely cause: the file was unpacked and zipped again\n  next step: zip it with `zip -0`, or use the "
                "original file",
                name, member.method);
  if (!signature_at(bytes_, member.header_offset, kLocalHeader, kLocalHeaderSize))
    return damaged("a member is not where the directory says");
  const std::uint64_t data = member.header_offset + kLocalHeaderSize +
                             load_le<std::uint16_t>(bytes_, member.header_offset + 26) +
                             load_le<std::uint16_t>(bytes_, member.header_offset + 28);
  if (member.compressed_size != member.size || !holds(bytes_, data, member.size))
    return damaged("a member ends outside the file");
  const Bytes content = bytes_.subspan(data, member.size);
  if (member.crc32 != 0 && crc32_of(content) != member.crc32)
    return damaged(fmt::format("member {} does not match its checksum", name));
  return content;
}

}  // namespace dfa
