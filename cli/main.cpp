#include "cli/run.hpp"

int main(int argc, char** argv) {
  return dfa::cli::run_process(argc, argv);
}
