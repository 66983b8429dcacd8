// The work of one cell, in a process of its own: train or go on, export, score, and say so.
#pragma once

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "train/loop/observer.hpp"
#include "train/study/study_grid.hpp"

namespace dfa::train {

// Does what is left of the cell in its folder, cell.config.out; nothing when it is finished. An interrupted run goes on
// with the threads it began with, others take `threads` (0 = every processor). Errors: those of start_run(),
// resume_run(), export_model(), score_crops(); usage when the folder holds a run of another configuration; cancelled.
Status do_cell(const Study& study, const StudyCell& cell, int threads, RunObserver& observer, const CancelFlag& cancel);

}  // namespace dfa::train
