#include "prepared_clips.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>
#include <stdexcept>

#include "dataset/source_list.hpp"
#include "media/video_reader.hpp"
#include "media/video_writer.hpp"
#include "prepare/prepare_job.hpp"
#include "support/shared.hpp"

namespace dfa::test {
namespace {

constexpr int kFrames = 2;

void copy_sample(const std::string& sample, const std::filesystem::path& to) {
  std::filesystem::create_directories(to.parent_path());
  std::filesystem::copy_file(source_path("samples/" + sample), to);
}

// The beginning of a sample: a test that encodes it need not take long.
void shorten_sample(const std::string& sample, const std::filesystem::path& to) {
  std::filesystem::create_directories(to.parent_path());
  auto reader = VideoReader::open(source_path("samples/" + sample), {});
  if (!reader) throw std::runtime_error(reader.error().message);
  FrameSelection every;
  every.way = FrameSelection::Way::every;
  std::vector<Picture> frames;
  if (!(*reader)->select(every)) throw std::runtime_error("no frames");
  while (frames.size() < kClipFrames) frames.push_back((*reader)->next().value().value().picture);
  VideoEncoding encoding;
  encoding.crf = 18;
  if (!write_video(to, frames, encoding)) throw std::runtime_error("the clip cannot be written");
}

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

std::unique_ptr<PreparedClips> prepare_clips() {
  auto clips = std::make_unique<PreparedClips>();
  const TempDir& dir = clips->dir;
  copy_sample("astronaut.png", dir / "data/real/astronaut.png");
  shorten_sample("swap_astronaut.mp4", dir / "data/fake/swap.mp4");
  copy_sample("astronaut.png", dir / "data/real/pictures/003.png");
  copy_sample("swap_astronaut.jpg", dir / "data/real/pictures/010.jpg");
  const SourceList list = value_of(read_layout("folders", dir / "data"));
  PrepareOptions options;
  options.recipe = value_of(crop_recipe_by_name("aligned1.3"));
  options.frames = kFrames;
  options.workers = 1;
  options.tool = "test";
  PrepareParts parts;
  parts.make_detector = [] { return make_detector("mtcnn", {.threads = 1}); };
  value_of(run_prepare(list, dir / "out", options, parts, {}, CancelFlag()));
  clips->manifest_path = dir / "out/manifest.jsonl";
  clips->manifest = value_of(read_manifest(clips->manifest_path));
  clips->entries.resize(clips->manifest.entries.size());
  std::iota(clips->entries.begin(), clips->entries.end(), std::size_t{0});
  const CropRecipe of_another_model = value_of(crop_recipe_by_name("sbi"));
  clips->sources =
      value_of(find_sources({clips->manifest, clips->manifest_path, clips->entries, /*root=*/{}, of_another_model}));
  return clips;
}

}  // namespace

const PreparedClips& prepared_clips() {
  static const std::unique_ptr<PreparedClips> clips = prepare_clips();
  return *clips;
}

const SourceVideo& PreparedClips::video(std::string_view name) const {
  for (const SourceVideo& one : sources.videos)
    if (one.name == name) return one;
  throw std::runtime_error("no such item");
}

Recuts recut_all(const SourceVideo& video, const RecutOptions& options, const SourceVideos& all) {
  const std::size_t crops = prepared_clips().manifest.entries.size();
  Recuts recuts(options.perturbations.size() + 1, std::vector<Recut>(crops));
  std::vector<std::vector<int>> seen(recuts.size(), std::vector<int>(crops));
  const Status done =
      recut_video(video, all, options, CancelFlag(), [&](std::size_t cell, std::size_t entry, Recut recut) -> Status {
        ++seen[cell][entry];
        recuts[cell][entry] = std::move(recut);
        return {};
      });
  EXPECT_TRUE(done) << done.error().message;
  for (const SourceCrop& crop : video.crops)
    for (std::size_t cell = 0; cell < seen.size(); ++cell) EXPECT_EQ(seen[cell][crop.entry], 1);
  return recuts;
}

double difference(const Picture& a, const Picture& b) {
  EXPECT_EQ(a.rgb.size(), b.rgb.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

}  // namespace dfa::test
