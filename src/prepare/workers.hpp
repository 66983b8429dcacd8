// The threads of the prepare job. Internal to this room.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/source_list.hpp"
#include "pipeline/detect_job.hpp"
#include "prepare/journal.hpp"
#include "prepare/prepare_item.hpp"
#include "prepare/prepare_options.hpp"

namespace dfa {

struct WorkOrder {
  const SourceList& list;
  const std::vector<std::size_t>& todo;  // places in list.items
  const std::filesystem::path& out;
  const PrepareOptions& options;
  const std::vector<ItemTools>& tools;                      // one a worker
  const std::function<void(const Progress&)>& on_progress;  // on the caller's thread; may be empty
  const CancelFlag& cancel;
};

// Prepares the items of `todo`; each goes into the journal as soon as it is finished. Errors: the first one of the job;
// cancelled.
Status run_workers(const WorkOrder& order, Journal& journal);

}  // namespace dfa
