#include "dataset/pack.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <span>

#include "base/hash.hpp"
#include "dataset/pack_layout.hpp"

namespace dfa {
namespace {

constexpr std::size_t kHashPiece = 64 << 20;  // bytes hashed between two looks at the cancel flag
constexpr std::uint8_t kLastRole = static_cast<std::uint8_t>(Role::test);

class MappedPack final : public Pack {
 public:
  MappedPack(std::shared_ptr<const MappedFile> file, pack::Shape shape)
      : file_(std::move(file)), shape_(std::move(shape)), layout_(pack::layout_of(shape_)) {}

  std::size_t size() const override { return shape_.count; }
  int stored_px() const override { return static_cast<int>(shape_.stored_px); }
  const std::string& crop_name() const override { return shape_.crop_name; }
  const std::string& crop_sha256() const override { return shape_.crop_sha256; }

  PictureView crop(std::size_t i) const override {
    const std::size_t row = 3 * shape_.stored_px;
    return {stored_px(), stored_px(), static_cast<std::ptrdiff_t>(row),
            bytes_of(pack::crops) + i * row * shape_.stored_px};
  }
  std::optional<GreyView> mask(std::size_t i) const override {
    const auto row = value<std::uint32_t>(pack::mask_rows, i);
    if (row == pack::kNone) return std::nullopt;
    return GreyView{stored_px(), stored_px(), stored_px(),
                    bytes_of(pack::masks) + row * shape_.stored_px * shape_.stored_px};
  }
  std::optional<Landmarks68> landmarks68(std::size_t i) const override {
    const auto row = value<std::uint32_t>(pack::landmark68_rows, i);
    if (row == pack::kNone) return std::nullopt;
    Landmarks68 landmarks;
    const std::size_t first = row * 2 * landmarks.points.size();
    for (std::size_t k = 0; k < landmarks.points.size(); ++k)
      landmarks.points[k] = {value<float>(pack::landmarks68, first + 2 * k),
                             value<float>(pack::landmarks68, first + 2 * k + 1)};
    return landmarks;
  }
  std::optional<int> label(std::size_t i) const override {
    const int label = value<std::int8_t>(pack::labels, i);
    return label < 0 ? std::nullopt : std::optional(label);
  }
  Role role(std::size_t i) const override { return static_cast<Role>(value<std::uint8_t>(pack::roles, i)); }

  ManifestEntry entry(std::size_t i) const override {
    ManifestEntry entry;
    entry.path = text(pack::paths, i);
    entry.label = label(i);
    entry.role = role(i);
    entry.set = text(pack::sets, i);
    entry.method = text(pack::methods, i);
    entry.identity = text(pack::identities, i);
    entry.source = text(pack::sources, i);
    if (value<std::uint32_t>(pack::videos, i) != pack::kNone) entry.video = text(pack::videos, i);
    if (const auto frame = value<std::int64_t>(pack::frames, i); frame >= 0) entry.frame = frame;
    if (const auto pts = value<double>(pack::pts_seconds, i); !std::isnan(pts)) entry.pts_seconds = pts;
    fill_place(i, entry);
    const auto* hash = reinterpret_cast<const char*>(bytes_of(pack::crop_sha256)) + i * pack::kHashDigits;
    if (*hash != '\0') entry.crop_sha256.assign(hash, pack::kHashDigits);
    // Which file held the mask or the points is not kept; that there is one is.
    if (mask(i)) entry.mask = entry.path;
    if (value<std::uint32_t>(pack::landmark68_rows, i) != pack::kNone) entry.landmarks68 = entry.path;
    return entry;
  }

  std::string sha256() const override {
    return {reinterpret_cast<const char*>(file_->bytes().data()) + layout_.hash_offset, pack::kHashDigits};
  }
  Status verify(const CancelFlag& cancel) const override {
    Sha256 hash;
    const std::span<const std::byte> all = file_->bytes().first(layout_.hash_offset);
    for (std::size_t at = 0; at < all.size(); at += kHashPiece) {
      if (cancel.requested()) return fail(ErrorCode::cancelled, "the pack was not checked to its end");
      hash.update(all.subspan(at, std::min(kHashPiece, all.size() - at)));
    }
    const std::string got = hash.finish();
    const std::string said = sha256();
    if (got == said) return {};
    return fail(ErrorCode::manifest_invalid, "the pack's SHA-256 is {}, its end says {}\n  likely cause: damaged", got,
                said);
  }

