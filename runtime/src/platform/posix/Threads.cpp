#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "../Platform.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

using namespace longtail::runtime;

uint64_t platform::nowNs() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

// CPUs of the cgroup's quota, rounded up; 0 when there is none ("max 100000").
static uint32_t cgroupQuota() {
  int fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  char text[64];
  ssize_t count = read(fd, text, sizeof text - 1);
  close(fd);
  if (count <= 0)
    return 0;
  text[count] = 0;
  char *end = nullptr;
  unsigned long quota = strtoul(text, &end, 10);
  unsigned long period = strtoul(end, nullptr, 10);
  if (quota == 0 || period == 0)
    return 0;
  unsigned long cpus = quota / period + (quota % period != 0);
  return cpus > 65536 ? 0 : static_cast<uint32_t>(cpus);
}

uint32_t platform::cpuCount() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int count = sched_getaffinity(0, sizeof set, &set) == 0
                  ? CPU_COUNT(&set)
                  : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)); // > 1024 CPUs
  uint32_t cpus = count < 1 ? 1 : static_cast<uint32_t>(count);
  uint32_t quota = cgroupQuota();
  return quota && quota < cpus ? quota : cpus;
}

uint32_t platform::currentCpu() { return static_cast<uint32_t>(sched_getcpu()); }

bool platform::startThread(void *(*function)(void *), void *argument) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0)
    return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_t thread;
  bool started = pthread_create(&thread, &attributes, function, argument) == 0;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  pthread_attr_destroy(&attributes);
  return started;
}

void platform::onForkInChild(void (*function)()) { pthread_atfork(nullptr, nullptr, function); }

void platform::futexWait(const uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void platform::futexWake(const uint32_t *word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

#if defined(__x86_64__)
uint64_t platform::floatControl() { return __builtin_ia32_stmxcsr(); }
void platform::setFloatControl(uint64_t value) {
  __builtin_ia32_ldmxcsr(static_cast<uint32_t>(value));
}
#elif defined(__aarch64__)
uint64_t platform::floatControl() {
  uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void platform::setFloatControl(uint64_t value) { asm volatile("msr fpcr, %0" ::"r"(value)); }
#elif defined(__riscv)
uint64_t platform::floatControl() {
  uint64_t value;
  asm volatile("frrm %0" : "=r"(value));
  return value;
}
void platform::setFloatControl(uint64_t value) { asm volatile("fsrm %0" ::"r"(value)); }
#endif
