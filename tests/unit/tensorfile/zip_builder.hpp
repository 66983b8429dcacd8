// Writes zip archives with any field wrong, for the tests of the reader. Follows APPNOTE.TXT 4.3, not the reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tensorfile/zip_reader.hpp"

namespace dfa::test {

struct ZipMemberFaults {
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::optional<std::uint32_t> crc = {};
  std::optional<std::uint64_t> size = {};
  std::optional<std::uint64_t> header_offset = {};
  bool marks_zip64 = false;  // says that a zip64 field follows, and none does
};

class ZipBuilder {
 public:
  // Sizes and offsets of directory entries, and the end record, in their 64-bit forms.
  ZipBuilder& zip64() {
    zip64_ = true;
    return *this;
  }
  ZipBuilder& add(std::string_view name, std::string_view content, ZipMemberFaults faults = {}) {
    const std::uint64_t offset = bytes_.size();
    const std::uint32_t crc = faults.crc.value_or(crc32_of(std::as_bytes(std::span(content))));
    bytes_ += "PK\3\4";
    put(bytes_, 20, 2);
    put(bytes_, faults.flags, 2);
    put(bytes_, faults.method, 2);
    put(bytes_, 0, 4);
    put(bytes_, crc, 4);
    put(bytes_, content.size(), 4);
    put(bytes_, content.size(), 4);
    put(bytes_, name.size(), 2);
    put(bytes_, 0, 2);
    bytes_ += name;
    bytes_ += content;
    add_entry(name, faults, crc, faults.size.value_or(content.size()), faults.header_offset.value_or(offset));
    ++entries_;
    return *this;
  }
  ZipBuilder& comment(std::string text) {
    comment_ = std::move(text);
    return *this;
  }
  ZipBuilder& directory_offset(std::uint64_t offset) {
    directory_offset_ = offset;
    return *this;
  }
  ZipBuilder& entries(std::uint64_t count) {
    claimed_entries_ = count;
    return *this;
  }
  ZipBuilder& end64_offset(std::uint64_t offset) {
    end64_offset_ = offset;
    return *this;
  }

  std::string finish() const {
    std::string out = bytes_ + directory_;
    const std::uint64_t offset = directory_offset_.value_or(bytes_.size());
    const std::uint64_t count = claimed_entries_.value_or(entries_);
    if (zip64_) {
      const std::uint64_t end64 = end64_offset_.value_or(out.size());
      out += "PK\6\6";
      put(out, 44, 8);
      put(out, 45, 2);
      put(out, 45, 2);
      put(out, 0, 8);
      put(out, count, 8);
      put(out, count, 8);
      put(out, directory_.size(), 8);
      put(out, offset, 8);
      out += "PK\6\7";
      put(out, 0, 4);
      put(out, end64, 8);
      put(out, 1, 4);
    }
    out += "PK\5\6";
    put(out, 0, 4);
    put(out, zip64_ ? 0xffff : count, 2);
    put(out, zip64_ ? 0xffff : count, 2);
    put(out, zip64_ ? 0xffffffff : directory_.size(), 4);
    put(out, zip64_ ? 0xffffffff : offset, 4);
    put(out, comment_.size(), 2);
    return out + comment_;
  }

 private:
  static void put(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  }

  void add_entry(std::string_view name, const ZipMemberFaults& faults, std::uint32_t crc, std::uint64_t size,
                 std::uint64_t offset) {
    const bool wide = zip64_ || faults.marks_zip64;
    std::string extra;
    if (zip64_) {
      put(extra, 0x7777, 2);  // a field that is skipped
      put(extra, 2, 2);
      put(extra, 0, 2);
      put(extra, 1, 2);
      put(extra, 24, 2);
      put(extra, size, 8);
      put(extra, size, 8);
      put(extra, offset, 8);
    }
    directory_ += "PK\1\2";
    put(directory_, 20, 2);
    put(directory_, 20, 2);
    put(directory_, faults.flags, 2);
    put(directory_, faults.method, 2);
    put(directory_, 0, 4);
    put(directory_, crc, 4);
    put(directory_, wide ? 0xffffffff : size, 4);
    put(directory_, wide ? 0xffffffff : size, 4);
    put(directory_, name.size(), 2);
    put(directory_, extra.size(), 2);
    put(directory_, 0, 2);
    put(directory_, 0, 2);
    put(directory_, 0, 2);
    put(directory_, 0, 4);
    put(directory_, wide ? 0xffffffff : offset, 4);
    directory_ += name;
    directory_ += extra;
  }

  bool zip64_ = false;
  std::string bytes_;
  std::string directory_;
  std::string comment_;
  std::uint64_t entries_ = 0;
  std::optional<std::uint64_t> directory_offset_;
  std::optional<std::uint64_t> claimed_entries_;
  std::optional<std::uint64_t> end64_offset_;
};

}  // namespace dfa::test
