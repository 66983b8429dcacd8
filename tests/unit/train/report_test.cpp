#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "report/html_text.hpp"
#include "train/loop/epoch_metrics.hpp"
#include "train/report/event_records.hpp"
#include "train/report/run_report.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

// Reads event files by the published formats alone: nothing of the writer is used, not even its checksum, which is
// computed here bit by bit.
class EventReader {
 public:
  explicit EventReader(std::string_view bytes) : bytes_(bytes) {}

  struct Event {
    double wall_time = 0;
    std::int64_t step = 0;
    std::string file_version;
    bool restart = false;
    std::vector<std::pair<std::string, float>> values;
  };

  bool at_end() const { return at_ == bytes_.size(); }

  Event next() {
    const std::string_view length_bytes = bytes_.substr(at_, 8);
    const auto length = number<std::uint64_t>(length_bytes);
    EXPECT_EQ(number<std::uint32_t>(bytes_.substr(at_ + 8, 4)), masked(length_bytes));
    const std::string_view payload = bytes_.substr(at_ + 12, length);
    EXPECT_EQ(number<std::uint32_t>(bytes_.substr(at_ + 12 + length, 4)), masked(payload));
    at_ += 16 + length;
    Event event;
    each_field(payload, [&](std::uint64_t field, std::uint64_t integer, std::string_view value) {
      if (field == 1) event.wall_time = number<double>(value);
      if (field == 2) event.step = static_cast<std::int64_t>(integer);
      if (field == 3) event.file_version = value;
      if (field == 5) each_field(value, [&](std::uint64_t, std::uint64_t, std::string_view v) { add_value(event, v); });
      if (field == 7)
        each_field(value, [&](std::uint64_t f, std::uint64_t status, std::string_view) {
          event.restart = f == 1 && status == 1;
        });
    });
    return event;
  }

 private:
  template <class T>
  static T number(std::string_view bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }

  static std::uint32_t masked(std::string_view bytes) {
    std::uint32_t crc = ~0U;
    for (const char c : bytes) {
      crc ^= static_cast<unsigned char>(c);
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
  }

  static std::uint64_t varint(std::string_view bytes, std::size_t& at) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes[at++]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  }

  template <class Use>
  static void each_field(std::string_view message, Use use) {
    for (std::size_t at = 0; at < message.size();) {
      const std::uint64_t key = varint(message, at), wire = key & 7;
      std::uint64_t integer = 0;
      std::size_t size = wire == 1 ? 8 : wire == 5 ? 4 : 0;
      if (wire == 0) integer = varint(message, at);
      if (wire == 2) size = varint(message, at);
      ASSERT_LE(at + size, message.size());
      use(key >> 3, integer, message.substr(at, size));
      at += size;
    }
  }

  static void add_value(Event& event, std::string_view value) {
    std::string tag;
    float number_value = 0;
    each_field(value, [&](std::uint64_t field, std::uint64_t, std::string_view bytes) {
      if (field == 1) tag = bytes;
      if (field == 2) number_value = number<float>(bytes);
    });
    event.values.emplace_back(tag, number_value);
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

TEST(EventRecords, ChecksumIsCastagnoli) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST(EventRecords, AnIndependentReaderUnderstandsThem) {
  const std::vector<Scalar> scalars = {{"train/loss", 0.6875}, {"epoch/val_auc_by_method/\xC3\xA9", -1e30}};
  const std::string file =
      version_record(1.5) + restart_record(2.5, 301) + scalars_record(1e9 + 0.25, 5'000'000'000, scalars);
  EventReader reader(file);
  EXPECT_EQ(reader.next().file_version, "brain.Event:2");
  const EventReader::Event restart = reader.next();
  EXPECT_TRUE(restart.restart);
  EXPECT_EQ(restart.step, 301);
  const EventReader::Event points = reader.next();
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(points.wall_time, 1e9 + 0.25);
  EXPECT_EQ(points.step, 5'000'000'000);
  ASSERT_EQ(points.values.size(), 2U);
  EXPECT_EQ(points.values[0], std::pair(std::string("train/loss"), 0.6875F));
  EXPECT_EQ(points.values[1], std::pair(std::string("epoch/val_auc_by_method/\xC3\xA9"), -1e30F));
}

EpochMetrics epoch(std::int64_t number, double train_loss, double auc) {
  EpochMetrics metrics;
  metrics.epoch = number;
  metrics.steps = 10;
  metrics.train_loss = train_loss;
  metrics.validation.loss = 0.7;
  metrics.validation.auc = auc;
  metrics.validation.auc_by_method = {{"a<b", auc}, {"c", auc / 2}};
  metrics.train_terms = {{"cross_entropy", {train_loss, 1}}, {"mask", {train_loss / 4, 1}}};
  metrics.best_epoch = 1;
  metrics.crops_per_second = 100 + static_cast<double>(number);
  return metrics;
}

TEST(EpochMetricsLine, ReadsBackToTheSame) {
  EpochMetrics metrics = epoch(3, 0.1 + 0.2, 1.0 / 3);
  metrics.warnings = {"a \"warning\""};
  const std::string line = metrics_line(metrics);
  const auto again = parse_metrics_line(line);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(metrics_line(*again), line);
  EXPECT_EQ(again->train_loss, 0.1 + 0.2);
  EXPECT_FALSE(parse_metrics_line("{\"epoch\":1}"));
}

TEST(Warnings, ValidationFallsWhileTrainingRises) {
  std::vector<EpochMetrics> epochs = {epoch(1, 0.6, 0.9), epoch(2, 0.5, 0.87), epoch(3, 0.4, 0.87)};
  EXPECT_TRUE(warnings_of(epochs).empty());  // two epochs are too few
  epochs.push_back(epoch(4, 0.3, 0.87));
  ASSERT_EQ(warnings_of(epochs).size(), 1U);
  EXPECT_NE(warnings_of(epochs)[0].find("0.9000 in epoch 1"), std::string::npos) << warnings_of(epochs)[0];
  epochs[2].validation.auc = 0.885;  // one of the three was near the best
  EXPECT_TRUE(warnings_of(epochs).empty());
  epochs[2].validation.auc = 0.87;
  epochs.back().train_loss = 0.65;  // training does not rise either
  EXPECT_TRUE(warnings_of(epochs).empty());
}

TEST(RunReportPage, HoldsEverythingAndNeedsNothing) {
  RunConfig config;
  config.name = "<script>alert(1)</script>";
  config.select_on = Role::test;
  const std::vector<DataCount> data = {{"train", "fake", "a<b", 12}, {"train", "real", "", 34}};
  std::vector<EpochMetrics> epochs = {epoch(1, 0.6, 0.9), epoch(2, 0.5, 0.8)};
  epochs[1].warnings = {"it \"falls\""};
  ASSERT_FALSE(deviations_of(config).empty());
  const std::string deviation = escape_html(deviations_of(config).front());
  const std::string html = run_report_html({config, data, std::string(64, 'f'), epochs});
  for (const char* part : {"&lt;script&gt;alert(1)", "This run deviates", deviation.c_str(), "epoch 2: it &quot;falls",
                           "a&lt;b", ">34<", "Learning rate", "Throughput", "Validation AUC", "Loss term: mask",
                           "Gradient norm", "weight_decay", "0.9000", "prefers-color-scheme:dark"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  for (const char* outside : {"<script", "http:", "https:", "src=", "url(", "@import", "a<b"})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  EXPECT_NE(run_report_html({config, {}, "", {}}).find("No epoch is finished yet"), std::string::npos);
}

}  // namespace
}  // namespace dfa::test
