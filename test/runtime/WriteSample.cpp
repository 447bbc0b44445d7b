// Writes a small artifact for tests of programs: c[N, 3] = a[N, 3] + b[N, 3].
#include "test/runtime/Artifacts.h"
#include <cstdio>

using namespace longtail;

int main(int argc, char **argv) {
  std::string message = "usage: longtail_write_sample <file>";
  container::Program program = test::programOf({test::addFunction()});
  if (argc == 2 && container::writeContainer(program, message, std::string(argv[1])))
    return 0;
  fprintf(stderr, "%s\n", message.c_str());
  return 1;
}
