#include "eval/robustness_published.hpp"

namespace dfa {
namespace {

constexpr PublishedGrade kPaper = PublishedGrade::paper, kSecondHand = PublishedGrade::second_hand;

constexpr PublishedRobustness kRobustness[] = {
    {"Xception", kSecondHand, .922, {.928, .911, .925, .519, .738, .791, .633}, .778, -.144},
    {"Face X-ray", kSecondHand, .977, {.951, .858, .973, .517, .629, .868, .528}, .761, -.216},
    {"FTCN", kSecondHand, .994, {.993, .952, .782, .520, .896, .810, .857}, .830, -.164},
    {"LipForensics", kSecondHand, .996, {.992, .996, .834, .770, .987, .940, .635}, .879, -.117},
    {"RealForensics", kSecondHand, .996, {.987, .987, .768, .756, .983, .985, .972}, .920, -.076},
    {"SpeechForensics", kPaper, .976, {.974, .967, .946, .808, .974, .967, .942}, .941, -.035},
};

constexpr PublishedTransfer kTransfer[] = {
    {"Xception", kSecondHand, .9637, .8261},
    {"EfficientNet-B4", kSecondHand, .9567, .8150},
    {"UCF", kSecondHand, .9705, .8399},
    {"RECCE", kSecondHand, .9621, .8190},
};

}  // namespace

std::string_view published_grade_name(PublishedGrade grade) {
  return grade == PublishedGrade::paper ? "paper" : "second-hand";
}

std::span<const PublishedRobustness> published_robustness() {
  return kRobustness;
}

std::span<const PublishedTransfer> published_transfer() {
  return kTransfer;
}

}  // namespace dfa
