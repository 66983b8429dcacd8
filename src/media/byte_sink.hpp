// Where a container's bytes go: MP4 comes back to fill in sizes, so bytes have a place. Internal to this room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace dfa {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  virtual Status commit() = 0;
};

class FileSink final : public ByteSink {
 public:
  explicit FileSink(AtomicFile file) : file_(std::move(file)) {}
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return file_.write_at(offset, bytes);
  }
  Status commit() override { return file_.commit(); }

 private:
  AtomicFile file_;
};

class MemorySink final : public ByteSink {
 public:
  explicit MemorySink(std::vector<std::byte>& bytes) : bytes_(&bytes) {}
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const auto at = static_cast<std::size_t>(offset);
    if (bytes_->size() < at + bytes.size()) bytes_->resize(at + bytes.size());
    std::copy(bytes.begin(), bytes.end(), bytes_->begin() + static_cast<std::ptrdiff_t>(at));
    return {};
  }
  Status commit() override { return {}; }

 private:
  std::vector<std::byte>* bytes_;
};

}  // namespace dfa
