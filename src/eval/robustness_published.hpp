// Figures that others have published on robustness, to stand beside ours and never as ours. Shares, not percent.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace dfa {

// Who says so.
enum class PublishedGrade {
  paper,       // the method's own authors
  second_hand  // somebody else's paper; to be read again in its original before it is cited
};
std::string_view published_grade_name(PublishedGrade grade);  // "paper", "second-hand"

// Video AUC on FaceForensics++ under deeperforensics, each code averaged over its five levels.
struct PublishedRobustness {
  std::string_view method;
  PublishedGrade grade;
  double clean;
  std::array<double, 7> codes;  // CS, CC, BW, GNC, GB, JPEG (pixelation), VC
  double mean, drop;
};
inline constexpr std::array<std::string_view, 7> kPublishedCodes = {"CS", "CC", "BW", "GNC", "GB", "JPEG", "VC"};
inline constexpr std::string_view kRobustnessSource = "SpeechForensics (NeurIPS 2024), table 7";
std::span<const PublishedRobustness> published_robustness();

// Frame AUC on FaceForensics++ of detectors trained on c23.
struct PublishedTransfer {
  std::string_view method;
  PublishedGrade grade;
  double c23, c40;
};
inline constexpr std::string_view kTransferSource = "DeepfakeBench";
std::span<const PublishedTransfer> published_transfer();

}  // namespace dfa
