// From records of the pickle to tensors: storages, sizes, strides. Everything is checked before a byte is touched.
#include <cstring>

#include "tensorfile/torch_file.hpp"
#include "tensorfile/torch_names.hpp"

namespace dfa {
namespace {

constexpr std::size_t kMaxRank = 16;
// Copies of transposed weights take as much as the file; more than this means a file made to exhaust memory.
constexpr std::uint64_t kCopyFactor = 4;
constexpr std::uint64_t kCopySlack = 16 << 20;

bool is_empty_dict_or_none(const PickleValue& value) {
  return value.kind == PickleKind::none || (value.kind == PickleKind::dict && value.items.empty());
}

// Row-major strides, where those of single-element dimensions do not matter.
bool is_contiguous(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  std::int64_t expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

void copy_strided(std::span<const std::byte> source, std::size_t element_bytes, const std::vector<std::int64_t>& shape,
                  const std::vector<std::int64_t>& strides, std::uint64_t start, std::span<std::byte> out) {
  std::vector<std::int64_t> index(shape.size(), 0);
  std::uint64_t at = start;
  for (std::size_t written = 0; written < out.size(); written += element_bytes) {
    std::memcpy(out.data() + written, source.data() + at * element_bytes, element_bytes);
    for (std::size_t d = shape.size(); d-- > 0;) {
      at += static_cast<std::uint64_t>(strides[d]);
      if (++index[d] < shape[d]) break;
      at -= static_cast<std::uint64_t>(strides[d]) * static_cast<std::uint64_t>(shape[d]);
      index[d] = 0;
    }
  }
}

}  // namespace

Result<std::pair<std::string, TorchFile::Storage>> TorchFile::storage_record(const PickleValue& persistent) const {
  const auto refuse = [](std::string_view problem) {
    return fail(ErrorCode::model_format, "storage record: {}", problem);
  };
  if (persistent.kind != PickleKind::persistent) return refuse("a tensor whose storage is no storage record");
  const PickleValue& id = item(persistent, 0);
  const bool legacy = container_ == TorchContainer::legacy;
  if (id.kind != PickleKind::tuple || id.items.size() != (legacy ? 6u : 5u))
    return refuse("expected (\"storage\", type, key, location, count)");
  if (item(id, 0).kind != PickleKind::text || item(id, 0).text != "storage")
    return refuse("a persistent id that names no storage");
  if (item(id, 2).kind != PickleKind::text) return refuse("a key that is no text");
  if (item(id, 4).kind != PickleKind::integer || item(id, 4).integer < 0)
    return refuse("an element count that is no count");
  if (legacy && item(id, 5).kind != PickleKind::none)
    return refuse("a view of another storage, which no current torch writes");
  const PickleValue& type = item(id, 1);
  Storage storage;
  if (const auto dtype = storage_dtype(type)) {
    storage.dtype = *dtype;
  } else if (is_untyped_storage(type)) {
    storage.typed = false;
  } else {
    return fail(ErrorCode::model_format, "storage record: type {} is not one that is read",
                type.kind == PickleKind::global ? global_name(type) : std::string("without a name"));
  }
  storage.element_bytes = dtype_size(storage.dtype);
  storage.count = static_cast<std::uint64_t>(item(id, 4).integer);
  return std::pair{std::string(item(id, 2).text), storage};
}

Result<TorchFile::Storage> TorchFile::storage(const PickleValue& persistent) {
  DFA_ASSIGN_OR_RETURN(auto record, storage_record(persistent));
  auto& [key, storage] = record;
  auto found = storages_.find(key);
  if (found == storages_.end()) {
    if (container_ == TorchContainer::legacy)
      return fail(ErrorCode::model_format, "storage {} is not in the file", key);
    DFA_ASSIGN_OR_RETURN(const auto bytes, archive_.read(prefix_ + "data/" + key));
    // Members of an honest archive lie side by side; overlapping ones would let a small file cost any amount of
    // checking.
    storage_bytes_ += bytes.size();
    if (storage_bytes_ > bytes_.size()) return fail(ErrorCode::model_format, "zip archive: members overlap");
    found = storages_.emplace(key, bytes).first;
  }
  if (storage.count > found->second.size() / storage.element_bytes ||
      storage.count * storage.element_bytes != found->second.size())
    return fail(ErrorCode::model_format, "storage {} has {} bytes, expected {} elements of {} bytes", key,
                found->second.size(), storage.count, storage.element_bytes);
  storage.bytes = found->second;
  return storage;
}

Result<std::vector<std::int64_t>> TorchFile::sizes(const PickleValue& value) const {
  const PickleValue* list = &value;
  // torch.Size((2, 3)) in place of (2, 3).
  if (list->kind == PickleKind::call && item(*list, 0).kind == PickleKind::global && item(*list, 0).text == "torch" &&
      item(*list, 0).name == "Size" && item(*list, 1).kind == PickleKind::tuple && item(*list, 1).items.size() == 1)
    list = &item(item(*list, 1), 0);
  if (list->kind != PickleKind::tuple && list->kind != PickleKind::list)
    return fail(ErrorCode::model_format, "sizes that are no tuple");
  if (list->items.size() > kMaxRank)
    return fail(ErrorCode::model_format, "{} dimensions, at most {} are read", list->items.size(), kMaxRank);
  std::vector<std::int64_t> numbers;
  for (const ValueId id : list->items) {
    if (tree_.at(id).kind != PickleKind::integer || tree_.at(id).integer < 0)
      return fail(ErrorCode::model_format, "a size or stride that is no count of 63 bits");
    numbers.push_back(tree_.at(id).integer);
  }
  return numbers;
}

Result<TorchFile::Layout> TorchFile::layout(const PickleValue& offset, const PickleValue& size,
                                            const PickleValue& stride) const {
  Layout layout;
  DFA_ASSIGN_OR_RETURN(layout.shape, sizes(size));
  DFA_ASSIGN_OR_RETURN(layout.strides, sizes(stride));
  if (layout.shape.size() != layout.strides.size())
    return fail(ErrorCode::model_format, "as many strides as sizes are expected");
  if (offset.kind != PickleKind::integer || offset.integer < 0)
    return fail(ErrorCode::model_format, "an offset that is no count");
  layout.offset = static_cast<std::uint64_t>(offset.integer);
  const auto count = checked_element_count(layout.shape);
  if (!count) return fail(ErrorCode::model_format, "shape {} has more elements than can be", shape_text(layout.shape));
  layout.count = *count;
  return layout;
}

Result<Tensor> TorchFile::view_or_copy(const Storage& storage, const Layout& layout) {
  Tensor tensor{.dtype = storage.dtype, .shape = layout.shape, .bytes = {}, .owner = owner_};
  if (layout.count == 0) return tensor;
  // Last element that is touched; strides are not negative.
  std::uint64_t last = layout.offset;
  bool fits = true;
  for (std::size_t d = 0; d < layout.shape.size(); ++d) {
    std::uint64_t reach = 0;
    fits = fits &&
           !__builtin_mul_overflow(static_cast<std::uint64_t>(layout.shape[d] - 1),
                                   static_cast<std::uint64_t>(layout.strides[d]), &reach) &&
           !__builtin_add_overflow(last, reach, &last);
  }
  if (!fits || last >= storage.count)
    return fail(ErrorCode::model_format,
                "shape {} with strides {} from offset {} reaches outside its storage of {} elements",
                shape_text(layout.shape), shape_text(layout.strides), layout.offset, storage.count);
  if (is_contiguous(layout.shape, layout.strides)) {
    tensor.bytes = storage.bytes.subspan(layout.offset * storage.element_bytes, layout.count * storage.element_bytes);
    return tensor;
  }
  const std::uint64_t budget = kCopyFactor * bytes_.size() + kCopySlack;
  std::uint64_t wanted = 0;
  if (__builtin_mul_overflow(layout.count, storage.element_bytes, &wanted) || wanted > budget - copied_bytes_)
    return fail(ErrorCode::limit_exceeded, "copies of strided tensors would take more than {} bytes, {} times the file",
                budget, kCopyFactor);
  copied_bytes_ += wanted;
  auto copy = std::make_shared<std::vector<std::byte>>(wanted);
  copy_strided(storage.bytes, storage.element_bytes, layout.shape, layout.strides, layout.offset, *copy);
  tensor.bytes = *copy;
  tensor.owner = std::move(copy);
  return tensor;
}

Result<Tensor> TorchFile::tensor(const PickleValue& value) {
  const auto refuse = [](std::string_view problem) {
    return fail(ErrorCode::model_format, "tensor record: {}", problem);
  };
  if (value.kind != PickleKind::call) return refuse("not a tensor");
  const PickleValue& callable = item(value, 0);
  const auto kind = rebuild_kind(callable);
  if (!kind)
    return fail(ErrorCode::model_format, "it depends on {}, which is not on the list of what a state dict may name",
                callable.kind == PickleKind::global ? global_name(callable) : std::string("an object without a name"));
  const PickleValue& arguments = item(value, 1);
  if (arguments.kind != PickleKind::tuple || value.items.size() != 2) return refuse("arguments that are no tuple");
  const std::size_t count = arguments.items.size();
  if (*kind == RebuildKind::parameter) {
    // A parameter of a parameter does not exist: one level, no recursion.
    if (count != 3 || !is_tensor(item(arguments, 0)) ||
        rebuild_kind(item(item(arguments, 0), 0)) == RebuildKind::parameter)
      return refuse("a parameter that holds no tensor");
    if (!is_empty_dict_or_none(item(arguments, 2))) return refuse("a parameter with hooks");
    return tensor(item(arguments, 0));
  }
  const std::size_t least = *kind == RebuildKind::tensor ? 4 : *kind == RebuildKind::tensor_v2 ? 6 : 7;
  const std::size_t most = *kind == RebuildKind::tensor ? 4 : least + 1;
  if (count < least || count > most) return refuse("a number of arguments that torch does not write");
  if (least > 4 && !is_empty_dict_or_none(item(arguments, 5))) return refuse("backward hooks");
  // Metadata says that the values are to be conjugated or negated.
  if (least > 4 && count == most && !is_empty_dict_or_none(item(arguments, most - 1)))
    return refuse("metadata that changes the values");
  DFA_ASSIGN_OR_RETURN(Storage storage, this->storage(item(arguments, 0)));
  if (*kind == RebuildKind::tensor_v3) {
    const auto dtype = dtype_of_global(item(arguments, 6));
    if (!dtype || storage.typed) return refuse("a dtype that is not read");
    storage.dtype = *dtype;
    storage.element_bytes = dtype_size(*dtype);
    storage.count = storage.bytes.size() / storage.element_bytes;
  } else if (!storage.typed) {
    return refuse("an untyped storage without a dtype");
  }
  DFA_ASSIGN_OR_RETURN(const Layout layout, this->layout(item(arguments, 1), item(arguments, 2), item(arguments, 3)));
  return view_or_copy(storage, layout);
}

}  // namespace dfa
