#include "prepare/workers.hpp"

#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "base/bounded_queue.hpp"

namespace dfa {
namespace {

constexpr std::size_t kMessages = 64;  // small; the caller's thread is never the bottleneck

struct ItemAdvanced {
  std::size_t worker = 0;
  double share = 0;  // of its item
};
struct ItemFinished {
  std::size_t worker = 0;
  Result<ItemResult> result;
};
using Message = std::variant<ItemAdvanced, ItemFinished>;

struct Shared {
  BoundedQueue<Message> messages{kMessages};
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> running{0};
  std::atomic<bool> failed{false};
};

void work(const WorkOrder& order, Shared& shared, std::size_t worker) {
  const auto stopping = [&] { return order.cancel.requested() || shared.failed.load(std::memory_order_relaxed); };
  const ItemContext context{order.list.root, order.out, order.options, stopping, [&](double share) {
                              (void)shared.messages.push(ItemAdvanced{worker, share});
                            }};
  while (!stopping()) {
    const std::size_t place = shared.next.fetch_add(1);
    if (place >= order.todo.size()) break;
    const SourceItem& item = order.list.items[order.todo[place]];
    (void)shared.messages.push(ItemFinished{worker, prepare_item(item, context, order.tools[worker])});
  }
  if (shared.running.fetch_sub(1) == 1) shared.messages.close();
}

// How far the whole is, from what the workers tell.
class Pace {
 public:
  explicit Pace(const WorkOrder& order) : order_(order), shares_(order.tools.size(), 0.0) {
    progress_.items_all = order.list.items.size();
    progress_.items_done = order.list.items.size() - order.todo.size();
  }
  void advance(std::size_t worker, double share) {
    shares_[worker] = share;
    tell();
  }
  void finish_one(std::size_t worker) {
    shares_[worker] = 0;
    ++finished_;
    ++progress_.items_done;
    tell();
  }

 private:
  void tell() {
    if (!order_.on_progress) return;
    double done = static_cast<double>(finished_);
    for (const double share : shares_) done += share;
    progress_.share = done / static_cast<double>(order_.todo.size());
    progress_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    progress_.seconds_left = progress_.share > 0 ? progress_.seconds * (1 - progress_.share) / progress_.share : 0;
    order_.on_progress(progress_);
  }

  const WorkOrder& order_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<double> shares_;
  std::size_t finished_ = 0;
  Progress progress_;
};

// Until the workers have ended. The first error stops them.
Status collect(const WorkOrder& order, Shared& shared, Journal& journal) {
  Pace pace(order);
  Status status;
  const auto note = [&](const Error& error) {
    // Those that stop because of an error, or of the flag, say "cancelled"; the cause is what counts.
    if (status && error.code != ErrorCode::cancelled) status = tl::unexpected(error);
    if (error.code != ErrorCode::cancelled) shared.failed = true;
  };
  while (std::optional<Message> message = shared.messages.pop()) {
    if (const auto* advanced = std::get_if<ItemAdvanced>(&*message)) {
      pace.advance(advanced->worker, advanced->share);
      continue;
    }
    const auto& finished = std::get<ItemFinished>(*message);
    if (!finished.result) {
      note(finished.result.error());
      continue;
    }
    if (const Status written = journal.append(*finished.result); !written) note(written.error());
    pace.finish_one(finished.worker);
  }
  return status;
}

}  // namespace

Status run_workers(const WorkOrder& order, Journal& journal) {
  Shared shared;
  std::vector<std::thread> threads;
  shared.running = order.tools.size();
  std::size_t started = 0;
  try {
    for (; started < order.tools.size(); ++started)
      threads.emplace_back([&order, &shared, started] { work(order, shared, started); });
  } catch (const std::system_error&) {
    // Where the machine refuses a thread, those that started do the work.
    const std::size_t missing = order.tools.size() - started;
    if (shared.running.fetch_sub(missing) == missing) shared.messages.close();
  }
  const Status status = collect(order, shared, journal);
  for (std::thread& thread : threads) thread.join();
  if (!status) return status;
  if (order.cancel.requested()) return fail(ErrorCode::cancelled, "stopped: the same command goes on from here");
  if (started == 0)
    return fail(ErrorCode::internal, "the machine refused to start threads\n  next step: raise the limit on processes");
  return {};
}

}  // namespace dfa
