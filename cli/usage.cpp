#include "cli/usage.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "base/nearest_name.hpp"

namespace dfa::cli {
namespace {

// The innermost command that was named on the line.
const CLI::App& innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
  return *at;
}

std::string command_line(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : command_line(*parent) + " " + app.get_name();
}

// Long names of the options that may stand after the innermost command.
std::vector<std::string> known_options(const CLI::App& innermost_command) {
  std::vector<std::string> names;
  for (const CLI::App* at = &innermost_command; at != nullptr; at = at->get_parent())
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> known_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::string suggestion(const std::string& got, const std::vector<std::string>& known) {
  if (known.empty()) return {};
  return fmt::format("\n  did you mean {}?", nearest_name(got, known));
}

// What stood on the line and belongs to nothing; empty when everything had its place.
std::string describe_stranger(const CLI::App& app) {
  const std::vector<std::string> strangers = app.remaining(true);
  if (strangers.empty()) return {};
  const CLI::App& command = innermost(app);
  const std::string name = strangers.front().substr(0, strangers.front().find('='));
  if (name.size() > 1 && name.front() == '-')
    return fmt::format("option {} is not known to {}{}", name, command_line(command),
                       suggestion(name, known_options(command)));
  const std::vector<std::string> commands = known_commands(command);
  if (!commands.empty()) return fmt::format("there is no command \"{}\"{}", name, suggestion(name, commands));
  return fmt::format("\"{}\" was not expected after {}", name, command_line(command));
}

}  // namespace

std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  std::string what;
  const int code = error.get_exit_code();
  if (code == static_cast<int>(CLI::ExitCodes::ExtrasError) || code == static_cast<int>(CLI::ExitCodes::RequiredError))
    what = describe_stranger(app);
  if (what.empty()) what = error.what();
  return fmt::format("{}\n  next step: {} --help", what, command_line(innermost(app)));
}

}  // namespace dfa::cli
