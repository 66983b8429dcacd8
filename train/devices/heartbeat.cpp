#include "train/devices/heartbeat.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

namespace dfa::train {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostMessage = 8192;
constexpr int kIntervalsPerTimeout = 20, kIntervalsOfSilence = 5;
constexpr milliseconds kShortestInterval{100}, kLongestInterval{1000};

enum class Life {
  working,
  failed,  // by itself
  told,    // stops because of another rank
  left     // came to its end
};

struct Note {
  std::uint64_t count = 0;     // grows with every sign of life
  std::uint64_t meetings = 0;  // begun
  Life life = Life::working;
  Error error;  // of failed and told
};

std::string note_text(const Note& note) {
  return fmt::format("{} {} {} {}\n{}", note.count, note.meetings, static_cast<int>(note.life),
                     static_cast<int>(note.error.code), note.error.message.substr(0, kMostMessage));
}

std::optional<Note> parse_note(const std::string& text) {
  std::istringstream in(text);
  Note note;
  int life = 0, code = 0;
  if (!(in >> note.count >> note.meetings >> life >> code) || life < 0 || life > static_cast<int>(Life::left))
    return std::nullopt;
  note.life = static_cast<Life>(life);
  note.error.code = static_cast<ErrorCode>(code);
  const std::size_t line = text.find('\n');
  note.error.message = line == std::string::npos ? "" : text.substr(line + 1, kMostMessage);
  return note;
}

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

HeartbeatTimes heartbeat_times(milliseconds timeout) {
  const milliseconds interval = std::clamp(timeout / kIntervalsPerTimeout, kShortestInterval, kLongestInterval);
  return {interval, kIntervalsOfSilence * interval, std::max(timeout / 4, (kIntervalsOfSilence + 2) * interval)};
}

struct Heartbeat::State {
  struct Peer {
    Note note;
    Clock::time_point changed = Clock::now();
  };

  State(const RankEnvironment& where, std::unique_ptr<NoteStore> notes, const HeartbeatTimes& limits)
      : environment(where), store(std::move(notes)), times(limits), peers(static_cast<std::size_t>(where.size)) {}

  void run();
  void take(const std::vector<std::string>& notes);
  bool is_silent(const Peer& peer) const { return Clock::now() - peer.changed > times.silent_after; }
  std::optional<Error> find_cause(MeetingFailure failure) const;
  void tell(std::unique_lock<std::mutex>& lock, Life life, const Error& error);
  template <class Test>
  std::optional<int> find_peer(Test test) const;
  std::string store_holder() const;

