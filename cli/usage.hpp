// What is said to somebody whose command line was not understood.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace dfa::cli {

// Got, expected, the nearest name that is known, and the help to read. `error` came from app.parse().
std::string usage_message(const CLI::App& app, const CLI::ParseError& error);

}  // namespace dfa::cli
