#include "nn/ops/attention_amx.hpp"

#include <cpuid.h>
#include <omp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "nn/isa.hpp"
#include "nn/ops/attention_amx_head.hpp"

namespace dfa {
namespace {

using namespace tiles;

// Results and products that are no normal numbers become 0, as they do in tiles; else exponentials of scores far below
// the largest would take a hundred times as long.
class FlushSubnormals {
 public:
  FlushSubnormals() : before_(_mm_getcsr()) {
    constexpr unsigned kFlush = 0x8040;  // FTZ, DAZ
    _mm_setcsr(before_ | kFlush);
  }
  ~FlushSubnormals() { _mm_setcsr(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  unsigned before_;
};

// The kernel hands out the tiles' state on request only (arch_prctl ARCH_REQ_XCOMP_PERM).
bool may_use_tiles() {
  constexpr int kRequestPermission = 0x1023;
  constexpr int kTileData = 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kAmxBf16 = 1U << 22;
  constexpr unsigned kAmxTile = 1U << 24;
  if ((d & kAmxBf16) == 0 || (d & kAmxTile) == 0) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// How the work is cut: by image, head and range of queries.
class Tasks {
 public:
  Tasks(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
        const AttentionOut& out, int threads)
      : shape_(shape), q_(q), k_(k), v_(v), out_(out) {
    // Enough tasks that threads finish together; each task packs its head's keys again, so no more than that.
    constexpr int kTasksPerThread = 4;
    const std::size_t queries = static_cast<std::size_t>(shape.queries);
    const int heads = shape.images * shape.heads;
    const int blocks = static_cast<int>((queries + kQueries - 1) / kQueries);
    const int wanted = threads == 1 ? 1 : std::clamp((kTasksPerThread * threads + heads - 1) / heads, 1, blocks);
    group_ = round_up((queries + static_cast<std::size_t>(wanted) - 1) / static_cast<std::size_t>(wanted), kQueries);
    groups_ = static_cast<int>((queries + group_ - 1) / group_);
  }

  int count() const { return shape_.images * shape_.heads * groups_; }

  Task operator[](int index) const {
    const std::size_t first = static_cast<std::size_t>(index % groups_) * group_;
    const std::size_t head =
        static_cast<std::size_t>(index / groups_ % shape_.heads) * static_cast<std::size_t>(shape_.head_dim);
    const std::size_t image = static_cast<std::size_t>(index / groups_ / shape_.heads);
    const std::size_t kv = image * shape_.kv.image + head;
    return {q_ + image * shape_.q.image + first * shape_.q.row + head,
            k_ + kv,
            v_ + kv,
            out_,
            image * shape_.out.image + first * shape_.out.row + head,
            head,
            std::min(group_, static_cast<std::size_t>(shape_.queries) - first)};
  }

 private:
  const AttentionShape& shape_;
  const std::uint16_t *q_, *k_, *v_;
  AttentionOut out_;
  std::size_t group_ = 0;  // queries a task
  int groups_ = 0;
};

// One thread's share: each takes the next task while it does the one before, so that it can ask for what it will read.
DFA_AMX void attend_tasks(const AttentionShape& shape, const Tasks& tasks, std::atomic<int>& taken,
                          std::byte* scratch) {
  const Layout at(shape);
  const FlushSubnormals flush;
  configure();
  int index = taken.fetch_add(1);
  while (index < tasks.count()) {
    const int next = taken.fetch_add(1);
    const Task task = tasks[index];
    Ahead ahead(at.head_dim);
    if (task.queries > kQueries)
      ahead.want(Ahead::queries, rows_of(task.q + kQueries * shape.q.row, shape.q.row, task.queries - kQueries));
    const std::size_t bytes = element_size(task.out.element);
    ahead.want(Ahead::results, {task.out.values + task.first_out * bytes, shape.out.row * bytes, task.queries});
    if (next < tasks.count()) {
      const Task later = tasks[next];
      const std::size_t keys = static_cast<std::size_t>(shape.keys);
      ahead.want(Ahead::keys, rows_of(later.k, shape.kv.row, keys));
      ahead.want(Ahead::values, rows_of(later.v, shape.kv.row, keys));
    }
    Head(shape, at, scratch, task, ahead).attend();
    index = next;
  }
  _tile_release();
}

}  // namespace

bool has_amx() {
  static const bool usable = effective_isa() == "avx512_core_amx" && may_use_tiles();
  return usable;
}

bool fits_amx(const AttentionShape& shape) {
  return shape.head_dim > 0 && static_cast<std::size_t>(shape.head_dim) % kDepth == 0;
}

std::size_t attention_amx_scratch(const AttentionShape& shape, int threads) {
  return (Layout(shape).total * static_cast<std::size_t>(threads) + kLineBytes) / sizeof(float);
}

void attention_amx(const AttentionShape& shape, const std::uint16_t* q, const std::uint16_t* k, const std::uint16_t* v,
                   const AttentionOut& out, float* scratch, int threads) {
  const Tasks tasks(shape, q, k, v, out, threads);
  const std::size_t thread_scratch = Layout(shape).total;
  const std::size_t past_line = reinterpret_cast<std::uintptr_t>(scratch) % kLineBytes;
  std::byte* lines = reinterpret_cast<std::byte*>(scratch) + (kLineBytes - past_line) % kLineBytes;
  std::atomic<int> taken{0};
#pragma omp parallel num_threads(threads)
  attend_tasks(shape, tasks, taken, lines + static_cast<std::size_t>(omp_get_thread_num()) * thread_scratch);
}

}  // namespace dfa