  const RankEnvironment environment;
  const std::unique_ptr<NoteStore> store;
  const HeartbeatTimes times;
  std::mutex mutex;
  std::condition_variable changed;
  Note own;
  std::uint64_t wanted = 0, written = 0;  // versions of `own`
  std::vector<Peer> peers;                // by rank; this rank's own entry is not looked at
  Clock::time_point last_pass = Clock::now();
  bool store_is_gone = false, stop = false, ended = false;
  std::thread thread;
};

void Heartbeat::State::run() {
  std::unique_lock lock(mutex);
  while (!stop && !store_is_gone) {
    ++own.count;
    const std::string note = note_text(own);
    const std::uint64_t version = wanted;
    lock.unlock();
    std::vector<std::string> notes;
    bool gone = false;
    try {
      store->write(environment.rank, note);
      notes = store->read_all();
    } catch (const std::exception&) {
      gone = true;
    }
    lock.lock();
    store_is_gone = gone;
    if (!gone) {
      take(notes);
      last_pass = Clock::now();
      written = version;
    }
    changed.notify_all();
    changed.wait_for(lock, times.interval, [&] { return stop || store_is_gone || wanted != written; });
  }
  ended = true;
  changed.notify_all();
}

void Heartbeat::State::take(const std::vector<std::string>& notes) {
  for (std::size_t i = 0; i < std::min(notes.size(), peers.size()); ++i) {
    const std::optional<Note> note = parse_note(notes[i]);
    if (!note || note->count == peers[i].note.count) continue;
    peers[i] = {*note, Clock::now()};
  }
}

template <class Test>
std::optional<int> Heartbeat::State::find_peer(Test test) const {
  for (int rank = 0; rank < environment.size; ++rank)
    if (rank != environment.rank && test(peers[static_cast<std::size_t>(rank)])) return rank;
  return std::nullopt;
}

std::string Heartbeat::State::store_holder() const {
  return environment.store_host == StoreHost::rank_zero ? "rank 0" : "the launcher, which holds the ranks' store,";
}

// Best evidence first: what a rank says of itself, then silence, then what others found, then who is behind.
std::optional<Error> Heartbeat::State::find_cause(MeetingFailure failure) const {
  const auto peer_at = [&](int rank) -> const Peer& { return peers[static_cast<std::size_t>(rank)]; };
  if (const auto rank = find_peer([](const Peer& peer) { return peer.note.life == Life::failed; }))
    return Error{peer_at(*rank).note.error.code, fmt::format("rank {}: {}", *rank, peer_at(*rank).note.error.message)};
  if (const auto rank = find_peer([](const Peer& peer) { return peer.note.life == Life::told; }))
    return peer_at(*rank).note.error;
  if (store_is_gone || Clock::now() - last_pass > times.silent_after)
    return Error{ErrorCode::rank_lost, fmt::format("{} died or was stopped: its store does not answer (for {:.1f} s)",
                                                   store_holder(), seconds(Clock::now() - last_pass))};
  if (const auto rank = find_peer([&](const Peer& peer) { return peer.note.life == Life::working && is_silent(peer); }))
    return Error{ErrorCode::rank_lost, fmt::format("rank {} died or was stopped: no sign of life for {:.1f} s", *rank,
                                                   seconds(Clock::now() - peer_at(*rank).changed))};
  if (const auto rank = find_peer([](const Peer& peer) { return peer.note.life == Life::left; }))
    return Error{ErrorCode::rank_lost, fmt::format("rank {} has ended before the others", *rank)};
  if (failure == MeetingFailure::broken) return std::nullopt;
  if (const auto rank = find_peer([&](const Peer& peer) { return peer.note.meetings < own.meetings; }))
    return Error{ErrorCode::rank_lost,
                 fmt::format("rank {} hangs: it lives, but has not come to where the ranks meet", *rank)};
  return std::nullopt;
}

void Heartbeat::State::tell(std::unique_lock<std::mutex>& lock, Life life, const Error& error) {
  own.life = life;
  own.error = error;
  const std::uint64_t version = ++wanted;
  changed.notify_all();
  changed.wait_for(lock, times.silent_after, [&] { return written >= version || store_is_gone || ended; });
}

Heartbeat::Heartbeat(const RankEnvironment& environment, std::unique_ptr<NoteStore> store, const HeartbeatTimes& times)
    : state_(std::make_shared<State>(environment, std::move(store), times)) {
  state_->thread = std::thread([state = state_] { state->run(); });
}

Heartbeat::~Heartbeat() {
  std::unique_lock lock(state_->mutex);
  const bool answers = Clock::now() - state_->last_pass <= state_->times.silent_after && !state_->store_is_gone;
  if (answers && state_->own.life == Life::working) state_->tell(lock, Life::left, {});
  state_->stop = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, 2 * state_->times.interval, [&] { return state_->ended; });
  const bool ended = state_->ended;
  std::thread thread = std::move(state_->thread);  // out of the state: the thread itself may be its last owner
  lock.unlock();
  if (ended)
    thread.join();
  else
    thread.detach();  // it waits for a store that does not answer, and holds only what is its own
}

void Heartbeat::begin_meeting() {
  const std::lock_guard lock(state_->mutex);
  ++state_->own.meetings;
}

Error Heartbeat::blame(MeetingFailure failure, const std::string& said) {
  std::unique_lock lock(state_->mutex);
  const Clock::time_point deadline = Clock::now() + state_->times.verdict_within;
  for (;;) {
    if (std::optional<Error> cause = state_->find_cause(failure)) return *cause;
    if (Clock::now() >= deadline)
      return {ErrorCode::rank_lost, "the ranks lost each other, and none could be blamed: " + said};
    state_->changed.wait_for(lock, state_->times.interval);
  }
}

void Heartbeat::tell_own(const Error& error) {
  std::unique_lock lock(state_->mutex);
  state_->tell(lock, Life::failed, error);
}

void Heartbeat::tell_found(const Error& error) {
  std::unique_lock lock(state_->mutex);
  state_->tell(lock, Life::told, error);
}

void Heartbeat::wait_for_others() {
  std::unique_lock lock(state_->mutex);
  const auto waits = [&](const State::Peer& peer) {
    return peer.note.life == Life::working && !state_->is_silent(peer);
  };
  const Clock::time_point deadline = Clock::now() + state_->times.verdict_within;
  while (!state_->store_is_gone && state_->find_peer(waits) && Clock::now() < deadline)
    state_->changed.wait_for(lock, state_->times.interval);
}

}  // namespace dfa::train
