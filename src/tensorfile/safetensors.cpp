#include "tensorfile/safetensors.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "tensorfile/little_endian.hpp"
#include "tensorfile/safetensors_header.hpp"

namespace dfa {
namespace {

constexpr std::size_t kLengthBytes = 8;

// What the dtype and shape of an entry take, against what its offsets say, and against the data that there are.
Status check_entry(const std::string& name, const SafetensorsEntry& entry, std::uint64_t data_bytes) {
  const auto count = checked_element_count(entry.shape);
  if (!count)
    return fail(ErrorCode::model_format, "tensor {}: shape {} has more elements than can be", name,
                shape_text(entry.shape));
  const std::uint64_t wanted = *count * dtype_size(entry.dtype);
  if (entry.end < entry.begin || entry.end > data_bytes)
    return fail(ErrorCode::model_format,
                "tensor {}: bytes {} to {} of {} bytes of data\n  likely cause: the file was cut short\n  next step: "
                "download or copy it again",
                name, entry.begin, entry.end, data_bytes);
  if (entry.end - entry.begin != wanted)
    return fail(ErrorCode::model_format, "tensor {}: {} {} takes {} bytes, its offsets hold {}", name,
                dtype_name(entry.dtype), shape_text(entry.shape), wanted, entry.end - entry.begin);
  return {};
}

// Without gaps and overlaps: sorted by offset, each entry begins where the last one ended, and the last ends with the
// file.
Status check_layout(const SafetensorsHeader& header, std::uint64_t data_bytes) {
  std::vector<const std::pair<const std::string, SafetensorsEntry>*> sorted;
  sorted.reserve(header.entries.size());
  for (const auto& entry : header.entries) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t at = 0;
  for (const auto* entry : sorted) {
    if (entry->second.begin != at)
      return fail(ErrorCode::model_format, "tensor {}: begins at byte {}, expected {} ({} with the tensor before it)",
                  entry->first, entry->second.begin, at, entry->second.begin < at ? "it overlaps" : "there is a gap");
    at = entry->second.end;
  }
  if (at != data_bytes)
    return fail(ErrorCode::model_format, "safetensors: the tensors take {} bytes, the file has {}", at, data_bytes);
  return {};
}

}  // namespace

bool looks_like_safetensors(std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthBytes + 2) return false;
  const auto length = load_le<std::uint64_t>(bytes, 0);
  return length >= 2 && length <= kMaxSafetensorsHeader && std::to_integer<char>(bytes[kLengthBytes]) == '{';
}

Result<TensorFile> parse_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  if (bytes.size() < kLengthBytes)
    return fail(ErrorCode::model_format, "safetensors: {} bytes are too few for a file", bytes.size());
  const auto length = load_le<std::uint64_t>(bytes, 0);
  if (length > kMaxSafetensorsHeader)
    return fail(ErrorCode::model_format,
                "safetensors: the header claims {} bytes, at most {} are read\n  likely cause: not a safetensors file\n"
                "  next step: look at the file's first bytes; torch checkpoints are read by `dfa import`",
                length, kMaxSafetensorsHeader);
  if (length > bytes.size() - kLengthBytes)
    return fail(ErrorCode::model_format,
                "safetensors: the header claims {} bytes, {} are left\n  likely cause: the file was cut short, or is "
                "not a safetensors file\n"
                "  next step: download or copy it again",
                length, bytes.size() - kLengthBytes);
  const std::string_view json(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  DFA_ASSIGN_OR_RETURN(SafetensorsHeader header, parse_safetensors_header(json));
  const auto data = bytes.subspan(kLengthBytes + length);
  TensorFile file;
  for (const auto& [name, entry] : header.entries) DFA_TRY(check_entry(name, entry, data.size()));
  DFA_TRY(check_layout(header, data.size()));
  for (auto& [name, entry] : header.entries)
    file.tensors.emplace_hint(file.tensors.end(), name,
                              Tensor{.dtype = entry.dtype,
                                     .shape = std::move(entry.shape),
                                     .bytes = data.subspan(entry.begin, entry.end - entry.begin),
                                     .owner = owner});
  file.metadata = std::move(header.metadata);
  return file;
}

Result<TensorFile> read_safetensors(const std::filesystem::path& path, std::uint64_t max_bytes) {
  DFA_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(path, max_bytes));
  auto file = parse_safetensors(mapped->bytes(), mapped);
  if (!file) return fail_within(path.string(), std::move(file).error());
  return file;
}

}  // namespace dfa