  // Every value that is used as a place or an enum. Errors: manifest_invalid.
  Status check_values() const {
    std::uint64_t before = 0;
    for (std::size_t k = 0; k < shape_.strings; ++k) {
      const auto end = value<std::uint64_t>(pack::string_ends, k);
      if (end < before || end > shape_.string_bytes) return broken("string", k);
      before = end;
    }
    if (value<std::uint64_t>(pack::string_ends, 0) != 0) return broken("string", 0);
    for (std::size_t i = 0; i < shape_.count; ++i) {
      const auto mask_row = value<std::uint32_t>(pack::mask_rows, i);
      if (mask_row != pack::kNone && mask_row >= shape_.masks) return broken("mask row", i);
      const auto points_row = value<std::uint32_t>(pack::landmark68_rows, i);
      if (points_row != pack::kNone && points_row >= shape_.landmarks68) return broken("row of 68 points", i);
      const int label = value<std::int8_t>(pack::labels, i);
      if (label < -1 || label > 1) return broken("label", i);
      if (value<std::uint8_t>(pack::roles, i) > kLastRole) return broken("role", i);
      const auto video = value<std::uint32_t>(pack::videos, i);
      if (video != pack::kNone && video >= shape_.strings) return broken("video", i);
      for (const pack::Column column : {pack::paths, pack::sets, pack::methods, pack::identities, pack::sources})
        if (value<std::uint32_t>(column, i) >= shape_.strings) return broken("text", i);
    }
    return {};
  }

 private:
  static tl::unexpected<Error> broken(std::string_view what, std::size_t row) {
    return fail(ErrorCode::manifest_invalid, "the pack's {} {} is out of range\n  likely cause: damaged", what, row);
  }

  const std::uint8_t* bytes_of(pack::Column column) const {
    return reinterpret_cast<const std::uint8_t*>(file_->bytes().data()) + layout_.sections[column].offset;
  }
  template <class T>
  T value(pack::Column column, std::size_t i) const {
    T value;
    std::memcpy(&value, bytes_of(column) + i * sizeof(T), sizeof(T));
    return value;
  }
  std::string text(pack::Column column, std::size_t i) const {
    const auto id = value<std::uint32_t>(column, i);
    const std::uint64_t begin = id == 0 ? 0 : value<std::uint64_t>(pack::string_ends, id - 1);
    const auto end = value<std::uint64_t>(pack::string_ends, id);
    return {reinterpret_cast<const char*>(bytes_of(pack::string_bytes)) + begin, end - begin};
  }
  void fill_place(std::size_t i, ManifestEntry& entry) const {
    const auto box = [&](std::size_t k) { return value<double>(pack::boxes, 4 * i + k); };
    const auto point = [&](std::size_t k) { return value<double>(pack::landmarks, 10 * i + k); };
    if (!std::isnan(box(0))) entry.box_px = Box{box(0), box(1), box(2), box(3)};
    if (std::isnan(point(0))) return;
    entry.landmarks_px.emplace();
    for (std::size_t k = 0; k < 5; ++k) (*entry.landmarks_px)[k] = {point(2 * k), point(2 * k + 1)};
  }

  std::shared_ptr<const MappedFile> file_;
  pack::Shape shape_;
  pack::Layout layout_;
};

}  // namespace

bool looks_like_pack(const std::filesystem::path& path) {
  std::string head(pack::kMagic.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return file && head == pack::kMagic;
}

Result<std::unique_ptr<Pack>> Pack::open(const std::filesystem::path& path, const PackLimits& limits) {
  DFA_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::open(path, limits.max_bytes));
  const std::string_view all(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  const auto within = [&](Error error) { return fail_within(path.string(), std::move(error)); };
  Result<pack::Shape> shape = pack::parse_header(all.substr(0, pack::kHeaderBlock), limits);
  if (!shape) return within(std::move(shape).error());
  const std::uint64_t expected = pack::layout_of(*shape).hash_offset + pack::kHashDigits;
  if (all.size() != expected)
    return fail(ErrorCode::manifest_invalid, "{}: {} bytes, its header says {}\n  likely cause: cut short",
                path.string(), all.size(), expected);
  auto mapped = std::make_unique<MappedPack>(std::move(file), std::move(*shape));
  if (Status values = mapped->check_values(); !values) return within(std::move(values).error());
  return mapped;
}

}  // namespace dfa
