#include "train/devices/gloo_group.hpp"

#define USE_C10D_GLOO  // the wheel's library has it; its headers ask for Gloo's own (libgloo-dev)
#include <torch/torch.h>

#include <c10/util/Logging.h>

#include <cstdlib>
#include <cstring>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "train/devices/heartbeat.hpp"
#include "train/devices/nccl_sums.hpp"

namespace dfa::train {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using StorePtr = c10::intrusive_ptr<c10d::Store>;

constexpr int kNoLogs = 3;  // only what ends the process

std::string short_reason(const std::exception& error) {
  const std::string whole = error.what();
  return whole.substr(0, whole.find('\n'));  // torch appends where in its source it was
}

std::string key_of(const char* what, int rank) {
  return fmt::format("dfa/{}/{}", what, rank);
}

// Throws what c10d throws.
StorePtr open_store(const RankEnvironment& environment, bool serve, milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(environment.port);
  options.isServer = serve;
  options.waitWorkers = false;
  options.timeout = timeout;
  StorePtr store = c10::make_intrusive<c10d::TCPStore>(environment.address, options);
  if (environment.store_prefix.empty()) return store;
  return c10::make_intrusive<c10d::PrefixStore>(environment.store_prefix, store);
}

Result<StorePtr> reach_store(const RankEnvironment& environment, milliseconds timeout) {
  const bool serve = environment.rank == 0 && environment.store_host == StoreHost::rank_zero;
  try {
    return open_store(environment, serve, timeout);
  } catch (const std::exception& error) {
    if (serve)
      return fail(ErrorCode::usage, "rank 0 cannot listen at {}:{}: {}\n  next step: another MASTER_PORT",
                  environment.address, environment.port, short_reason(error));
    return fail(ErrorCode::rank_lost, "rank 0 was not at {}:{} (MASTER_ADDR, MASTER_PORT) within {:.0f} s: {}",
                environment.address, environment.port, std::chrono::duration<double>(timeout).count(),
                short_reason(error));
  }
}

// Errors: rank_lost, naming who has not come.
Status wait_for_all(const RankEnvironment& environment, c10d::Store& store, milliseconds timeout) {
  std::vector<std::string> keys;
  for (int rank = 0; rank < environment.size; ++rank) keys.push_back(key_of("here", rank));
  try {
    store.set(key_of("here", environment.rank), std::string("1"));
    store.wait(keys, timeout);
    return {};
  } catch (const std::exception& error) {
    std::string missing;
    try {
      for (int rank = 0; rank < environment.size; ++rank)
        if (!store.check({key_of("here", rank)})) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", rank);
    } catch (const std::exception&) {
      missing = "0";  // nobody else answers for the store
    }
    return fail(ErrorCode::rank_lost, "rank {} did not come within {:.0f} s: {}", missing,
                std::chrono::duration<double>(timeout).count(), short_reason(error));
  }
}

// Notes in the store, over a connection of their own: the other one is blocked while somebody waits on it.
class TcpNotes : public NoteStore {
 public:
  TcpNotes(StorePtr store, int size) : store_(std::move(store)) {
    for (int rank = 0; rank < size; ++rank) keys_.push_back(key_of("note", rank));
  }
  void write(int rank, const std::string& note) override { store_->set(keys_[static_cast<std::size_t>(rank)], note); }
  std::vector<std::string> read_all() override {
    std::vector<std::string> notes(keys_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      known_[keys_[i]] = known_[keys_[i]] || store_->check({keys_[i]});  // get() waits for a key that is not there
      if (known_[keys_[i]]) notes[i] = store_->get_to_str(keys_[i]);
    }
    return notes;
  }

 private:
  StorePtr store_;
  std::vector<std::string> keys_;
  std::map<std::string, bool> known_;
};

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

c10::intrusive_ptr<c10d::ProcessGroupGloo> make_gloo(const RankEnvironment& environment, const StorePtr& store,
                                                     milliseconds timeout) {
  const auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != 0)
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(interface));
  else if (is_loopback(environment.address))
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  else
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, environment.rank, environment.size, options);
}

class GlooGroup : public RankGroup {
 public:
  GlooGroup(const RankEnvironment& environment, StorePtr store, milliseconds timeout)
      : environment_(environment),
        store_(std::move(store)),
        // A rank that hangs is found out, named and told of within the whole time.
        meeting_timeout_(timeout * 3 / 4),
        heartbeat_(environment, std::make_unique<TcpNotes>(open_store(environment, false, timeout), environment.size),
                   heartbeat_times(timeout)) {}

  Status connect() {
    return meet("connecting", [&] { gloo_ = make_gloo(environment_, store_, meeting_timeout_); });
  }

  int rank() const override { return environment_.rank; }
  int size() const override { return environment_.size; }
  int local_rank() const override { return environment_.local_rank; }

