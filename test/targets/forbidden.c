/* What a model inside a program must not call: linked with --wrap, each of them ends the program.
 */
#include <stdlib.h>
#include <unistd.h>

#define FORBID(name)                                                                               \
  void *__wrap_##name(void);                                                                       \
  void *__wrap_##name(void) {                                                                      \
    static const char message[] = #name " was called\n";                                           \
    if (write(2, message, sizeof message - 1) < 0)                                                 \
      _exit(3);                                                                                    \
    abort();                                                                                       \
  }

FORBID(malloc)
FORBID(calloc)
FORBID(posix_memalign)
FORBID(free)
FORBID(mmap)
FORBID(mprotect)
FORBID(open)
FORBID(read)
FORBID(pread)
FORBID(pthread_create)
