#include "face/dlib_part.hpp"

namespace dfa {
namespace {

Error absent(std::string_view what) {
  return {ErrorCode::usage, std::string(what) +
                                ": this build has no dlib\n  next step: configure with -DDFA_DLIB=ON (Debian packages "
                                "libdlib-dev and libdlib-data, installed by scripts/setup --dev; presets dev and train "
                                "have it on)"};
}

}  // namespace

DlibPart dlib_part() {
  return DlibPart::absent;
}

std::string_view dlib_default_model() {
  return {};
}

Result<std::unique_ptr<Detector>> make_dlib_detector(const DetectorOptions&) {
  return tl::unexpected<Error>(absent("detector 'dlib'"));
}

Result<std::shared_ptr<const LandmarkFinder>> make_dlib_landmark_finder(const std::filesystem::path&) {
  return tl::unexpected<Error>(absent("68 landmarks"));
}

}  // namespace dfa
