#include "prepare/item_frames.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <system_error>
#include <utility>

#include "media/read_picture.hpp"
#include "media/sniff.hpp"
#include "media/video_reader.hpp"

namespace dfa {
namespace {

std::optional<std::int64_t> number_in_name(const std::string& name) {
  const std::string stem = std::filesystem::path(name).stem().string();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (error != std::errc() || end != stem.data() + stem.size() || number < 0) return std::nullopt;
  return number;
}

class VideoFrames final : public ItemFrames {
 public:
  static Result<std::unique_ptr<ItemFrames>> open(const std::filesystem::path& path, int count,
                                                  const MediaLimits& limits) {
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<VideoReader> reader, VideoReader::open(path, limits));
    std::vector<std::int64_t> wanted = even_frame_indices(reader->info().frames_counted, count);
    FrameSelection selection;
    selection.count = count;
    DFA_TRY(reader->select(selection));
    return std::make_unique<VideoFrames>(std::move(reader), std::move(wanted));
  }
  static Result<std::unique_ptr<ItemFrames>> open_again(const std::filesystem::path& path, const FrameWish& wish,
                                                        const MediaLimits& limits) {
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<VideoReader> reader, VideoReader::open(path, limits));
    std::vector<std::int64_t> wanted = wish.numbers;
    if (wish.between == FrameWish::Between::read) {
      wanted.resize(static_cast<std::size_t>(reader->info().frames_counted));
      std::iota(wanted.begin(), wanted.end(), std::int64_t{0});
    }
    FrameSelection selection;
    selection.way = FrameSelection::Way::listed;
    selection.frames = wanted;
    DFA_TRY(reader->select(selection));
    return std::make_unique<VideoFrames>(std::move(reader), std::move(wanted));
  }
  VideoFrames(std::unique_ptr<VideoReader> reader, std::vector<std::int64_t> wanted)
      : reader_(std::move(reader)), wanted_(std::move(wanted)) {}

  const std::vector<std::int64_t>& wanted() const override { return wanted_; }

  Result<std::optional<ItemFrame>> next() override {
    DFA_ASSIGN_OR_RETURN(std::optional<Frame> frame, reader_->next());
    if (!frame) return std::optional<ItemFrame>();
    const auto place = std::lower_bound(wanted_.begin(), wanted_.end(), frame->index) - wanted_.begin();
    return ItemFrame{std::move(frame->picture), static_cast<std::size_t>(place), frame->index, frame->pts_seconds};
  }

  std::vector<std::string> notes() const override {
    if (reader_->info().cut.empty()) return {};
    return {"cut short: " + reader_->info().cut};
  }

  FrameRate rate() const override { return mean_frame_rate(reader_->info()); }
  std::int64_t frame_pixels() const override { return std::int64_t{reader_->info().width} * reader_->info().height; }

 private:
  std::unique_ptr<VideoReader> reader_;
  std::vector<std::int64_t> wanted_;
};

// Single pictures in their order; a still picture is a list of one.
class PictureFrames final : public ItemFrames {
 public:
  PictureFrames(std::vector<std::filesystem::path> files, std::vector<std::int64_t> numbers, const MediaLimits& limits)
      : files_(std::move(files)), wanted_(std::move(numbers)), limits_(limits) {}

  const std::vector<std::int64_t>& wanted() const override { return wanted_; }

  Result<std::optional<ItemFrame>> next() override {
    while (place_ < files_.size()) {
      const std::size_t place = place_++;
      Result<Picture> picture = read_picture(files_[place], limits_);
      if (picture) return ItemFrame{std::move(*picture), place, wanted_[place], std::nullopt};
      if (files_.size() == 1) return tl::unexpected(std::move(picture).error());
      notes_.push_back(fmt::format("{}: {}", files_[place].filename().string(), picture.error().message));
    }
    return std::optional<ItemFrame>();
  }

  std::vector<std::string> notes() const override { return notes_; }

 private:
  std::vector<std::filesystem::path> files_;
  std::vector<std::int64_t> wanted_;
  MediaLimits limits_;
  std::size_t place_ = 0;
  std::vector<std::string> notes_;
};

// The numbers in the names where they rise, else the places.
std::vector<std::int64_t> frame_numbers(const std::vector<std::string>& names) {
  std::vector<std::int64_t> numbers;
  for (const std::string& name : names) {
    const std::optional<std::int64_t> number = number_in_name(name);
    if (!number || (!numbers.empty() && *number <= numbers.back())) {
      numbers.clear();
      for (std::size_t i = 0; i < names.size(); ++i) numbers.push_back(static_cast<std::int64_t>(i));
      break;
    }
    numbers.push_back(*number);
  }
  return numbers;
}

std::unique_ptr<ItemFrames> open_folder(const SourceItem& item, const std::filesystem::path& folder, int count,
                                        const MediaLimits& limits) {
  const std::vector<std::int64_t> all = frame_numbers(item.frames);
  std::vector<std::filesystem::path> files;
  std::vector<std::int64_t> numbers;
  for (const std::int64_t pick : even_frame_indices(static_cast<std::int64_t>(item.frames.size()), count)) {
    files.push_back(folder / item.frames[static_cast<std::size_t>(pick)]);
    numbers.push_back(all[static_cast<std::size_t>(pick)]);
  }
  return std::make_unique<PictureFrames>(std::move(files), std::move(numbers), limits);
}

class MaskVideo final : public MaskFrames {
 public:
  explicit MaskVideo(std::unique_ptr<VideoReader> reader) : reader_(std::move(reader)) {}

