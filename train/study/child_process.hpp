// A program in a process of its own, its output in a file.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dfa::train {

class ChildProcess {
 public:
  // argv[0] is the program's path. Output and errors are appended to `log`; input is empty. The child is killed when
  // the thread that started it ends, however it ends: nobody is left to work in a folder that another process is to
  // take. Errors: file_unwritable (the log), internal (the machine will not start it).
  static Result<ChildProcess> start(const std::vector<std::string>& argv, const std::filesystem::path& log);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // one that still runs is killed

  // The exit status once it has ended: 128 + n after signal n. Does not wait.
  std::optional<int> status();
  void send(int signal) const;

 private:
  explicit ChildProcess(pid_t id) : id_(id) {}
  pid_t id_ = -1;  // -1: none, or ended
  std::optional<int> status_;
};

}  // namespace dfa::train
