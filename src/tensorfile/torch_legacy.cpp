// The legacy container: five pickles in a row (magic number, protocol, system facts, the object, the storage keys),
// then for each key, in that order, an element count and the raw data.
#include "tensorfile/little_endian.hpp"
#include "tensorfile/torch_file.hpp"

namespace dfa {
namespace {

constexpr std::int64_t kLegacyProtocol = 1001;

struct PickleReader {
  std::span<const std::byte> rest;
  const TorchLimits& limits;

  Result<PickleTree> next(std::string_view what) {
    // The pickle's own end is only known by reading it, so the limit cuts the view; what does not fit ends as "cut
    // short".
    const auto view = rest.first(std::min<std::uint64_t>(rest.size(), limits.max_pickle_bytes));
    DFA_ASSIGN_OR_RETURN(PickleTree tree, parse_pickle(view, limits.pickle, what));
    rest = rest.subspan(tree.bytes_read);
    return tree;
  }
};

Status check_system(const PickleTree& system) {
  const PickleValue* little =
      system.root_value().kind == PickleKind::dict ? system.find(system.root_value(), "little_endian") : nullptr;
  if (little == nullptr || little->kind != PickleKind::boolean)
    return fail(ErrorCode::model_format, "legacy torch file: it does not say its byte order");
  if (little->integer != 1)
    return fail(ErrorCode::model_format, "the file was written on a big-endian machine, which is not read");
  return {};
}

Result<std::vector<std::string>> storage_keys(const PickleTree& list) {
  if (list.root_value().kind != PickleKind::list)
    return fail(ErrorCode::model_format, "legacy torch file: no list of storage keys");
  std::vector<std::string> keys;
  for (const ValueId id : list.root_value().items) {
    if (list.at(id).kind != PickleKind::text)
      return fail(ErrorCode::model_format, "legacy torch file: a storage key that is no text");
    keys.emplace_back(list.at(id).text);
  }
  return keys;
}

}  // namespace

Status TorchFile::open_legacy(const TorchLimits& limits) {
  container_ = TorchContainer::legacy;
  PickleReader reader{.rest = bytes_, .limits = limits};
  DFA_TRY(reader.next("magic number"));
  DFA_ASSIGN_OR_RETURN(const PickleTree protocol, reader.next("protocol"));
  if (protocol.root_value().kind != PickleKind::integer || protocol.root_value().integer != kLegacyProtocol)
    return fail(ErrorCode::model_format, "legacy torch file: its protocol is not {}", kLegacyProtocol);
  DFA_ASSIGN_OR_RETURN(const PickleTree system, reader.next("system facts"));
  DFA_TRY(check_system(system));
  DFA_ASSIGN_OR_RETURN(tree_, reader.next("object"));
  DFA_ASSIGN_OR_RETURN(const PickleTree list, reader.next("storage keys"));
  DFA_ASSIGN_OR_RETURN(const auto keys, storage_keys(list));
  return read_legacy_storages(keys, reader.rest);
}

Status TorchFile::read_legacy_storages(const std::vector<std::string>& keys, std::span<const std::byte> data) {
  // Element sizes stand in the object only.
  std::map<std::string, Storage, std::less<>> records;
  for (const PickleValue& value : tree_.values) {
    if (value.kind != PickleKind::persistent) continue;
    DFA_ASSIGN_OR_RETURN(auto record, storage_record(value));
    records.insert(std::move(record));
  }
  for (const std::string& key : keys) {
    const auto record = records.find(key);
    if (record == records.end())
      return fail(ErrorCode::model_format, "legacy torch file: storage {} belongs to no tensor", key);
    if (data.size() < 8)
      return fail(ErrorCode::model_format, "legacy torch file: it ends before storage {}; the file was cut short", key);
    const auto count = load_le<std::uint64_t>(data, 0);
    data = data.subspan(8);
    if (count != record->second.count)
      return fail(ErrorCode::model_format, "legacy torch file: storage {} holds {} elements, its tensors expect {}",
                  key, count, record->second.count);
    if (count > data.size() / record->second.element_bytes)
      return fail(
          ErrorCode::model_format,
          "legacy torch file: storage {} wants {} elements of {} bytes, {} bytes are left; the file was cut short", key,
          count, record->second.element_bytes, data.size());
    if (!storages_.emplace(key, data.first(count * record->second.element_bytes)).second)
      return fail(ErrorCode::model_format, "legacy torch file: storage {} comes twice", key);
    data = data.subspan(count * record->second.element_bytes);
  }
  if (!data.empty())
    return fail(ErrorCode::model_format, "legacy torch file: {} bytes follow after the last storage", data.size());
  return {};
}

}  // namespace dfa
