// What only a real process shows: closed descriptors, broken pipes, full disks, signals.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "json_schema.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using test::TempDir;
using testing::IsEmpty;

// The exit status of a shell line in which $DFA is the program; -1 where a signal ended the shell or the program
// crashed.
int shell(const std::string& line) {
  setenv("DFA", DFA_PROGRAM, 1);
  const int status = std::system(line.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Process, AFullDiskIsAFailure) {
  EXPECT_EQ(shell("$DFA version > /dev/full 2> /dev/null"), 1);
  EXPECT_EQ(shell("$DFA licenses > /dev/full 2> /dev/null"), 1);
}

TEST(Process, AReaderThatWentAwayIsAFailureAndNoCrash) {
  // The pipe's reader is gone before the first write.
  EXPECT_EQ(shell("bash -c '(sleep 0.3; $DFA licenses 2> /dev/null) | true; exit ${PIPESTATUS[0]}'"), 1);
}

TEST(Process, ClosedDescriptorsAreErrorsAndNoCrash) {
  TempDir dir;
  test::write_tiny_model(dir / "m.dfa");
  const std::string detect =
      "$DFA detect --model " + (dir / "m.dfa").string() + " " + test::source_path("samples/rocket.jpg").string();
  EXPECT_EQ(shell(detect + " >&- 2> /dev/null"), 1);
  EXPECT_EQ(shell(detect + " >&- 2>&- <&-"), 1);
  EXPECT_EQ(shell(detect + " > /dev/null 2>&- <&-"), 4);
  EXPECT_EQ(shell("$DFA version > /dev/null 2>&-"), 0);
  EXPECT_EQ(shell("$DFA bogus 2>&-"), 2);
  EXPECT_EQ(shell("$DFA detect --model " + (dir / "m.dfa").string() + " - > /dev/null 2>&1 <&-"), 3);
}

TEST(Process, ASignalLeavesAValidRecord) {
  TempDir dir;
  test::write_tiny_model(dir / "m.dfa");
  const std::string model = (dir / "m.dfa").string(), clip = test::source_path("samples/swap_astronaut.mp4").string();
  std::vector<std::string> words = {DFA_PROGRAM, "detect", "--model", model, "--format", "json", "--every-frame"};
  words.insert(words.end(), 200, clip);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    execv(DFA_PROGRAM, argv.data());
    _exit(127);
  }
  close(pipe_ends[1]);
  std::string out;
  char buffer[65536];
  bool sent = false;
  for (ssize_t got = 0; (got = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    out.append(buffer, static_cast<std::size_t>(got));
    if (sent || out.find("\"outcome\"") == std::string::npos) continue;
    kill(child, SIGTERM);
    sent = true;
  }
  close(pipe_ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 143);
  const json record = json::parse(out, nullptr, false);
  ASSERT_FALSE(record.is_discarded());
  EXPECT_THAT(test::schema_violations(test::result_schema(), record), IsEmpty());
  EXPECT_EQ(record["summary"]["inputs"], 200);
  EXPECT_GT(record["summary"]["not_analysed"], 0);
  EXPECT_EQ(record["summary"]["scored"], record["items"].size());
}

}  // namespace
}  // namespace dfa
