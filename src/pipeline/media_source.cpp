#include "pipeline/media_source.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <future>
#include <new>
#include <utility>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "media/read_picture.hpp"

namespace dfa {
namespace {

class PictureSource final : public MediaSource {
 public:
  explicit PictureSource(Picture picture) : picture_(std::move(picture)) {}
  Result<std::optional<Frame>> next() override {
    if (!picture_) return std::optional<Frame>();
    Frame frame;
    frame.picture = std::move(*std::exchange(picture_, std::nullopt));
    return frame;
  }
  std::int64_t frames_expected() const override { return 1; }
  void count(WorkRecord& work) const override { work.frames_declared = work.frames_counted = work.frames_decoded = 1; }
  std::vector<std::string> notes() const override { return {}; }

 private:
  std::optional<Picture> picture_;
};

class VideoSource final : public MediaSource {
 public:
  VideoSource(std::unique_ptr<VideoReader> reader, const FrameSelection& frames)
      : reader_(std::move(reader)), frames_(frames) {}

  Result<std::optional<Frame>> next() override { return reader_->next(); }

  std::int64_t frames_expected() const override {
    const VideoInfo& info = reader_->info();
    switch (frames_.way) {
      case FrameSelection::Way::even:
        return std::min<std::int64_t>(frames_.count, info.frames_counted);
      case FrameSelection::Way::rate:
        return std::min(std::llround(std::ceil(info.duration_seconds * frames_.fps)),
                        static_cast<long long>(info.frames_counted));
      case FrameSelection::Way::listed:
        return std::min<std::int64_t>(static_cast<std::int64_t>(frames_.frames.size()), info.frames_counted);
      case FrameSelection::Way::every:
        break;
    }
    return info.frames_counted;
  }

  void count(WorkRecord& work) const override {
    work.frames_declared = reader_->info().frames_declared;
    work.frames_counted = reader_->info().frames_counted;
    work.frames_decoded = reader_->work().frames_decoded;
    work.frames_failed = reader_->work().frames_failed;
  }

  std::vector<std::string> notes() const override {
    std::vector<std::string> notes;
    const std::string& cut = reader_->info().cut;
    if (!cut.empty()) notes.push_back(cut.find("cut short") == std::string::npos ? "cut short: " + cut : cut);
    if (const std::int64_t failed = reader_->work().frames_failed; failed > 0)
      notes.push_back(fmt::format("{} wanted {} could not be decoded", failed, failed == 1 ? "frame" : "frames"));
    return notes;
  }

 private:
  std::unique_ptr<VideoReader> reader_;
  FrameSelection frames_;
};

std::optional<std::string> hash_of(const std::string& path) {
  Result<std::string> hash = sha256_file(path);
  return hash ? std::optional(std::move(*hash)) : std::nullopt;
}

// One read serves hash and decoder.
void open_picture(const std::string& path, const MediaLimits& limits, Intake& intake) {
  const auto bytes = read_file(path, limits.max_picture_bytes);
  if (!bytes) {
    intake.source = tl::unexpected(bytes.error());
    return;
  }
  intake.sha256 = sha256_hex(std::span(*bytes));
  intake.source = decode_picture(*bytes, limits).map([](Picture&& picture) -> std::unique_ptr<MediaSource> {
    return std::make_unique<PictureSource>(std::move(picture));
  });
}

// Hashing a long video and counting its packets go on at once where a thread can be had.
void open_video(const std::string& path, const IntakeOptions& options, Intake& intake) {
  auto hash = std::async(hash_of, path);
  Result<std::unique_ptr<VideoReader>> reader = VideoReader::open(path, options.limits, options.video);
  intake.sha256 = hash.get();
  if (!reader) {
    intake.source = tl::unexpected(std::move(reader).error());
    return;
  }
  if (Status selected = (*reader)->select(options.frames); !selected) {
    intake.source = tl::unexpected(std::move(selected).error());
    return;
  }
  intake.source = std::make_unique<VideoSource>(std::move(*reader), options.frames);
}

// A file over the limit is not hashed either: the limit is there to bound the work.
Status check_size(const std::string& path, std::uint64_t limit) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error || limit == 0 || size <= limit) return {};
  return fail(ErrorCode::limit_exceeded, "{} bytes, the limit is {}\n  next step: raise it with --max-bytes", size,
              limit);
}

void open_sniffed(const std::string& path, const IntakeOptions& options, Intake& intake) {
  const Result<MediaKind> kind = sniff(path);
  if (kind) intake.kind = *kind;
  const std::uint64_t limit =
      intake.kind == MediaKind::picture ? options.limits.max_picture_bytes : options.limits.max_bytes;
  if (Status size = check_size(path, limit); !size) {
    intake.source = tl::unexpected(std::move(size).error());
  } else if (!kind) {
    const ErrorCode code = kind.error().code;
    if (code == ErrorCode::not_media || code == ErrorCode::media_unsupported) intake.sha256 = hash_of(path);
    intake.source = tl::unexpected(kind.error());
  } else if (*kind == MediaKind::picture) {
    open_picture(path, options.limits, intake);
  } else {
    open_video(path, options, intake);
  }
}

}  // namespace

Intake open_media(const std::string& path, const IntakeOptions& options) {
  Intake intake{MediaKind::unknown, std::nullopt, fail(ErrorCode::internal, "never opened")};
  try {
    open_sniffed(path, options, intake);
  } catch (const std::bad_alloc&) {
    intake.source = fail(ErrorCode::out_of_memory, "no memory to open this file");
  } catch (const std::exception& error) {
    intake.source = fail(ErrorCode::internal, "{}", error.what());
  }
  return intake;
}

}  // namespace dfa
