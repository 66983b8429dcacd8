#include "stubs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "media/write_picture.hpp"

namespace dfa::test {
namespace {

constexpr int kLeastLevel = 100;

Face face_in(const Box& box, double probability) {
  Face face;
  face.box_px = box;
  face.probability = probability;
  const auto at = [&](double x, double y) { return Point{box.x1 + x * box.width(), box.y1 + y * box.height()}; };
  face.landmarks_px = {at(.3, .35), at(.7, .35), at(.5, .55), at(.35, .75), at(.65, .75)};
  return face;
}

// Rows of the square in column x, or an empty range.
std::pair<int, int> rows_in_column(const PictureView& picture, int x) {
  int first = -1, end = -1;
  for (int y = 0; y < picture.height; ++y)
    if (picture.row(y)[3 * x] >= kLeastLevel) {
      if (first < 0) first = y;
      end = y + 1;
    }
  return {first, end};
}

}  // namespace

Picture draw(int width, int height, const std::vector<DrawnFace>& faces) {
  Picture picture{width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width * height))};
  for (const DrawnFace& face : faces)
    for (int y = face.y; y < face.y + face.side; ++y)
      for (int x = face.x; x < face.x + face.side; ++x)
        std::fill_n(picture.rgb.begin() + 3 * (y * width + x), 3, static_cast<std::uint8_t>(face.level));
  return picture;
}

Picture draw_mask(int width, int height, const std::vector<DrawnFace>& faces) {
  std::vector<DrawnFace> white = faces;
  for (DrawnFace& face : white) face.level = 255;
  return draw(width, height, white);
}

void write_png(const std::filesystem::path& path, const Picture& picture) {
  std::filesystem::create_directories(path.parent_path());
  const auto bytes = encode_png(picture.view());
  ASSERT_TRUE(bytes) << bytes.error().message;
  write_bytes(path, {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
}

Result<std::vector<Face>> SquareDetector::detect(const PictureView& picture) {
  if (calls_ != nullptr) ++*calls_;
  std::this_thread::sleep_for(pause_);
  std::vector<Face> faces;
  for (int x = 0; x < picture.width; ++x) {
    const auto [first, end] = rows_in_column(picture, x);
    if (first < 0) continue;
    const int level = picture.row(first)[3 * x];
    int x2 = x;
    while (x2 < picture.width && rows_in_column(picture, x2).first >= 0) ++x2;
    faces.push_back(
        face_in({static_cast<double>(x), static_cast<double>(first), static_cast<double>(x2), static_cast<double>(end)},
                level / 200.0));
    x = x2;
  }
  return faces;
}

Result<std::vector<Face>> MiddleDetector::detect(const PictureView& picture) {
  std::this_thread::sleep_for(pause_);
  const double w = picture.width, h = picture.height;
  return std::vector<Face>{face_in({w / 4, h / 4, 3 * w / 4, 3 * h / 4}, 1)};
}

PrepareOptions quick_options(int workers) {
  PrepareOptions options;
  options.recipe = *crop_recipe_by_name("square1.3-inside");
  options.recipe.stored_px = 32;
  options.frames = 4;
  options.workers = workers;
  options.tool = "test";
  return options;
}

PrepareParts square_parts(std::atomic<long>* calls) {
  PrepareParts parts;
  parts.make_detector = [calls]() -> Result<std::unique_ptr<Detector>> {
    return std::make_unique<SquareDetector>(calls);
  };
  return parts;
}

SourceItem item(const std::string& path, SourceKind kind, std::optional<int> label, const std::string& method) {
  SourceItem item;
  item.path = path;
  item.kind = kind;
  item.label = label;
  item.set = "drawn";
  item.method = method;
  return item;
}

SourceItem write_frames(const std::filesystem::path& root, const std::string& path,
                        const std::vector<std::vector<DrawnFace>>& frames, int label) {
  SourceItem made = item(path, SourceKind::frames, label, label == 1 ? "drawing" : "");
  for (std::size_t i = 0; i < frames.size(); ++i) {
    made.frames.push_back(fmt::format("{:03}.png", i));
    write_png(root / path / made.frames.back(), draw(200, 120, frames[i]));
  }
  return made;
}

std::vector<std::pair<std::string, std::string>> tree(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files.emplace_back(std::filesystem::relative(entry.path(), folder).string(),
                       std::string(std::istreambuf_iterator<char>(in), {}));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace dfa::test
