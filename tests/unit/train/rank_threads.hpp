// Ranks as threads of the test's process: they meet over 127.0.0.1 as processes would.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "train/devices/rank_group.hpp"

namespace dfa::test {

// A port that nobody listened on a moment ago.
inline int free_port() {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(socket_fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(socket_fd);
  if (!bound) throw std::runtime_error("no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

inline std::vector<train::RankEnvironment> loopback_ranks(int ranks) {
  std::vector<train::RankEnvironment> environments;
  const int port = free_port();
  for (int rank = 0; rank < ranks; ++rank) {
    train::RankEnvironment environment;
    environment.rank = environment.local_rank = rank;
    environment.size = ranks;
    environment.address = "127.0.0.1";
    environment.port = port;
    environments.push_back(environment);
  }
  return environments;
}

// Runs work(group) as each rank of a group, at the same time.
template <class Work>
void as_ranks(int ranks, std::chrono::milliseconds timeout, const Work& work) {
  std::vector<std::thread> threads;
  for (const train::RankEnvironment& environment : loopback_ranks(ranks))
    threads.emplace_back([&work, environment, timeout] {
      auto group = train::RankGroup::join(environment, timeout);
      ASSERT_TRUE(group) << group.error().message;
      try {
        work(**group);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "rank " << environment.rank << ": "
                      << (*group)->leave({ErrorCode::internal, error.what()}).message;
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace dfa::test
