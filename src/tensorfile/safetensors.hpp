// The safetensors container: reading with every check of the format, writing in one canonical form.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// Cap of the format itself; nothing is allocated for a header that claims more.
inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;
inline constexpr std::uint64_t kMaxSafetensorsFile = std::uint64_t{32} << 30;

// Tensors are views of the mapped file. Errors: file_*, limit_exceeded, model_format.
Result<TensorFile> read_safetensors(const std::filesystem::path& path, std::uint64_t max_bytes = kMaxSafetensorsFile);

// The same for bytes in memory, which live as long as `owner`.
// Errors: model_format (header length, JSON, duplicate names, unknown dtype, offsets against shape and dtype, gaps,
// overlaps, overflow).
Result<TensorFile> parse_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

// Whether the bytes begin like a safetensors file: a header length that fits, then a JSON object.
bool looks_like_safetensors(std::span<const std::byte> bytes);

// One form for one content: header entries by name, data by element size (wide first) and then name, so that every
// tensor is aligned to its elements; the data begin at a multiple of 64. Errors: internal (a tensor whose bytes do not
// fit its shape; text that is not UTF-8).
Result<std::vector<std::byte>> serialize_safetensors(const TensorFile& file);

// Written beside and renamed. Errors: as above, file_unwritable.
Status write_safetensors(const TensorFile& file, const std::filesystem::path& path);

}  // namespace dfa
