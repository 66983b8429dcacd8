// kill -9 at moments drawn by chance, then the same call again: nothing is lost, nothing differs.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>

#include "base/rng.hpp"
#include "prepare/journal.hpp"
#include "prepare/output_names.hpp"
#include "stubs.hpp"
#include "support/shared.hpp"

namespace dfa {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::TempDir;

constexpr int kVideos = 4;
constexpr int kKills = 4;

SourceList copies_of_a_clip(const std::filesystem::path& root) {
  SourceList list{"drawn", root, {}, {}};
  std::filesystem::create_directories(root);
  for (int i = 0; i < kVideos; ++i) {
    const std::string name = fmt::format("{}.mp4", i);
    std::filesystem::copy_file(test::source_path("samples/swap_astronaut.mp4"), root / name);
    list.items.push_back(test::item(name, SourceKind::video, 1, "swap"));
    list.items.back().mask = name;  // any picture will do as a mask
  }
  return list;
}

PrepareOptions options() {
  PrepareOptions options = test::quick_options(2);
  options.pack = PackUse::write;
  return options;
}

PrepareParts parts() {
  PrepareParts parts;
  parts.make_detector = []() -> Result<std::unique_ptr<Detector>> {
    return std::make_unique<test::MiddleDetector>(milliseconds(2));
  };
  return parts;
}

bool run_here(const SourceList& list, const std::filesystem::path& out) {
  return run_prepare(list, out, options(), parts(), {}, {}).has_value();
}

// The child's wait status.
int run_and_kill(const SourceList& list, const std::filesystem::path& out, milliseconds after) {
  const pid_t child = fork();
  if (child == 0) _exit(run_here(list, out) ? 0 : 1);
  std::this_thread::sleep_for(after);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

std::size_t items_in_journal(const std::filesystem::path& out) {
  if (!std::filesystem::exists(out / kStateFolder)) return 0;
  const auto journal = Journal::open(out / kStateFolder);
  return journal ? journal->done().size() : 0;
}

TEST(Prepare, KilledAtAnyMomentItGoesOnToTheSameBytes) {
  TempDir dir;
  const SourceList list = copies_of_a_clip(dir / "data");
  const auto begin = steady_clock::now();
  ASSERT_TRUE(run_here(list, dir / "whole"));
  const double whole_ms = std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();

  RngStream moments(std::random_device{}(), "kill");
  int killed = 0;
  std::size_t done = 0;
  for (int round = 0; round < kKills; ++round) {
    // Shorter than the whole run: otherwise most kills would come too late.
    const milliseconds after(static_cast<long>(moments.uniform(0, 0.5 * whole_ms)));
    const int status = run_and_kill(list, dir / "out", after);
    if (WIFSIGNALED(status)) ++killed;
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    const std::size_t now = items_in_journal(dir / "out");
    EXPECT_GE(now, done) << "a finished item was lost";
    done = now;
  }
  EXPECT_GT(killed, 0);
  ASSERT_TRUE(run_here(list, dir / "out"));
  EXPECT_EQ(test::tree(dir / "out"), test::tree(dir / "whole"));
}

}  // namespace
}  // namespace dfa
