#include "unit/train/made_faces.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>

#include "dataset/landmark_file.hpp"
#include "dataset/pack.hpp"
#include "media/read_picture.hpp"
#include "media/write_picture.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {
namespace {

void must(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

// Points on an arc around (x, y), from one angle to another, in shares of the side.
void arc(Landmarks68& to, std::size_t first, std::size_t count, double x, double y, double rx, double ry, double from,
         double step, int side) {
  for (std::size_t i = 0; i < count; ++i) {
    const double angle = (from + step * static_cast<double>(i)) * std::numbers::pi / 180;
    to.points[first + i] = {side * (x + rx * std::cos(angle)), side * (y + ry * std::sin(angle))};
  }
}

Picture made_mask(int side) {
  Picture mask{side, side,
               std::vector<std::uint8_t>(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side))};
  for (int y = side / 8; y < side / 2; ++y)
    for (int x = side / 8; x < side / 2; ++x)
      std::fill_n(&mask.rgb[static_cast<std::size_t>(3 * (y * side + x))], 3, 255);
  return mask;
}

}  // namespace

Landmarks68 made_landmarks(int side) {
  Landmarks68 face;
  arc(face, 0, 17, 0.5, 0.45, 0.3, 0.38, 180, -180.0 / 16, side);  // jaw, from left over the chin
  arc(face, 17, 5, 0.36, 0.36, 0.09, 0.05, 180, 45, side);
  arc(face, 22, 5, 0.64, 0.36, 0.09, 0.05, 180, 45, side);
  for (std::size_t i = 0; i < 4; ++i) face.points[27 + i] = {0.5 * side, (0.42 + 0.05 * static_cast<double>(i)) * side};
  arc(face, 31, 5, 0.5, 0.6, 0.06, 0.03, 180, -45, side);
  arc(face, 36, 6, 0.36, 0.43, 0.06, 0.03, 180, 60, side);
  arc(face, 42, 6, 0.64, 0.43, 0.06, 0.03, 180, 60, side);
  arc(face, 48, 12, 0.5, 0.7, 0.12, 0.06, 180, 30, side);
  arc(face, 60, 8, 0.5, 0.7, 0.08, 0.02, 180, 45, side);
  return face;
}

std::filesystem::path write_made_faces(const std::filesystem::path& folder, const MadeCrops& crops) {
  const std::filesystem::path path = write_made_crops(folder, crops);
  Manifest manifest = read_manifest(path).value();
  std::map<Role, int> seen;
  for (ManifestEntry& entry : manifest.entries) {
    const int number = seen[entry.role]++;
    const std::string role(role_name(entry.role));
    const std::filesystem::path root = folder / "crops";
    entry.video = role + (entry.label == 1 ? "/fake.mp4" : "/real.mp4");
    entry.frame = number / 2;
    if (entry.label == 1) {
      entry.source = role + "/real.mp4";
      if (number % 4 == 1) {
        entry.mask = entry.path + ".mask.png";
        must(write_picture_png(root / entry.mask, made_mask(crops.side).view()));
      }
      continue;
    }
    entry.landmarks68 = entry.path + ".npy";
    const auto bytes = landmark_file_bytes(made_landmarks(crops.side));
    write_bytes(root / entry.landmarks68, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  must(write_manifest(manifest, path));
  return path;
}

std::filesystem::path write_made_pack(const std::filesystem::path& manifest_path) {
  const Manifest manifest = read_manifest(manifest_path).value();
  const std::filesystem::path root = manifest_root(manifest, manifest_path);
  PackPictures pictures;
  pictures.crop = [&](std::size_t i) { return read_picture(root / manifest.entries[i].path, {}); };
  pictures.mask = [&](std::size_t i) { return read_picture(root / manifest.entries[i].mask, {}); };
  pictures.landmarks68 = [&](std::size_t i) { return read_landmark_file(root / manifest.entries[i].landmarks68); };
  const std::filesystem::path pack = manifest_path.parent_path() / "crops.dfapack";
  must(write_pack(manifest, pictures, pack, {}));
  return pack;
}

}  // namespace dfa::test