  Result<std::optional<Picture>> at(std::int64_t number) override {
    while (!ended_ && (!held_ || held_->index < number)) {
      DFA_ASSIGN_OR_RETURN(held_, reader_->next());
      ended_ = !held_;
    }
    if (!held_ || held_->index != number) return std::optional<Picture>();
    return std::move(std::exchange(held_, std::nullopt)->picture);
  }

 private:
  std::unique_ptr<VideoReader> reader_;
  std::optional<Frame> held_;
  bool ended_ = false;
};

class MaskPicture final : public MaskFrames {
 public:
  explicit MaskPicture(Picture picture) : picture_(std::move(picture)) {}
  Result<std::optional<Picture>> at(std::int64_t) override { return std::optional(picture_); }

 private:
  Picture picture_;
};

class MaskFolder final : public MaskFrames {
 public:
  MaskFolder(std::map<std::int64_t, std::filesystem::path> files, const MediaLimits& limits)
      : files_(std::move(files)), limits_(limits) {}
  Result<std::optional<Picture>> at(std::int64_t number) override {
    const auto found = files_.find(number);
    if (found == files_.end()) return std::optional<Picture>();
    DFA_ASSIGN_OR_RETURN(Picture picture, read_picture(found->second, limits_));
    return std::optional(std::move(picture));
  }

 private:
  std::map<std::int64_t, std::filesystem::path> files_;
  MediaLimits limits_;
};

using NumberedFiles = std::map<std::int64_t, std::filesystem::path>;

// The files whose names are numbers.
Result<NumberedFiles> numbered_files(const std::filesystem::path& folder) {
  NumberedFiles files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (const auto number = number_in_name(at->path().filename().string())) {
      // Two pictures of one number: the first in byte order, whatever order the folder gives.
      const auto [place, fresh] = files.emplace(*number, at->path());
      if (!fresh && at->path() < place->second) place->second = at->path();
    }
  if (error) return fail(ErrorCode::file_unreadable, "{}: {}", folder.string(), error.message());
  return files;
}

Result<std::unique_ptr<MaskFrames>> open_mask_folder(const std::filesystem::path& folder, const MediaLimits& limits) {
  DFA_ASSIGN_OR_RETURN(NumberedFiles files, numbered_files(folder));
  return std::make_unique<MaskFolder>(std::move(files), limits);
}

Result<std::unique_ptr<ItemFrames>> open_folder_again(const std::filesystem::path& folder, const FrameWish& wish,
                                                      const MediaLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const NumberedFiles all, numbered_files(folder));
  std::vector<std::filesystem::path> files;
  std::vector<std::int64_t> numbers;
  const bool only_wanted = wish.between == FrameWish::Between::skip;
  for (const auto& [number, file] : all) {
    if (only_wanted && !std::binary_search(wish.numbers.begin(), wish.numbers.end(), number)) continue;
    files.push_back(file);
    numbers.push_back(number);
  }
  return std::make_unique<PictureFrames>(std::move(files), std::move(numbers), limits);
}

}  // namespace

Result<std::unique_ptr<ItemFrames>> ItemFrames::open(const SourceItem& item, const std::filesystem::path& root,
                                                     int count, const MediaLimits& limits) {
  const std::filesystem::path path = root / item.path;
  switch (item.kind) {
    case SourceKind::video:
      return VideoFrames::open(path, count, limits);
    case SourceKind::picture:
      return std::make_unique<PictureFrames>(std::vector{path}, std::vector<std::int64_t>{0}, limits);
    case SourceKind::frames:
      return open_folder(item, path, count, limits);
  }
  return fail(ErrorCode::internal, "source kind {} has no reader", static_cast<int>(item.kind));
}

Result<std::unique_ptr<ItemFrames>> ItemFrames::open_again(const std::filesystem::path& path, const FrameWish& wish,
                                                           const MediaLimits& limits) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return open_folder_again(path, wish, limits);
  DFA_ASSIGN_OR_RETURN(const MediaKind kind, sniff(path));
  if (kind == MediaKind::picture)
    return std::make_unique<PictureFrames>(std::vector{path}, std::vector<std::int64_t>{0}, limits);
  return VideoFrames::open_again(path, wish, limits);
}

std::uint64_t source_bytes(const SourceItem& item, const std::filesystem::path& root) {
  const auto size_of = [](const std::filesystem::path& path) -> std::uint64_t {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    return error ? 0 : size;
  };
  if (item.kind != SourceKind::frames) return size_of(root / item.path);
  std::uint64_t sum = 0;
  for (const std::string& frame : item.frames) sum += size_of(root / item.path / frame);
  return sum;
}

Result<std::unique_ptr<MaskFrames>> MaskFrames::open(const std::filesystem::path& path,
                                                     const std::vector<std::int64_t>& wanted,
                                                     const MediaLimits& limits) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return open_mask_folder(path, limits);
  DFA_ASSIGN_OR_RETURN(const MediaKind kind, sniff(path));
  if (kind == MediaKind::picture) {
    DFA_ASSIGN_OR_RETURN(Picture picture, read_picture(path, limits));
    return std::make_unique<MaskPicture>(std::move(picture));
  }
  DFA_ASSIGN_OR_RETURN(std::unique_ptr<VideoReader> reader, VideoReader::open(path, limits));
  FrameSelection selection;
  selection.way = FrameSelection::Way::listed;
  selection.frames = wanted;
  DFA_TRY(reader->select(selection));
  return std::make_unique<MaskVideo>(std::move(reader));
}

}  // namespace dfa
