// `dfa train` hands over to the dfa-train beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TrainCommand : public testing::Test {
 protected:
  TrainCommand() { fs::copy_file(DFA_PROGRAM, dir_ / "dfa"); }

  void put_sibling(const std::string& script) {
    write_bytes(dir_ / "dfa-train", script);
    fs::permissions(dir_ / "dfa-train", fs::perms::owner_all);
  }
  // Exit status; said() has what went to both streams.
  int run(const std::string& arguments) {
    const int status = std::system(
        ((dir_ / "dfa").string() + " train " + arguments + " > " + (dir_ / "said").string() + " 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string said() const { return *read_text_file(dir_ / "said", 1 << 20); }
  const TempDir dir_;
};

TEST_F(TrainCommand, ArgumentsAndExitStatusAreTheSiblings) {
  put_sibling("#!/bin/sh\nprintf '[%s]' \"$@\"\nexit 42\n");
  EXPECT_EQ(run("run 'a b.json' --help -v"), 42);
  EXPECT_EQ(said(), "[run][a b.json][--help][-v]");
}

TEST_F(TrainCommand, WithoutTheSiblingSaysHowToGetIt) {
  EXPECT_EQ(run("run c.json"), 2);
  EXPECT_THAT(said(), HasSubstr("scripts/setup --dev"));
}

TEST_F(TrainCommand, ASiblingThatIsNoProgramIsAnError) {
  put_sibling(
      "\x7f"
      "ELF and nothing behind it");
  EXPECT_EQ(run("run c.json"), 1);
  EXPECT_THAT(said(), HasSubstr("cannot be started"));
}

}  // namespace
}  // namespace dfa::test
