#include "train/study/child_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace dfa::train {

namespace {

constexpr int kSignalBase = 128, kNotStarted = 127;

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& argv, const std::filesystem::path& log) {
  const auto reason = [] { return std::generic_category().message(errno); };
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) return fail(ErrorCode::file_unwritable, "{}: {}", log.string(), reason());
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::vector<std::string> words = argv;
  const std::vector<char*> pointers = pointers_to(words);
  const pid_t parent = ::getpid();
  const pid_t id = ::fork();  // nothing but system calls between here and exec: libraries' threads may hold any lock
  if (id == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kNotStarted);  // it ended before the line above
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execv(pointers[0], pointers.data());
    ::_exit(kNotStarted);
  }
  const std::string why = id < 0 ? reason() : "";
  ::close(output);
  if (input >= 0) ::close(input);
  if (id < 0) return fail(ErrorCode::internal, "{}: cannot be started: {}", argv[0], why);
  return ChildProcess(id);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept : id_(std::exchange(other.id_, -1)), status_(other.status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(status_, other.status_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (id_ < 0) return;
  ::kill(id_, SIGKILL);
  ::waitpid(id_, nullptr, 0);
}

std::optional<int> ChildProcess::status() {
  int raw = 0;
  if (id_ >= 0 && ::waitpid(id_, &raw, WNOHANG) == id_) {
    status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : kSignalBase + WTERMSIG(raw);
    id_ = -1;
  }
  return status_;
}

void ChildProcess::send(int signal) const {
  if (id_ >= 0) ::kill(id_, signal);
}

}  // namespace dfa::train
