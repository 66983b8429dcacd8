#include "base/hash.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <memory>
#include <system_error>
#include <vector>

namespace dfa {
namespace {
constexpr std::size_t kPiece = 1 << 18;  // bytes read at a time
}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr);
}

Sha256::~Sha256() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void Sha256::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), digest.data(), &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text)));
}

Result<std::string> sha256_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return fail(ErrorCode::file_not_found, "{}: no such file", path.string());
  if (std::filesystem::is_directory(path, ignored))
    return fail(ErrorCode::file_unreadable, "{}: is a directory", path.string());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file)
    return fail(ErrorCode::file_unreadable, "{}: cannot be opened ({})", path.string(),
                std::generic_category().message(errno));
  Sha256 hash;
  std::vector<std::byte> piece(kPiece);
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get()))
    hash.update(std::span(piece).first(got));
  if (std::ferror(file.get()) != 0) return fail(ErrorCode::file_unreadable, "{}: reading failed", path.string());
  return hash.finish();
}

}  // namespace dfa
