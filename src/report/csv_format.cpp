// One row an item (RFC 4180 quoting, LF line ends). What was not measured is an empty field.
#include <fmt/ranges.h>

#include <array>

#include "base/csv.hpp"
#include "report/record_format.hpp"

namespace dfa {
namespace {

constexpr std::string_view kHeader =
    "input,sha256,kind,outcome,reason,p_fake,verdict,operating_point,threshold,calibrated_on,persons,faces_found,faces_"
    "used,"
    "frames_searched,frames_decoded,model,model_sha256,engine,crop_recipe,crop_forced,tool,likelihood_ratio,stamps\n";

std::string field(std::string_view text) {
  return csv_field(text);
}
// Shortest text that reads back as the same number.
std::string field(const std::optional<double>& number) {
  return number ? fmt::format("{}", *number) : std::string();
}
std::string field(std::int64_t number) {
  return fmt::format("{}", number);
}

class CsvFormat final : public RecordFormat {
 public:
  std::string begin(const RunRecord& run) override {
    run_ = run;
    return std::string(kHeader);
  }

  std::string item(const ItemRecord& item) override {
    const OperatingPoint& point = run_.operating_point;
    const std::array fields = {
        field(item.input),
        item.sha256.value_or(""),
        field(media_kind_name(item.kind)),
        field(outcome_name(item.outcome)),
        field(item.reason),
        field(item.p_fake),
        std::string(item.verdict ? verdict_name(*item.verdict) : ""),
        field(point.name),
        field(point.threshold),
        field(point.calibrated_on.value_or("")),
        field(static_cast<std::int64_t>(item.persons.size())),
        field(item.work.faces_found),
        field(item.work.faces_used),
        field(item.work.frames_searched),
        field(item.work.frames_decoded),
        field(run_.model.name),
        field(run_.model.sha256),
        field(run_.engine.precision),
        field(run_.crop.recipe),
        std::string(run_.crop.forced == CropForced::yes ? "yes" : "no"),
        field(fmt::format("{} {}", run_.tool.version, run_.tool.build)),
        field(item.likelihood_ratio ? std::optional(item.likelihood_ratio->value) : std::nullopt),
        field(fmt::format("{}", fmt::join(point.stamps, "; ")))};
    std::string row;
    for (const std::string& one : fields) {
      if (&one != fields.data()) row += ',';
      row += one;
    }
    return row + '\n';
  }

  std::string end(const SummaryRecord&) override { return {}; }

 private:
  RunRecord run_;
};

}  // namespace

std::unique_ptr<RecordFormat> make_csv_format() {
  return std::make_unique<CsvFormat>();
}

}  // namespace dfa
