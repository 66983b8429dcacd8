#include "tensorfile/npz.hpp"

#include "tensorfile/npy.hpp"
#include "tensorfile/zip_reader.hpp"

namespace dfa {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::uint16_t kStored = 0;

}  // namespace

Result<TensorMap> parse_npz(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner) {
  DFA_ASSIGN_OR_RETURN(const ZipArchive archive, ZipArchive::open(bytes, kMaxNpzMembers));
  TensorMap tensors;
  std::uint64_t copied = 0;
  for (const auto& [name, member] : archive.members()) {
    if (!name.ends_with(kSuffix))
      return fail(
          ErrorCode::model_format,
          "npz archive: member {} is no array\n  likely cause: a zip archive of another kind; torch writes those "
          "too",
          name.substr(0, 200));
    if (member.method != kStored)
      return fail(ErrorCode::model_format,
                  "npz archive: member {} is compressed\n  likely cause: it was written with numpy.savez_compressed\n"
                  "  next step: numpy.savez(\"plain.npz\", **numpy.load(\"FILE\")) writes it without compression",
                  name.substr(0, 200));
    DFA_ASSIGN_OR_RETURN(const auto content, archive.read(name));
    DFA_ASSIGN_OR_RETURN(Tensor tensor, parse_npy(content, owner, name.substr(0, 200)));
    // Members may share their bytes, copies do not: an honest archive cannot take more than itself.
    if (tensor.owner != owner) copied += tensor.bytes.size();
    if (copied > bytes.size())
      return fail(ErrorCode::limit_exceeded, "npz archive: its arrays take more than the {} bytes it has",
                  bytes.size());
    tensors.emplace(name.substr(0, name.size() - kSuffix.size()), std::move(tensor));
  }
  if (tensors.empty()) return fail(ErrorCode::model_format, "npz archive: it has no members");
  return tensors;
}

}  // namespace dfa
