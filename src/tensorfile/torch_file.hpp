// Files written by torch.save (.pth, .pt, .tar, .ckpt): the zip container of torch 1.6 and later, and the legacy stream
// before it. Values are built by the restricted pickle machine; nothing of the file is ever executed. See Note [What a
// pickle may do here].
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "tensorfile/pickle.hpp"
#include "tensorfile/tensor.hpp"
#include "tensorfile/zip_reader.hpp"

namespace dfa {

struct TorchLimits {
  // Mapped, not read: a ViT-L checkpoint with its optimiser is under 4 GB.
  std::uint64_t max_file_bytes = std::uint64_t{32} << 30;
  std::uint64_t max_pickle_bytes = std::uint64_t{64} << 20;
  std::size_t max_members = 200'000;
  PickleLimits pickle = {};
};

// script: a zip whose data.pkl holds modules instead of a dict (torch.jit.save); see torch_script.hpp.
enum class TorchContainer { zip, legacy, script };

// What the file names but is not on our list: it stays a record, and a tensor that needs it is refused.
bool is_known_global(const PickleValue& global);

// An open torch file: the tree of values and the storages behind its tensors.
class TorchFile {
 public:
  TorchContainer container() const { return container_; }
  const PickleTree& tree() const { return tree_; }

  // Whether the value is a record that rebuilds a tensor (or a parameter).
  bool is_tensor(const PickleValue& value) const;

  // The tensor of such a record, contiguous. Contiguous ones are views of the file, others copies; several tensors may
  // share a storage. Errors: model_format (names the unknown global that the tensor depends on; sizes, strides or
  // storage that do not fit together), limit_exceeded (copies of non-contiguous tensors add up to much more than the
  // file).
  Result<Tensor> tensor(const PickleValue& value);

  // Globals of the file that are not on our list, each once, in the order of their names.
  std::vector<std::string> foreign_globals() const;

 private:
  friend Result<TorchFile> parse_torch_file(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                            const TorchLimits& limits);

  struct Storage {
    std::size_t element_bytes = 0;
    Dtype dtype = Dtype::u8;
    bool typed = true;  // an untyped storage gets its dtype from the tensor
    std::uint64_t count = 0;
    std::span<const std::byte> bytes;
  };
  struct Layout {
    std::uint64_t offset = 0;
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides;
    std::uint64_t count = 0;
  };

  Status open_zip(const TorchLimits& limits);
  Status open_legacy(const TorchLimits& limits);
  Status read_legacy_storages(const std::vector<std::string>& keys, std::span<const std::byte> data);
  // Parses ("storage", type, key, location, count[, view]). Does not touch the data.
  Result<std::pair<std::string, Storage>> storage_record(const PickleValue& persistent) const;
  Result<Storage> storage(const PickleValue& persistent);
  Result<Layout> layout(const PickleValue& offset, const PickleValue& size, const PickleValue& stride) const;
  Result<std::vector<std::int64_t>> sizes(const PickleValue& value) const;
  Result<Tensor> view_or_copy(const Storage& storage, const Layout& layout);
  const PickleValue& item(const PickleValue& value, std::size_t i) const { return tree_.at(value.items[i]); }

  TorchContainer container_ = TorchContainer::zip;
  PickleTree tree_;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  ZipArchive archive_;  // zip only
  std::string prefix_;  // zip only: folder of data.pkl, with its slash
  std::map<std::string, std::span<const std::byte>, std::less<>> storages_;  // by key; zip: those read so far
  std::uint64_t storage_bytes_ = 0;
  std::uint64_t copied_bytes_ = 0;
};

// Errors: file_*, model_format, limit_exceeded. Tar files of early torch and other pickles are refused by name.
Result<TorchFile> read_torch_file(const std::filesystem::path& path, const TorchLimits& limits = {});
// The same for bytes in memory, which live as long as `owner`.
Result<TorchFile> parse_torch_file(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                   const TorchLimits& limits = {});

// Whether the bytes begin like one of the two containers.
bool looks_like_torch_file(std::span<const std::byte> bytes);

}  // namespace dfa
