#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "dataset/pack_layout.hpp"

namespace dfa {
namespace {

static_assert(std::endian::native == std::endian::little, "packs are written as they lie in memory");

// A file that knows its own hash and where it is.
class HashedFile {
 public:
  explicit HashedFile(AtomicFile file) : file_(std::move(file)) {}

  Status write(std::span<const std::byte> bytes) {
    hash_.update(bytes);
    position_ += bytes.size();
    return file_.write(bytes);
  }
  Status pad_to(std::uint64_t offset) {
    const std::vector<std::byte> zeros(offset - position_);
    return write(zeros);
  }
  Status finish() {
    DFA_TRY(file_.write(hash_.finish()));
    return file_.commit();
  }

 private:
  AtomicFile file_;
  Sha256 hash_;
  std::uint64_t position_ = 0;
};

// Equal texts once, in order of appearance; the empty one first.
class Strings {
 public:
  Strings() { id(""); }
  std::uint32_t id(const std::string& text) {
    const auto [found, fresh] = ids_.emplace(text, static_cast<std::uint32_t>(ids_.size()));
    if (fresh) {
      bytes_ += text;
      ends_.push_back(bytes_.size());
    }
    return found->second;
  }
  const std::vector<std::uint64_t>& ends() const { return ends_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<std::uint64_t> ends_;
  std::string bytes_;
};

struct Columns {
  std::vector<std::uint32_t> mask_rows, landmark68_rows, paths, videos, sets, methods, identities, sources;
  std::vector<std::int8_t> labels;
  std::vector<std::uint8_t> roles;
  std::vector<std::int64_t> frames;
  std::vector<double> pts_seconds, boxes, landmarks;
  std::string crop_sha256;
  Strings strings;
  std::uint32_t masks = 0, landmarks68 = 0;

  void add(const ManifestEntry& entry) {
    const double none = std::numeric_limits<double>::quiet_NaN();
    mask_rows.push_back(entry.mask.empty() ? pack::kNone : masks++);
    landmark68_rows.push_back(entry.landmarks68.empty() ? pack::kNone : landmarks68++);
    labels.push_back(static_cast<std::int8_t>(entry.label.value_or(-1)));
    roles.push_back(static_cast<std::uint8_t>(entry.role));
    paths.push_back(strings.id(entry.path));
    videos.push_back(entry.video ? strings.id(*entry.video) : pack::kNone);
    sets.push_back(strings.id(entry.set));
    methods.push_back(strings.id(entry.method));
    identities.push_back(strings.id(entry.identity));
    sources.push_back(strings.id(entry.source));
    frames.push_back(entry.frame.value_or(-1));
    pts_seconds.push_back(entry.pts_seconds.value_or(none));
    const Box box = entry.box_px.value_or(Box{none, none, none, none});
    boxes.insert(boxes.end(), {box.x1, box.y1, box.x2, box.y2});
    for (std::size_t i = 0; i < 5; ++i) {
      const Point point = entry.landmarks_px ? (*entry.landmarks_px)[i] : Point{none, none};
      landmarks.insert(landmarks.end(), {point.x, point.y});
    }
    crop_sha256 += entry.crop_sha256.empty() ? std::string(pack::kHashDigits, '\0') : entry.crop_sha256;
  }

