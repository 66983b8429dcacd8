// A pack: the crops of a manifest, with everything that it says of them, in one file that is read by memory map.
//
// Note [Pack file]
// Little-endian; every section begins at a multiple of 4096 bytes, zeros between.
//   0     "DFAPACK1", u64 length of the header, header JSON (block of 4096 bytes, padded with spaces):
//         {"dfa_pack":2,"crop":{"recipe","stored_px","sha256"},"count":N,"masks":M,"landmarks68":L,"strings":K,"string_bytes":B,
//          "sections":{"<name>":[offset, bytes], ...}}
//   crops         (N, S, S, 3) u8      masks       (M, S, S) u8
//   mask_rows     (N) u32, row of `masks`, 2^32-1 = none
//   landmarks68   (L, 68, 2) f32, pixels of the crop    landmark68_rows (N) u32, 2^32-1 = none
//   labels        (N) i8: 0, 1, -1 = unknown        roles (N) u8: train, val, calibration, test
//   paths, videos, sets, methods, identities, sources   (N) u32 into the strings; string 0 is empty; a video of 2^32-1
//   =
//                                                       not said
//   frames        (N) i64, -1 = none   pts_seconds (N) f64, NaN = none
//   boxes         (N, 4) f64           landmarks   (N, 5, 2) f64, NaN = none
//   crop_sha256   (N, 64) hexadecimal digits, zeros = not known
//   string_ends   (K) u64, where each string ends in    string_bytes (B)
//   last 64 bytes: SHA-256 of all before, as hexadecimal digits.
// Where a section lies follows from N, M, L, K, B and S alone: a reader computes it and takes no file that says
// otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/cancel.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "face/landmarks68.hpp"
#include "media/picture.hpp"

namespace dfa {

// Somebody else's 8-bit grey pixels.
struct GreyView {
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;
  const std::uint8_t* grey = nullptr;
};

struct PackLimits {
  std::uint64_t max_bytes = 1ull << 44;
  std::uint64_t max_crops = 100'000'000;
  std::uint64_t max_string_bytes = 8ull << 30;
};

// Whether the file begins as a pack does; false where it cannot be read.
bool looks_like_pack(const std::filesystem::path& path);

// Thread-safe after open(): everything is read-only. Views stay valid while the pack lives.
class Pack {
 public:
  // Checks the header, the place of every section and every value in the columns; not the pixels' hash. Errors:
  // file_not_found, file_unreadable, limit_exceeded, manifest_invalid.
  static Result<std::unique_ptr<Pack>> open(const std::filesystem::path& path, const PackLimits& limits = {});
  virtual ~Pack() = default;

  virtual std::size_t size() const = 0;
  virtual int stored_px() const = 0;                   // side of crops and masks
  virtual const std::string& crop_name() const = 0;    // of the crop recipe
  virtual const std::string& crop_sha256() const = 0;  // crop_recipe_hash(); empty where it is not known
  // Requires i < size().
  virtual PictureView crop(std::size_t i) const = 0;
  virtual std::optional<GreyView> mask(std::size_t i) const = 0;
  virtual std::optional<Landmarks68> landmarks68(std::size_t i) const = 0;  // pixels of the crop
  virtual std::optional<int> label(std::size_t i) const = 0;
  virtual Role role(std::size_t i) const = 0;
  // What the manifest said of this crop.
  virtual ManifestEntry entry(std::size_t i) const = 0;
  // The hash at the file's end, as it is written there: 64 characters.
  virtual std::string sha256() const = 0;
  // Reads the whole file. Errors: manifest_invalid when its hash is another than the one at its end, cancelled.
  virtual Status verify(const CancelFlag& cancel) const = 0;
};

// Where the writer gets pixels and points from; called in order, once for each crop, then once for each entry with a
// mask, then once for each entry with 68 points.
struct PackPictures {
  std::function<Result<Picture>(std::size_t)> crop;  // stored_px squared
  std::function<Result<Picture>(std::size_t)> mask;  // the same size; its first channel is kept
  std::function<Result<Landmarks68>(std::size_t)> landmarks68;
};

// Writes beside `target` and renames; equal content gives equal bytes. Memory: the columns, and one picture. Errors:
// those of `pictures`, recipe_mismatch (a picture of another size), limit_exceeded, file_unwritable, cancelled.
Status write_pack(const Manifest& manifest, const PackPictures& pictures, const std::filesystem::path& target,
                  const CancelFlag& cancel);

}  // namespace dfa
