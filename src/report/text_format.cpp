// The table that newcomers read: a row an item, what the summary counts, and what the score means and does not mean.
#include <algorithm>

#include "report/record_format.hpp"
#include "score/operating_point.hpp"

namespace dfa {
namespace {

constexpr std::size_t kWidestName = 60;  // longer names push their row to the right
constexpr std::size_t kShortHash = 12;

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  const std::size_t shown = display_width(text);
  out.append(width > shown ? width - shown : 0, ' ');
  return out;
}

std::string row(std::string_view name, std::size_t name_width, std::string_view outcome, std::string_view p_fake,
                std::string_view verdict, std::string_view faces, std::string_view frames, std::string_view note) {
  std::string line = fmt::format("{}  {:<12}  {:>6}  {:<12}  {:>7}  {:>6}  {}", padded(name, name_width), outcome,
                                 p_fake, verdict, faces, frames, note);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

std::string person_line(const PersonRecord& person, MediaKind kind) {
  std::string line = fmt::format("    person {}: p_fake {}, {} {}", person.id, p_fake_text(person.p_fake),
                                 person.faces.size(), person.faces.size() == 1 ? "face" : "faces");
  const FaceRecord& first = person.faces.front();
  line += fmt::format(", {:.0f} x {:.0f} px at ({:.0f}, {:.0f})", first.box_px.width(), first.box_px.height(),
                      first.box_px.x1, first.box_px.y1);
  if (kind == MediaKind::video)
    line += fmt::format(", {:.1f} to {:.1f} s", first.pts_seconds, person.faces.back().pts_seconds);
  const auto highest =
      std::max_element(person.intervals.begin(), person.intervals.end(),
                       [](const IntervalRecord& a, const IntervalRecord& b) { return a.p_fake_mean < b.p_fake_mean; });
  if (person.intervals.size() > 1)
    line += fmt::format("; highest {} from {:.1f} to {:.1f} s", p_fake_text(highest->p_fake_mean),
                        highest->from_seconds, highest->to_seconds);
  return line + '\n';
}

// "LR 14: moderate support for ..."; at a bound "LR 141 or more".
std::string likelihood_text(const LikelihoodRatio& ratio) {
  constexpr std::string_view kBeyond[] = {"", " or less", " or more"};
  return fmt::format("LR {:.2g}{}: {}", ratio.value, kBeyond[static_cast<std::size_t>(ratio.bound)], ratio.words);
}

class TextFormat final : public RecordFormat {
 public:
  explicit TextFormat(const FormatOptions& options)
      : width_(std::clamp<std::size_t>(options.name_width, 4, kWidestName)), detail_(options.detail) {}

  std::string begin(const RunRecord& run) override {
    run_ = run;
    return row("file", width_, "outcome", "p_fake", "verdict", "faces", "frames", "note");
  }

  std::string item(const ItemRecord& item) override {
    const WorkRecord& work = item.work;
    const std::string faces = work.faces_used == work.faces_found
                                  ? fmt::format("{}", work.faces_used)
                                  : fmt::format("{} of {}", work.faces_used, work.faces_found);
    std::string note = printable(item.reason);
    if (item.likelihood_ratio)
      note = fmt::format("{}{}{}", likelihood_text(*item.likelihood_ratio), note.empty() ? "" : "; ", note);
    if (item.persons.size() > 1)
      note = fmt::format("{} persons{}{}", item.persons.size(), note.empty() ? "" : "; ", note);
    std::string text =
        row(printable(item.input), width_, outcome_name(item.outcome), p_fake_text(item.p_fake),
            item.verdict ? verdict_name(*item.verdict) : "-", faces, fmt::format("{}", work.frames_searched), note);
    if (detail_ == Detail::every_person)
      for (const PersonRecord& person : item.persons) text += person_line(person, item.kind);
    return text;
  }

  std::string end(const SummaryRecord& summary) override {
    return counts(summary) + skipped(summary.skipped) + meaning();
  }

 private:
  static std::string counts(const SummaryRecord& summary) {
    std::string text = fmt::format("\n{} {}: {} scored, {} no_face, {} low_quality, {} decode_error, {} abstained",
                                   summary.inputs, summary.inputs == 1 ? "input" : "inputs", summary.scored,
                                   summary.no_face, summary.low_quality, summary.decode_error, summary.abstained);
    if (summary.not_analysed > 0) text += fmt::format(", {} not analysed (stopped)", summary.not_analysed);
    return text + fmt::format("; {:.1f} s\n", summary.seconds);
  }

  static std::string skipped(const SkippedFiles& skipped) {
    std::string text;
    const auto add = [&text](std::int64_t count, std::string_view what) {
      if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "skipped in folders: " : ", ", count, what);
    };
    add(skipped.hidden, "hidden");
    add(skipped.links, "symbolic links");
    add(skipped.other, "not pictures or videos by name");
    return text.empty() ? text : text + '\n';
  }

  std::string meaning() const {
    std::string text =
        "\np_fake: 0 = real, 1 = fake; how likely a forgery is in the model's eyes, not how much was changed.\n";
    text += fmt::format("Rule: {}.\n", item_rule_words(run_.model.item_rule));
    text += fmt::format("Operating point: {}.\n", operating_point_text(run_.operating_point));
    if (run_.operating_point.evidence)
      text +=
          "LR: how much more probable the score is for a forgery of the calibration set's kinds than for a genuine "
          "item like its own; no probability of being fake.\n";
    text += fmt::format("Model {} ({}), engine {}, faces by {}, crops {}.\n", run_.model.name,
                        run_.model.sha256.empty() ? "no file" : run_.model.sha256.substr(0, kShortHash),
                        run_.engine.precision, run_.crop.detector, run_.crop.recipe);
    if (!run_.model.substituted.empty()) text += fmt::format("{}.\n", printable(run_.model.substituted));
    if (run_.crop.forced == CropForced::yes)
      text += fmt::format("FORCED: the model was made for other crops ({}); these numbers mean little.\n",
                          run_.crop.difference);
    return text;
  }

  const std::size_t width_;
  const Detail detail_;
  RunRecord run_;
};

}  // namespace

std::unique_ptr<RecordFormat> make_text_format(const FormatOptions& options) {
  return std::make_unique<TextFormat>(options);
}

}  // namespace dfa
