#include "pipeline/open_ahead.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace dfa {
namespace {

TEST(OpenAhead, TheFirstCallForThatPathTakesWhatWasOpened) {
  std::atomic<int> opened = 0;
  const OpenMedia count = [&](const std::string& path, const IntakeOptions& options) {
    ++opened;
    return Intake{MediaKind::unknown, path + std::to_string(options.frames.count),
                  fail(ErrorCode::not_media, "{}", path)};
  };
  IntakeOptions options;
  options.frames.count = 7;
  OpenMedia open;
  {
    const OpenAhead ahead(count, "a", options);
    open = ahead.opener();
  }
  EXPECT_EQ(open("b", options).sha256, "b7");  // another path: opened now
  EXPECT_EQ(open("a", options).sha256, "a7");
  EXPECT_EQ(opened, 2);
  EXPECT_EQ(open("a", options).sha256, "a7");  // the same file once more is read again
  EXPECT_EQ(opened, 3);
}

TEST(OpenAhead, NobodyHasToAsk) {
  std::atomic<int> opened = 0;
  {
    const OpenAhead ahead(
        [&](const std::string&, const IntakeOptions&) {
          ++opened;
          return Intake{MediaKind::unknown, std::nullopt, fail(ErrorCode::not_media, "x")};
        },
        "a", {});
  }
  EXPECT_EQ(opened, 1);
}

}  // namespace
}  // namespace dfa
