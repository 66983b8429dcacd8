#include "doctor/item_facts.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <thread>

#include "base/hash.hpp"
#include "base/machine.hpp"
#include "media/read_picture.hpp"
#include "media/video_reader.hpp"

namespace dfa {
namespace {

namespace fs = std::filesystem;

constexpr int kLooks = 4;  // frames of a video that are hashed

// Hashes one file; what cannot be read becomes a problem.
bool hash_file(const std::string& path, const fs::path& root, ItemFacts& facts) {
  auto hash = sha256_file(root / path);
  if (!hash) {
    facts.problems.push_back({path, hash.error()});
    return false;
  }
  facts.files.push_back({path, std::move(*hash)});
  return true;
}

void look_at_video(const std::string& path, const fs::path& root, const MediaLimits& limits, ItemFacts& facts) {
  const auto trouble = [&](const Error& error) { facts.problems.push_back({path, error}); };
  const auto reader = VideoReader::open(root / path, limits);
  if (!reader) return trouble(reader.error());
  if (!(*reader)->info().cut.empty()) return trouble({ErrorCode::media_truncated, (*reader)->info().cut});
  FrameSelection selection;
  selection.count = kLooks;
  if (const Status selected = (*reader)->select(selection); !selected) return trouble(selected.error());
  Look look;
  for (;;) {
    const auto frame = (*reader)->next();
    if (!frame) return trouble(frame.error());
    if (!*frame) break;
    if (const auto hash = look_hash((*frame)->picture.view())) look.push_back(*hash);
  }
  const VideoWork& work = (*reader)->work();
  if (work.frames_failed > 0)
    return trouble(
        {ErrorCode::media_corrupt, fmt::format("{} of {} frames that were looked at do not decode", work.frames_failed,
                                               work.frames_failed + work.frames_delivered)});
  if (static_cast<std::int64_t>(look.size()) == work.frames_delivered) facts.look = std::move(look);
}

std::optional<LookHash> look_at_picture(const std::string& path, const fs::path& root, const MediaLimits& limits,
                                        ItemFacts& facts) {
  const auto picture = read_picture(root / path, limits);
  if (picture) return look_hash(picture->view());
  facts.problems.push_back({path, picture.error()});
  return std::nullopt;
}

// Every frame is decoded, because a damaged one hides among thousands; the looks are those of a few.
void look_at_frames(const SourceItem& item, const fs::path& root, const MediaLimits& limits, ItemFacts& facts) {
  Sha256 all;
  const std::vector<std::int64_t> chosen = even_frame_indices(static_cast<std::int64_t>(item.frames.size()), kLooks);
  Look look;
  for (std::size_t i = 0; i < item.frames.size(); ++i) {
    const std::string path = item.path + "/" + item.frames[i];
    if (hash_file(path, root, facts)) all.update(std::as_bytes(std::span(facts.files.back().sha256)));
    const auto hash = look_at_picture(path, root, limits, facts);
    if (hash && std::binary_search(chosen.begin(), chosen.end(), static_cast<std::int64_t>(i))) look.push_back(*hash);
  }
  if (facts.problems.empty() && look.size() == chosen.size()) facts.look = std::move(look);
  if (facts.files.size() == item.frames.size() && !item.frames.empty()) facts.sha256 = all.finish();
}

// A worker must not take the program down: a frame that does not fit into memory is a finding like others.
ItemFacts look_or_give_up(const SourceItem& item, const fs::path& root, const MediaLimits& limits) {
  try {
    return look_at_item(item, root, limits);
  } catch (const std::bad_alloc&) {
    ItemFacts facts;
    facts.problems.push_back({item.path, {ErrorCode::out_of_memory, "does not fit into memory"}});
    return facts;
  }
}

}  // namespace

ItemFacts look_at_item(const SourceItem& item, const fs::path& root, const MediaLimits& limits) {
  ItemFacts facts;
  if (item.kind == SourceKind::frames) {
    look_at_frames(item, root, limits, facts);
    return facts;
  }
  if (!hash_file(item.path, root, facts)) return facts;
  facts.sha256 = facts.files.back().sha256;
  if (item.kind == SourceKind::video)
    look_at_video(item.path, root, limits, facts);
  else if (const auto hash = look_at_picture(item.path, root, limits, facts))
    facts.look = {*hash};
  return facts;
}

Result<std::vector<ItemFacts>> look_at_items(const SourceList& list, const LookOptions& options,
                                             const CancelFlag& cancel) {
  std::vector<ItemFacts> facts(list.items.size());
  std::atomic<std::size_t> next{0};
  std::size_t done = 0;
  std::mutex progress;
  const auto work = [&] {
    for (std::size_t i = next++; i < list.items.size() && !cancel.requested(); i = next++) {
      facts[i] = look_or_give_up(list.items[i], list.root, options.media);
      const std::scoped_lock lock(progress);
      ++done;
      if (options.progress) options.progress(done, list.items.size());
    }
  };
  const auto threads = static_cast<std::size_t>(options.threads > 0 ? options.threads : usable_processors());
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < std::min(threads, list.items.size()); ++i) workers.emplace_back(work);
  }
  if (cancel.requested()) return fail(ErrorCode::cancelled, "cancelled");
  return facts;
}

}  // namespace dfa
