#include "media/runner_team.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace dfa {
namespace {

// Below this a second container costs more than it saves.
constexpr int kLeastGroupsPerRunner = 2;

}  // namespace

std::vector<int> share_out(std::span<const std::int64_t> wanted, const PacketIndex& index, int runners) {
  std::vector<int> owners(wanted.size(), 0);
  if (runners < 2 || !index.is_timed() || index.keys().empty()) return owners;
  std::vector<int> groups(wanted.size(), 0);
  for (std::size_t i = 1; i < wanted.size(); ++i) {
    const auto key_of = [&](std::size_t at) { return index.key_for(index.number_of_rank(wanted[at])); };
    groups[i] = groups[i - 1] + (key_of(i) == key_of(i - 1) ? 0 : 1);
  }
  if (groups.empty() || groups.back() + 1 < kLeastGroupsPerRunner * runners) return owners;
  for (std::size_t i = 0; i < wanted.size(); ++i) owners[i] = groups[i] % runners;
  return owners;
}

std::int64_t frames_to_decode(std::span<const std::int64_t> wanted, const PacketIndex& index) {
  std::int64_t frames = 0, decoded_up_to = -1;
  for (const std::int64_t rank : wanted) {
    const std::int64_t number = index.number_of_rank(rank);
    const std::int64_t key = index.keys().empty() ? 0 : index.keys()[index.key_for(index.number_of_rank(rank))].number;
    frames += std::max<std::int64_t>(0, number - std::max(key - 1, decoded_up_to));
    decoded_up_to = std::max(decoded_up_to, number);
  }
  return frames;
}

RunnerTeam::RunnerTeam(std::span<const std::unique_ptr<FrameRunner>> runners, std::span<const std::int64_t> wanted,
                       std::span<const int> owners) {
  for (std::size_t i = 0; i < runners.size(); ++i) members_.push_back(std::make_unique<Member>());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    members_[static_cast<std::size_t>(owners[i])]->wanted.push_back(wanted[i]);
  try {
    for (std::size_t i = 0; i < runners.size(); ++i) {
      Member& member = *members_[i];
      runners[i]->start_over(member.wanted);
      member.thread = std::thread([runner = runners[i].get(), &member] { run(*runner, member); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

RunnerTeam::~RunnerTeam() {
  stop();
}

void RunnerTeam::stop() {
  for (const auto& member : members_) member->found.close();
  join();
}

void RunnerTeam::run(FrameRunner& runner, Member& member) {
  for (const std::int64_t rank : member.wanted) {
    Result<std::optional<Picture>> picture = runner.picture(rank);
    const bool failed = !picture;
    if (!member.found.push({std::move(picture), runner.work()}) || failed) break;
  }
  member.found.close();
}

Result<std::optional<Picture>> RunnerTeam::next(int owner) {
  Member& member = *members_[static_cast<std::size_t>(owner)];
  std::optional<Found> found = member.found.pop();
  if (!found) return fail(ErrorCode::internal, "a decoding thread ended before its frames did");
  member.work = found->work;
  return std::move(found->picture);
}

VideoWork RunnerTeam::work() const {
  VideoWork sum;
  for (const auto& member : members_) {
    sum.frames_decoded += member->work.frames_decoded;
    sum.frames_failed += member->work.frames_failed;
    sum.seeks += member->work.seeks;
  }
  return sum;
}

void RunnerTeam::join() {
  for (const auto& member : members_)
    if (member->thread.joinable()) member->thread.join();
}

}  // namespace dfa
