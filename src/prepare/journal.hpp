// Which items are done, in a form that survives kill -9 and a power cut: one line an item, appended and synced when all
// its files lie on the disk.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "prepare/item_result.hpp"

namespace dfa {

// One thread at a time; one process at a time, which a lock beside the file sees to.
class Journal {
 public:
  // Opens or begins the journal of `folder`, which exists. A last line that was cut while it was written is taken away,
  // and so is everything from the first line on that cannot be read: those items are done again. Errors:
  // file_unwritable (also: another process is at work here), file_unreadable, limit_exceeded.
  static Result<Journal> open(const std::filesystem::path& folder);
  ~Journal();
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;

  // By path; an item that is listed again counts as it was listed last.
  const std::map<std::string, ItemResult>& done() const { return done_; }
  // Lines that were taken away at opening.
  std::size_t lines_dropped() const { return lines_dropped_; }

  // On the disk when this returns. Errors: file_unwritable.
  Status append(const ItemResult& result);
  // Replaces the journal by these lines in this order, so that its bytes do not tell who was ready first. Errors:
  // file_unwritable.
  Status rewrite(const std::vector<const ItemResult*>& results);

 private:
  Journal() = default;
  Status read();

  std::filesystem::path file_;
  int lock_ = -1;
  int descriptor_ = -1;
  std::size_t lines_dropped_ = 0;
  std::map<std::string, ItemResult> done_;
};

}  // namespace dfa
