// `dfa detect PATH...`: the main job.
#pragma once

#include "cli/command.hpp"
#include "score/result.hpp"

namespace CLI {
class App;
}

namespace dfa::cli {

void add_detect_command(CLI::App& app, CommandContext& context);

// Whether a fake that was found shows in the exit status (--exit-on-fake).
enum class FakeExit { no, yes };

// The exit status of a run that was not stopped (docs/cli.md has the table): fakes first if asked for, then: nothing
// readable 3, something that failed beside something that was analysed 6, no usable face anywhere 4, else 0.
ExitStatus detect_exit_status(const SummaryRecord& summary, FakeExit fake_exit);

}  // namespace dfa::cli
