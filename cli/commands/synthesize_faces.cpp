#include "cli/commands/synthesize_faces.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"

namespace dfa::cli {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kLargestLandmarkFile = 4ull << 30;
// Below, the detector's box and the landmarks show different faces.
constexpr double kLeastOverlap = 0.3;
constexpr std::size_t kBoxesCompared = 2;

Result<Landmarks68> points_of(const Json& json) {
  Landmarks68 landmarks;
  if (!json.is_array() || json.size() != landmarks.points.size())
    return fail(ErrorCode::manifest_invalid, "\"landmarks68_px\" is no list of 68 points");
  for (std::size_t i = 0; i < landmarks.points.size(); ++i) {
    const Json& p = json[i];
    if (!p.is_array() || p.size() != 2 || !p[0].is_number() || !p[1].is_number())
      return fail(ErrorCode::manifest_invalid, "point {} of \"landmarks68_px\" is no [x, y]", i);
    landmarks.points[i] = {p[0].get<double>(), p[1].get<double>()};
  }
  return landmarks;
}

Result<std::pair<std::string, Landmarks68>> landmark_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("path") || !json["path"].is_string() || !json.contains("landmarks68_px"))
    return fail(ErrorCode::manifest_invalid, "expected {{\"path\": ..., \"landmarks68_px\": [[x, y] x 68]}}");
  DFA_ASSIGN_OR_RETURN(const Landmarks68 landmarks, points_of(json["landmarks68_px"]));
  return std::pair(json["path"].get<std::string>(), landmarks);
}

}  // namespace

std::string_view source_use_name(SourceUse use) {
  switch (use) {
    case SourceUse::used:
      return "used";
    case SourceUse::unreadable:
      return "unreadable";
    case SourceUse::no_face:
      return "no_face";
    case SourceUse::low_quality:
      return "low_quality";
    case SourceUse::no_landmarks:
      return "no_landmarks";
    case SourceUse::faces_differ:
      return "faces_differ";
    case SourceUse::not_wanted:
      return "not_wanted";
  }
  return "unknown";
}

Result<GivenLandmarks> read_landmarks(const std::string& file) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(file, kLargestLandmarkFile));
  GivenLandmarks given;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line(text.data() + at, end - at);
    at = end + 1;
    ++number;
    if (line.empty()) continue;
    auto entry = landmark_line(line);
    if (!entry) return fail_within(fmt::format("{}:{}", file, number), entry.error());
    if (!given.insert(std::move(*entry)).second)
      return fail(ErrorCode::manifest_invalid, "{}:{}: the path is listed twice", file, number);
  }
  return given;
}

Result<std::unique_ptr<FaceSeeker>> FaceSeeker::create(const GivenLandmarks* given, const std::string& landmark_model) {
  auto seeker = std::unique_ptr<FaceSeeker>(new FaceSeeker);
  DetectorOptions options;
  options.threads = 1;
  options.landmark_model = landmark_model;
  seeker->given_ = given;
  if (given == nullptr) {
    DFA_ASSIGN_OR_RETURN(seeker->frontal_, make_detector("dlib", options));
    DFA_ASSIGN_OR_RETURN(seeker->landmarks_, make_landmark_finder("dlib", landmark_model));
  }
  DFA_ASSIGN_OR_RETURN(seeker->detector_, make_detector("mtcnn", options));
  return seeker;
}

Result<std::optional<Landmarks68>> FaceSeeker::landmarks_of(const PictureView& picture, const std::string& path) {
  if (given_ != nullptr) {
    const auto entry = given_->find(path);
    if (entry == given_->end()) return std::nullopt;
    if (!check_landmarks(entry->second, picture.width, picture.height)) return std::nullopt;
    return entry->second;
  }
  DFA_ASSIGN_OR_RETURN(const std::vector<Face> faces, frontal_->detect(picture));
  if (faces.empty()) return std::nullopt;
  DFA_ASSIGN_OR_RETURN(const Landmarks68 landmarks, landmarks_->find(picture, faces.front().box_px));
  if (!check_landmarks(landmarks, picture.width, picture.height)) return std::nullopt;
  return landmarks;
}

Result<FoundFace> FaceSeeker::find(const PictureView& picture, const std::string& path) {
  FoundFace found;
  DFA_ASSIGN_OR_RETURN(std::vector<Face> faces, detector_->detect(picture));
  if (faces.empty()) return found;
  std::erase_if(faces, [](const Face& face) { return judge_face(face, FaceRules{}) != FaceUse::usable; });
  found.use = SourceUse::low_quality;
  if (faces.empty()) return found;
  DFA_ASSIGN_OR_RETURN(const auto landmarks, landmarks_of(picture, path));
  found.use = SourceUse::no_landmarks;
  if (!landmarks) return found;
  found.landmarks = *landmarks;
  const Box box = landmark_box(landmarks->points);
  double best = 0;
  for (std::size_t i = 0; i < std::min(faces.size(), kBoxesCompared); ++i)
    if (const double overlap = iou(faces[i].box_px, box); overlap > best) best = overlap, found.face = faces[i];
  found.use = best >= kLeastOverlap ? SourceUse::used : SourceUse::faces_differ;
  return found;
}

}  // namespace dfa::cli