  Status sum(std::span<float> values) override { return sum_of(values.data(), values.size(), torch::kFloat32); }
  Status sum(std::span<double> values) override { return sum_of(values.data(), values.size(), torch::kFloat64); }

  Status broadcast(std::span<float> values) override {
    if (values.empty()) return {};
    return meet("broadcast", [&] {
      std::vector<at::Tensor> tensors = {view(values.data(), values.size(), torch::kFloat32)};
      gloo_->broadcast(tensors)->wait();
    });
  }

  bool meets_on_device() const override { return device_sums_ != nullptr; }
  Status sum_on_device(std::span<float> values) override {
    return meet("sum on GPUs", [&] { device_sums_->sum(values.data(), values.size(), SumType::f32); });
  }
  Status sum_on_device(std::span<double> values) override {
    return meet("sum on GPUs", [&] { device_sums_->sum(values.data(), values.size(), SumType::f64); });
  }
  Status meet_on_device(const Device& device) override {
    DFA_ASSIGN_OR_RETURN(MakeDeviceSums* const make, load_nccl());
    return meet("connecting the GPUs", [&] {
      device_sums_.reset(make({*store_, rank(), size(), device.index, meeting_timeout_}));
    });
  }

  Result<std::vector<std::string>> gather(std::string_view bytes) override {
    if (bytes.size() > kMostGatheredBytes)
      return fail(ErrorCode::limit_exceeded, "{} bytes to gather, at most {}", bytes.size(), kMostGatheredBytes);
    const std::size_t ranks = static_cast<std::size_t>(size()), me = static_cast<std::size_t>(rank());
    std::vector<double> lengths(ranks, 0);
    lengths[me] = static_cast<double>(bytes.size());
    DFA_TRY(sum(lengths));
    std::vector<std::size_t> begins = {0};
    for (const double length : lengths) begins.push_back(begins.back() + static_cast<std::size_t>(length));
    std::string all(begins.back(), '\0');  // zeros but for this rank's bytes: the sum is everybody's
    std::memcpy(all.data() + begins[me], bytes.data(), bytes.size());
    DFA_TRY(sum_of(all.data(), all.size(), torch::kUInt8));
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < ranks; ++i) parts.push_back(all.substr(begins[i], begins[i + 1] - begins[i]));
    return parts;
  }

  Error leave(Error error) override {
    if (failure_) return *failure_;
    if (error.code == ErrorCode::cancelled) return error;
    heartbeat_.tell_own(error);
    failure_ = error;
    let_go();
    return error;
  }

 private:
  static at::Tensor view(void* data, std::size_t count, at::ScalarType type) {
    return torch::from_blob(data, {static_cast<std::int64_t>(count)}, type);
  }

  Status sum_of(void* data, std::size_t count, at::ScalarType type) {
    if (count == 0) return {};
    return meet("sum", [&] {
      std::vector<at::Tensor> tensors = {view(data, count, type)};
      gloo_->allreduce(tensors)->wait();
    });
  }

  template <class Work>
  Status meet(const char* what, const Work& work) {
    if (failure_) return tl::unexpected<Error>(*failure_);
    heartbeat_.begin_meeting();
    const Clock::time_point begin = Clock::now();
    try {
      work();
      return {};
    } catch (const std::exception& error) {
      const bool late = Clock::now() - begin >= meeting_timeout_ * 9 / 10;
      failure_ = heartbeat_.blame(late ? MeetingFailure::timed_out : MeetingFailure::broken,
                                  fmt::format("{}: {}", what, short_reason(error)));
      heartbeat_.tell_found(*failure_);
      let_go();
      return tl::unexpected<Error>(*failure_);
    }
  }

  // Closes the connections, which ends the others' meetings, and stays until they have read why.
  void let_go() {
    if (device_sums_) device_sums_->abort();
    device_sums_.reset();
    gloo_.reset();
    if (is_first()) heartbeat_.wait_for_others();
  }

  const RankEnvironment environment_;
  StorePtr store_;
  const milliseconds meeting_timeout_;
  Heartbeat heartbeat_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
  std::unique_ptr<DeviceSums> device_sums_;  // where GPUs meet by themselves
  std::optional<Error> failure_;
};

}  // namespace

Result<std::unique_ptr<RankGroup>> join_gloo_group(const RankEnvironment& environment, milliseconds timeout) {
  FLAGS_caffe2_log_level =
      kNoLogs;  // c10d writes its retries and stack traces to stderr; what matters comes back as an error
  DFA_ASSIGN_OR_RETURN(StorePtr store, reach_store(environment, timeout));
  DFA_TRY(wait_for_all(environment, *store, timeout));
  try {
    auto group = std::make_unique<GlooGroup>(environment, std::move(store), timeout);
    DFA_TRY(group->connect());
    return group;
  } catch (const std::exception& error) {
    return fail(ErrorCode::rank_lost, "the ranks' store at {}:{} does not answer: {}", environment.address,
                environment.port, short_reason(error));
  }
}

}  // namespace dfa::train
