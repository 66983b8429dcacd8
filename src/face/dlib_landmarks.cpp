// 68 points by dlib's regression trees (Kazemi and Sullivan, CVPR 2014).
#include <dlib/image_processing/shape_predictor.h>

#include <cmath>
#include <fstream>
#include <map>
#include <mutex>
#include <new>

#include "base/hash.hpp"
#include "face/dlib_part.hpp"
#include "face/dlib_view.hpp"

namespace dfa {
namespace {

constexpr std::uintmax_t kLargestModel = 512ull << 20;  // the known file has 100 MB
constexpr unsigned long kPoints = 68;

class DlibLandmarkFinder final : public LandmarkFinder {
 public:
  DlibLandmarkFinder(dlib::shape_predictor predictor, std::string sha256)
      : predictor_(std::move(predictor)), sha256_(std::move(sha256)) {}

  std::string_view name() const override { return "dlib"; }
  std::string_view model_sha256() const override { return sha256_; }

  Result<Landmarks68> find(const PictureView& picture, const Box& box) const override {
    if (picture.rgb == nullptr || picture.width <= 0 || picture.height <= 0)
      return fail(ErrorCode::internal, "landmarks in an empty picture ({}x{})", picture.width, picture.height);
    const dlib::rectangle face(std::lround(box.x1), std::lround(box.y1), std::lround(box.x2), std::lround(box.y2));
    const dlib::full_object_detection shape = predictor_(DlibView{picture}, face);
    Landmarks68 landmarks;
    for (unsigned long i = 0; i < kPoints; ++i)
      landmarks.points[i] = {static_cast<double>(shape.part(i).x()), static_cast<double>(shape.part(i).y())};
    return landmarks;
  }

 private:
  const dlib::shape_predictor predictor_;
  const std::string sha256_;
};

Result<std::shared_ptr<const LandmarkFinder>> load(const std::filesystem::path& path) {
  std::error_code problem;
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  if (problem)
    return fail(ErrorCode::file_not_found,
                "{}: the 68-point model cannot be read ({})\n  next step: install the Debian package libdlib-data, or "
                "name the file shape_predictor_68_face_landmarks.dat",
                path.string(), problem.message());
  if (size > kLargestModel)
    return fail(ErrorCode::limit_exceeded, "{}: {} bytes, a 68-point model has at most {}", path.string(), size,
                kLargestModel);
  DFA_ASSIGN_OR_RETURN(std::string sha256, sha256_file(path));
  dlib::shape_predictor predictor;
  try {
    std::ifstream file(path, std::ios::binary);
    dlib::deserialize(predictor, file);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "{}: no memory for this model", path.string());
  } catch (const std::exception& error) {
    return fail(ErrorCode::model_format, "{}: no shape predictor of dlib: {}", path.string(), error.what());
  }
  if (predictor.num_parts() != kPoints)
    return fail(ErrorCode::model_incompatible, "{}: the model gives {} points, expected {}", path.string(),
                predictor.num_parts(), kPoints);
  return std::make_shared<const DlibLandmarkFinder>(std::move(predictor), std::move(sha256));
}

}  // namespace

DlibPart dlib_part() {
  return DlibPart::present;
}

std::string_view dlib_default_model() {
  return DFA_DLIB_MODEL;
}

Result<std::shared_ptr<const LandmarkFinder>> make_dlib_landmark_finder(const std::filesystem::path& model) {
  static std::mutex mutex;
  static std::map<std::filesystem::path, std::weak_ptr<const LandmarkFinder>> loaded;
  const std::filesystem::path path = model.empty() ? std::filesystem::path(DFA_DLIB_MODEL) : model;
  const std::lock_guard lock(mutex);
  if (auto finder = loaded[path].lock()) return finder;
  DFA_ASSIGN_OR_RETURN(auto finder, load(path));
  loaded[path] = finder;
  return finder;
}

}  // namespace dfa
