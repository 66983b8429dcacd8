#include "tensorfile/torch_file.hpp"

#include <algorithm>
#include <set>

#include "base/file.hpp"
#include "tensorfile/torch_names.hpp"

namespace dfa {
namespace {

// Python's pickle of 0x1950a86a20f9469cfc6c in protocol 2: how every legacy file begins.
constexpr unsigned char kLegacyStart[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                          0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};
constexpr unsigned char kZipStart[] = {'P', 'K', 3, 4};
constexpr std::size_t kTarMagicOffset = 257;

bool starts_with(std::span<const std::byte> bytes, std::span<const unsigned char> start) {
  return bytes.size() >= start.size() &&
         std::equal(start.begin(), start.end(), bytes.begin(),
                    [](unsigned char a, std::byte b) { return a == std::to_integer<unsigned char>(b); });
}

std::string_view text_at(std::span<const std::byte> bytes, std::size_t offset, std::size_t count) {
  if (offset + count > bytes.size()) return {};
  return {reinterpret_cast<const char*>(bytes.data()) + offset, count};
}

tl::unexpected<Error> not_torch(std::span<const std::byte> bytes) {
  if (text_at(bytes, kTarMagicOffset, 5) == "ustar")
    return fail(
        ErrorCode::model_format,
        "got a tar archive, expected a torch file (zip, or the legacy stream)\n"
        "  likely cause: the file was saved by torch 0.1, or it is a real tar archive with a checkpoint inside\n"
        "  next step: unpack it, or load it in the original tool and save its state dict again");
  if (!bytes.empty() && std::to_integer<unsigned>(bytes[0]) == 0x80)
    return fail(ErrorCode::model_format,
                "got a plain Python pickle, expected a torch file (zip, or the legacy stream)\n"
                "  likely cause: the file was written by pickle.dump, not by torch.save\n"
                "  next step: load it in the original tool and save its state dict with torch.save or as safetensors");
  if (!bytes.empty() && std::to_integer<unsigned>(bytes[0]) == '<')
    return fail(ErrorCode::model_format,
                "got text that looks like a web page, expected a torch file\n"
                "  likely cause: the download gave an error page\n  next step: open the file in an editor, then "
                "download it again");
  return fail(
      ErrorCode::model_format,
      "got {} bytes that begin like no torch file (zip, or the legacy stream)\n"
      "  likely cause: another kind of file, or a download that failed\n  next step: look at the file's first bytes",
      bytes.size());
}

}  // namespace

bool looks_like_torch_file(std::span<const std::byte> bytes) {
  return starts_with(bytes, kZipStart) || starts_with(bytes, kLegacyStart);
}

bool is_known_global(const PickleValue& global) {
  return (global.text == "collections" && global.name == "OrderedDict") ||
         (global.text == "torch" && global.name == "Size") || rebuild_kind(global).has_value() ||
         storage_dtype(global).has_value() || dtype_of_global(global).has_value() || is_untyped_storage(global);
}

bool TorchFile::is_tensor(const PickleValue& value) const {
  return value.kind == PickleKind::call && rebuild_kind(item(value, 0)).has_value();
}

std::vector<std::string> TorchFile::foreign_globals() const {
  std::set<std::string> names;
  for (const PickleValue& value : tree_.values)
    if (value.kind == PickleKind::global && !is_known_global(value)) names.insert(global_name(value));
  return {names.begin(), names.end()};
}

Status TorchFile::open_zip(const TorchLimits& limits) {
  container_ = TorchContainer::zip;
  DFA_ASSIGN_OR_RETURN(archive_, ZipArchive::open(bytes_, limits.max_members));
  // The folder is named after the file that torch.save was given, so it is found by what it holds.
  constexpr std::string_view kPickle = "data.pkl";
  int found = 0;
  for (const auto& [name, member] : archive_.members()) {
    if (name == kPickle || name.ends_with("/data.pkl")) {
      prefix_ = name.substr(0, name.size() - kPickle.size());
      ++found;
    }
  }
  if (found != 1)
    return fail(ErrorCode::model_format,
                "zip archive with {} members named data.pkl, expected 1\n  likely cause: not a file of torch.save",
                found);
  if (archive_.members().contains(prefix_ + "constants.pkl")) container_ = TorchContainer::script;
  if (archive_.members().contains(prefix_ + "byteorder")) {
    DFA_ASSIGN_OR_RETURN(const auto order, archive_.read(prefix_ + "byteorder"));
    if (text_at(order, 0, order.size()) != "little")
      return fail(ErrorCode::model_format, "the file was written on a big-endian machine, which is not read");
  }
  DFA_ASSIGN_OR_RETURN(const auto pickle, archive_.read(prefix_ + std::string(kPickle)));
  if (pickle.size() > limits.max_pickle_bytes)
    return fail(ErrorCode::limit_exceeded, "data.pkl has {} bytes, at most {} are read", pickle.size(),
                limits.max_pickle_bytes);
  DFA_ASSIGN_OR_RETURN(tree_, parse_pickle(pickle, limits.pickle, "data.pkl"));
  return {};
}

Result<TorchFile> parse_torch_file(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                   const TorchLimits& limits) {
  TorchFile file;
  file.bytes_ = bytes;
  file.owner_ = std::move(owner);
  if (starts_with(bytes, kZipStart)) {
    DFA_TRY(file.open_zip(limits));
  } else if (starts_with(bytes, kLegacyStart)) {
    DFA_TRY(file.open_legacy(limits));
  } else {
    return not_torch(bytes);
  }
  return file;
}

Result<TorchFile> read_torch_file(const std::filesystem::path& path, const TorchLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(path, limits.max_file_bytes));
  auto file = parse_torch_file(mapped->bytes(), mapped, limits);
  if (!file) return fail_within(path.string(), std::move(file).error());
  return file;
}

}  // namespace dfa
