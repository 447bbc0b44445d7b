// What the runtime needs from an operating system. One implementation per folder.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace longtail::runtime::platform {

// ---- Memory. Large blocks ask for huge pages. -----------------------------------------------
void *allocate(size_t bytes, size_t alignment);
void deallocate(void *pointer);

// ---- Files: 0 or an errno value. ------------------------------------------------------------
constexpr int kNotRegularFile = -1;
int fileSize(int fd, uint64_t &bytes); // or kNotRegularFile
int readAt(int fd, uint64_t offset, void *data, size_t bytes);
int mapFile(int fd, uint64_t offset, size_t bytes, bool executable, void *&address);

// Executable memory from a copy of a file's part; writable first, then never again.
int mapWritable(size_t bytes, void *&address);
int makeExecutable(void *address, size_t bytes);
void unmap(void *address, size_t bytes);

// ---- Time -----------------------------------------------------------------------------------
uint64_t nowNs(); // monotonic

// ---- Threads --------------------------------------------------------------------------------
uint32_t cpuCount();   // that this process may use, at least 1
uint32_t currentCpu(); // a hint
bool startThread(void *(*function)(void *), void *argument); // detached, signals blocked
void onForkInChild(void (*function)());
void futexWait(const uint32_t *word, uint32_t expected); // may wake spuriously
void futexWake(const uint32_t *word);

// The floating-point control register (rounding, denormals) of the calling thread.
uint64_t floatControl();
void setFloatControl(uint64_t value);

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#else
  asm volatile("" ::: "memory");
#endif
}

} // namespace longtail::runtime::platform
