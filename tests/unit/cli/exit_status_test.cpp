// The table of exit statuses, row by row (docs/cli.md).
#include "cli/exit_status.hpp"

#include <gmock/gmock.h>

#include "cli/commands/detect.hpp"

namespace dfa::cli {
namespace {

SummaryRecord counted(std::int64_t scored, std::int64_t no_face, std::int64_t low_quality, std::int64_t decode_error,
                      std::int64_t abstained, std::int64_t fakes = 0) {
  SummaryRecord summary;
  summary.scored = scored;
  summary.no_face = no_face;
  summary.low_quality = low_quality;
  summary.decode_error = decode_error;
  summary.abstained = abstained;
  summary.fakes = fakes;
  summary.inputs = summary.analysed();
  return summary;
}

struct Row {
  const char* what;
  SummaryRecord summary;
  FakeExit fake_exit;
  ExitStatus status;
};

TEST(ExitStatusTable, OfDetect) {
  const std::vector<Row> rows = {
      {"all scored", counted(3, 0, 0, 0, 0), FakeExit::no, ExitStatus::success},
      {"scored beside no face and low quality", counted(1, 1, 1, 0, 0), FakeExit::no, ExitStatus::success},
      {"a fake, not asked for", counted(1, 0, 0, 0, 0, 1), FakeExit::no, ExitStatus::success},
      {"a fake, asked for", counted(1, 0, 0, 0, 0, 1), FakeExit::yes, ExitStatus::fake_found},
      {"a fake beside a failure, asked for", counted(1, 0, 0, 4, 0, 1), FakeExit::yes, ExitStatus::fake_found},
      {"asked for, but none", counted(1, 0, 0, 0, 0), FakeExit::yes, ExitStatus::success},
      {"a failure beside a success", counted(1, 0, 0, 1, 0), FakeExit::no, ExitStatus::some_failed},
      {"the issue's folder", counted(1, 1, 0, 4, 0), FakeExit::no, ExitStatus::some_failed},
      {"abstained beside a success", counted(1, 0, 0, 0, 1), FakeExit::no, ExitStatus::some_failed},
      {"only abstained", counted(0, 0, 0, 0, 2), FakeExit::no, ExitStatus::some_failed},
      {"no face anywhere", counted(0, 2, 0, 0, 0), FakeExit::no, ExitStatus::no_face},
      {"only faces of low quality", counted(0, 0, 2, 0, 0), FakeExit::no, ExitStatus::no_face},
      {"no face beside a failure", counted(0, 1, 0, 1, 0), FakeExit::no, ExitStatus::no_face},
      {"nothing readable", counted(0, 0, 0, 2, 0), FakeExit::no, ExitStatus::no_input},
      {"nothing to read", counted(0, 0, 0, 0, 0), FakeExit::no, ExitStatus::no_input},
  };
  for (const Row& row : rows) EXPECT_EQ(detect_exit_status(row.summary, row.fake_exit), row.status) << row.what;
}

TEST(ExitStatusTable, OfErrors) {
  const auto of = [](ErrorCode code) { return exit_status_for({code, ""}); };
  EXPECT_EQ(of(ErrorCode::usage), ExitStatus::usage);
  EXPECT_EQ(of(ErrorCode::file_not_found), ExitStatus::no_input);
  EXPECT_EQ(of(ErrorCode::not_media), ExitStatus::no_input);
  EXPECT_EQ(of(ErrorCode::model_format), ExitStatus::model);
  EXPECT_EQ(of(ErrorCode::model_incompatible), ExitStatus::model);
  EXPECT_EQ(of(ErrorCode::model_tensors), ExitStatus::model);
  EXPECT_EQ(of(ErrorCode::recipe_mismatch), ExitStatus::model);
  EXPECT_EQ(of(ErrorCode::internal), ExitStatus::internal);
  EXPECT_EQ(of(ErrorCode::out_of_memory), ExitStatus::internal);
  EXPECT_EQ(of(ErrorCode::file_unwritable), ExitStatus::internal);
}

TEST(ExitStatusTable, NumbersAreTheContract) {
  EXPECT_EQ(static_cast<int>(ExitStatus::success), 0);
  EXPECT_EQ(static_cast<int>(ExitStatus::internal), 1);
  EXPECT_EQ(static_cast<int>(ExitStatus::usage), 2);
  EXPECT_EQ(static_cast<int>(ExitStatus::no_input), 3);
  EXPECT_EQ(static_cast<int>(ExitStatus::no_face), 4);
  EXPECT_EQ(static_cast<int>(ExitStatus::model), 5);
  EXPECT_EQ(static_cast<int>(ExitStatus::some_failed), 6);
  EXPECT_EQ(static_cast<int>(ExitStatus::fake_found), 10);
  EXPECT_EQ(static_cast<int>(ExitStatus::signal_base), 128);
}

}  // namespace
}  // namespace dfa::cli
