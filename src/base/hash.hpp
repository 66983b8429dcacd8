// SHA-256 as lower-case hexadecimal text (OpenSSL).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.hpp"

namespace dfa {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::span<const std::byte> bytes);
  // 64 hexadecimal digits. Call once.
  std::string finish();

 private:
  void* context_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);
// Reads in pieces: memory does not grow with the file. Errors: file_not_found, file_unreadable.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace dfa
