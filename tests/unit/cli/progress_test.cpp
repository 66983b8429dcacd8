#include "cli/progress.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace dfa::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(ProgressText, NamesFilesShareAndTimeLeft) {
  EXPECT_EQ(progress_text({.items_done = 12, .items_all = 1000, .share = 0.34, .seconds = 60, .seconds_left = 130}),
            "12 of 1000 files, 34 %, 2:10 left");
  EXPECT_EQ(progress_text({.items_done = 0, .items_all = 1, .share = 0.5, .seconds = 4000, .seconds_left = 4000}),
            "0 of 1 file, 50 %, 1:06:40 left");
  EXPECT_EQ(progress_text({.items_done = 0, .items_all = 1, .share = 0.01, .seconds = 0.5, .seconds_left = 49.5}),
            "0 of 1 file, 1 %");
}

TEST(ProgressLine, DrawsOnTerminalsOnlyAndNotTooOften) {
  std::ostringstream file, terminal;
  {
    ProgressLine silent(file, Terminal::no), line(terminal, Terminal::yes);
    for (const double seconds : {1.0, 1.05, 1.1, 1.15, 1.5}) {
      const Progress progress{.items_done = 1, .items_all = 2, .share = 0.5, .seconds = seconds, .seconds_left = 1};
      silent.show(progress);
      line.show(progress);
    }
  }
  EXPECT_THAT(file.str(), IsEmpty());
  const std::string drawn = terminal.str();
  EXPECT_EQ(std::count(drawn.begin(), drawn.end(), '\r'), 3);  // two draws, and the wipe at the end
  EXPECT_TRUE(drawn.ends_with("\r\x1b[K"));
}

}  // namespace
}  // namespace dfa::cli
