#include "score/result.hpp"

namespace dfa {

std::string_view media_kind_name(MediaKind kind) {
  switch (kind) {
    case MediaKind::unknown:
      return "unknown";
    case MediaKind::picture:
      return "image";
    case MediaKind::video:
      return "video";
  }
  return "unknown";
}

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::scored:
      return "scored";
    case Outcome::no_face:
      return "no_face";
    case Outcome::low_quality:
      return "low_quality";
    case Outcome::decode_error:
      return "decode_error";
    case Outcome::abstained:
      return "abstained";
  }
  return "abstained";
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::fake:
      return "fake";
    case Verdict::real:
      return "real";
    case Verdict::inconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

std::string_view face_fate_name(FaceFate fate) {
  switch (fate) {
    case FaceFate::scored:
      return "scored";
    case FaceFate::too_small:
      return "too_small";
    case FaceFate::low_probability:
      return "low_probability";
    case FaceFate::not_scored:
      return "not_scored";
  }
  return "not_scored";
}

void SummaryRecord::count(const ItemRecord& item) {
  switch (item.outcome) {
    case Outcome::scored:
      ++scored;
      break;
    case Outcome::no_face:
      ++no_face;
      break;
    case Outcome::low_quality:
      ++low_quality;
      break;
    case Outcome::decode_error:
      ++decode_error;
      break;
    case Outcome::abstained:
      ++abstained;
      break;
  }
  if (item.verdict == Verdict::fake) ++fakes;
}

}  // namespace dfa
