#include "score/outcome.hpp"

#include <algorithm>

#include "score/likelihood.hpp"

namespace dfa {
namespace {

struct Fates {
  long scored = 0, too_small = 0, low_probability = 0, not_scored = 0;
  long all() const { return scored + too_small + low_probability + not_scored; }
};

Fates count_fates(const std::vector<SampledFrame>& frames) {
  Fates fates;
  for (const SampledFrame& frame : frames)
    for (const FaceRecord& face : frame.faces) {
      if (face.p_fake) {
        ++fates.scored;
      } else if (face.quality.fate == FaceFate::too_small) {
        ++fates.too_small;
      } else if (face.quality.fate == FaceFate::low_probability) {
        ++fates.low_probability;
      } else {
        ++fates.not_scored;
      }
    }
  return fates;
}

Outcome outcome_of(const Fates& fates) {
  if (fates.scored > 0) return Outcome::scored;
  if (fates.not_scored > 0) return Outcome::abstained;
  return fates.all() > 0 ? Outcome::low_quality : Outcome::no_face;
}

void join(std::string& text, std::string_view part) {
  if (!text.empty()) text += "; ";
  text += part;
}

std::string_view plural(long n, std::string_view one, std::string_view many) {
  return n == 1 ? one : many;
}

std::string words_of(Outcome outcome, const Fates& fates, const FaceRules& rules, const WorkRecord& work) {
  switch (outcome) {
    case Outcome::no_face:
      return fmt::format("no face found in {} {}", work.frames_searched,
                         plural(work.frames_searched, "frame", "frames"));
    case Outcome::low_quality: {
      std::string text;
      if (fates.too_small > 0)
        join(text, fmt::format("{} {} smaller than {} px", fates.too_small, plural(fates.too_small, "face", "faces"),
                               rules.min_side_px));
      if (fates.low_probability > 0)
        join(text, fmt::format("{} {} below detector probability {:g}", fates.low_probability,
                               plural(fates.low_probability, "face", "faces"), rules.min_probability));
      return text;
    }
    case Outcome::abstained:
      return "the network gave no finite value for any face";
    case Outcome::scored:
      return fates.not_scored == 0 ? std::string()
                                   : fmt::format("{} {} left out: no finite value from the network", fates.not_scored,
                                                 plural(fates.not_scored, "face", "faces"));
    case Outcome::decode_error:
      break;
  }
  return {};
}

std::optional<double> largest_over_persons(const std::vector<PersonRecord>& persons) {
  std::optional<double> largest;
  for (const PersonRecord& person : persons)
    if (person.p_fake && (!largest || *person.p_fake > *largest)) largest = person.p_fake;
  return largest;
}

// Requires one scored face a frame at most.
std::optional<double> mean_over_frames(const std::vector<PersonRecord>& persons) {
  double total = 0;
  long count = 0;
  for (const PersonRecord& person : persons)
    for (const FaceRecord& face : person.faces)
      if (face.p_fake) {
        total += *face.p_fake;
        ++count;
      }
  if (count == 0) return std::nullopt;
  return total / static_cast<double>(count);
}

void clear_measurements(ItemRecord& item, Outcome outcome, const Error& error) {
  item.outcome = outcome;
  item.reason = fmt::format("{}: {}", error_code_name(error.code), error.message);
  item.p_fake.reset();
  item.verdict.reset();
  item.likelihood_ratio.reset();
  item.persons.clear();
  item.work.faces_used = 0;
}

}  // namespace

void conclude_item(ItemRecord& item, std::vector<SampledFrame> frames, const std::vector<std::string>& notes,
                   const FaceRules& rules, const OperatingPoint& point, ItemRule rule) {
  const Fates fates = count_fates(frames);
  item.work.faces_found = fates.all();
  item.work.faces_used = fates.scored;
  item.outcome = outcome_of(fates);
  item.reason = words_of(item.outcome, fates, rules, item.work);
  for (const std::string& note : notes) join(item.reason, note);
  item.persons = link_persons(std::move(frames), item.kind == MediaKind::video ? TimeLine::intervals : TimeLine::none);
  item.p_fake = rule == ItemRule::largest_face ? mean_over_frames(item.persons) : largest_over_persons(item.persons);
  item.verdict.reset();
  item.likelihood_ratio.reset();
  if (item.p_fake) item.verdict = verdict_at(point, *item.p_fake);
  if (item.p_fake && point.evidence) item.likelihood_ratio = likelihood_ratio(*point.evidence, *item.p_fake);
}

void conclude_unread(ItemRecord& item, const Error& error) {
  clear_measurements(item, Outcome::decode_error, error);
}

void conclude_abstained(ItemRecord& item, const Error& error) {
  clear_measurements(item, Outcome::abstained, error);
}

}  // namespace dfa
