#include "train/devices/rank_group.hpp"

#include "train/devices/gloo_group.hpp"

namespace dfa::train {

namespace {

// One process: it has everything already.
class Alone : public RankGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  Status sum(std::span<float>) override { return {}; }
  Status sum(std::span<double>) override { return {}; }
  Status broadcast(std::span<float>) override { return {}; }
  Result<std::vector<std::string>> gather(std::string_view bytes) override {
    return std::vector<std::string>{std::string(bytes)};
  }
  Error leave(Error error) override { return error; }
};

}  // namespace

Status RankGroup::meet_on_device(const Device& device) {
  return fail(ErrorCode::internal, "these ranks cannot meet on {}", device_name(device));
}

Status RankGroup::sum_on_device(std::span<float>) {
  return fail(ErrorCode::internal, "these ranks do not meet on their devices");
}

Status RankGroup::sum_on_device(std::span<double>) {
  return fail(ErrorCode::internal, "these ranks do not meet on their devices");
}

std::unique_ptr<RankGroup> RankGroup::alone() {
  return std::make_unique<Alone>();
}

Result<std::unique_ptr<RankGroup>> RankGroup::join(const RankEnvironment& environment,
                                                   std::chrono::milliseconds timeout) {
  if (environment.size == 1) return alone();
  return join_gloo_group(environment, timeout);
}

}  // namespace dfa::train
