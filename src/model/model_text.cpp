#include "model/model_text.hpp"

#include "base/file.hpp"
#include "model/metadata.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {

Result<std::optional<Model>> read_model_text(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(path, kMaxSafetensorsFile));
  if (!looks_like_safetensors(mapped->bytes())) return std::optional<Model>{};
  const auto file = parse_safetensors(mapped->bytes(), mapped);
  if (!file) return fail_within(path.string(), file.error());
  if (!file->metadata.contains("dfa.kind")) return std::optional<Model>{};
  auto model = parse_metadata(file->metadata);
  if (!model) return fail_within(path.string(), std::move(model).error());
  return std::optional(std::move(*model));
}

}  // namespace dfa