  // In the order of the file, from mask_rows on.
  std::vector<std::span<const std::byte>> sections() const {
    const auto bytes = [](const auto& values) { return std::as_bytes(std::span(values)); };
    return {bytes(mask_rows),      bytes(landmark68_rows), bytes(labels),      bytes(roles),
            bytes(paths),          bytes(videos),          bytes(sets),        bytes(methods),
            bytes(identities),     bytes(sources),         bytes(frames),      bytes(pts_seconds),
            bytes(boxes),          bytes(landmarks),       bytes(crop_sha256), bytes(strings.ends()),
            bytes(strings.bytes())};
  }
};

Status check_size(const Picture& picture, const Manifest& manifest, std::size_t i) {
  if (picture.width == manifest.stored_px && picture.height == manifest.stored_px) return {};
  return fail(ErrorCode::recipe_mismatch, "{}: {}x{} pixels, the manifest says {}", manifest.entries[i].path,
              picture.width, picture.height, manifest.stored_px);
}

std::vector<std::uint8_t> first_channel(const Picture& picture) {
  std::vector<std::uint8_t> grey(picture.rgb.size() / 3);
  for (std::size_t i = 0; i < grey.size(); ++i) grey[i] = picture.rgb[3 * i];
  return grey;
}

Status write_pictures(const Manifest& manifest, const PackPictures& pictures, const pack::Layout& layout,
                      const CancelFlag& cancel, HashedFile& file) {
  const auto stopped = [&] { return fail(ErrorCode::cancelled, "the pack was not finished"); };
  DFA_TRY(file.pad_to(layout.sections[pack::crops].offset));
  for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
    if (cancel.requested()) return stopped();
    DFA_ASSIGN_OR_RETURN(const Picture crop, pictures.crop(i));
    DFA_TRY(check_size(crop, manifest, i));
    DFA_TRY(file.write(std::as_bytes(std::span(crop.rgb))));
  }
  DFA_TRY(file.pad_to(layout.sections[pack::masks].offset));
  for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
    if (manifest.entries[i].mask.empty()) continue;
    if (cancel.requested()) return stopped();
    DFA_ASSIGN_OR_RETURN(const Picture mask, pictures.mask(i));
    DFA_TRY(check_size(mask, manifest, i));
    const std::vector<std::uint8_t> grey = first_channel(mask);
    DFA_TRY(file.write(std::as_bytes(std::span(grey))));
  }
  return {};
}

Status write_points(const Manifest& manifest, const PackPictures& pictures, const pack::Layout& layout,
                    HashedFile& file) {
  DFA_TRY(file.pad_to(layout.sections[pack::landmarks68].offset));
  for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
    if (manifest.entries[i].landmarks68.empty()) continue;
    DFA_ASSIGN_OR_RETURN(const Landmarks68 landmarks, pictures.landmarks68(i));
    std::vector<float> values;
    for (const Point& point : landmarks.points) {
      values.push_back(static_cast<float>(point.x));
      values.push_back(static_cast<float>(point.y));
    }
    DFA_TRY(file.write(std::as_bytes(std::span(values))));
  }
  return {};
}

}  // namespace

Status write_pack(const Manifest& manifest, const PackPictures& pictures, const std::filesystem::path& target,
                  const CancelFlag& cancel) {
  Columns columns;
  for (const ManifestEntry& entry : manifest.entries) columns.add(entry);
  const pack::Shape shape{manifest.crop_name,
                          manifest.crop_sha256,
                          static_cast<std::uint64_t>(manifest.stored_px),
                          manifest.entries.size(),
                          columns.masks,
                          columns.landmarks68,
                          columns.strings.ends().size(),
                          columns.strings.bytes().size()};
  DFA_TRY(pack::check_shape(shape, PackLimits{}));
  const pack::Layout layout = pack::layout_of(shape);
  DFA_ASSIGN_OR_RETURN(const std::string header, pack::header_block(shape));
  DFA_ASSIGN_OR_RETURN(AtomicFile opened, AtomicFile::create(target));
  HashedFile file(std::move(opened));
  DFA_TRY(file.write(std::as_bytes(std::span(header))));
  DFA_TRY(write_pictures(manifest, pictures, layout, cancel, file));
  DFA_TRY(write_points(manifest, pictures, layout, file));
  std::size_t column = pack::mask_rows;
  for (const std::span<const std::byte> section : columns.sections()) {
    DFA_TRY(file.pad_to(layout.sections[column++].offset));
    DFA_TRY(file.write(section));
  }
  return file.finish();
}

}  // namespace dfa
