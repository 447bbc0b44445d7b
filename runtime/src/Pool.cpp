#include "Pool.h"
#include "longtail/runtime.h"
#include "platform/Platform.h"
#include <atomic>

using namespace longtail::runtime;

namespace {

constexpr uint64_t kSpinNs = 20000;     // then a thread sleeps in the kernel
constexpr uint64_t kShortSpinNs = 2000; // the same for one that shares its CPU with the other

constexpr uint32_t kRunSpins = 15; // so many times kSpinNs in the middle of a run

// kRun becomes kIdle when its worker takes the job, or when the owner takes it back.
enum : uint32_t { kIdle, kRun, kParked };

// One worker's mailbox, on a cache line of its own.
struct alignas(64) Mailbox {
  std::atomic<uint32_t> state{kIdle};
  std::atomic<uint32_t> cpu{0}; // where the worker runs, plus 1
};

struct Pool {
  std::atomic<uint32_t> taken{0};
  std::atomic<uint32_t> threads{0}; // started, without the caller's; changed by the owner only
  uint32_t cpus = 0;
  bool forkHook = false;
  // The job; written by the owner before a mailbox says kRun.
  pool::Job job = nullptr;
  void *argument = nullptr;
  uint64_t floatControl = 0;
  std::atomic<uint64_t> spinNs{0};
  std::atomic<uint32_t> ownerCpu{0}; // plus 1
  std::atomic<uint32_t> runs{0};     // in flight
  // Workers still in the job; the top bit says that the owner sleeps on it.
  std::atomic<uint32_t> pending{0};
  Mailbox mailboxes[LT_MAX_THREADS];
};

Pool thePool; // all zero: no constructor runs and the library has no data to copy

constexpr uint32_t kOwnerSleeps = 0x80000000u;

uint32_t cpuTag() { return platform::currentCpu() + 1; }

void storeIfChanged(std::atomic<uint32_t> &atomic, uint32_t value) {
  if (atomic.load(std::memory_order_relaxed) != value)
    atomic.store(value, std::memory_order_relaxed);
}

// True for the one, worker or owner, that may decide about the job in the mailbox.
bool take(Mailbox &box) {
  uint32_t expected = kRun;
  return box.state.compare_exchange_strong(expected, kIdle, std::memory_order_acq_rel);
}

// Spins until `done` or the time is over.
template <typename Done> bool spinUntil(uint64_t limitNs, Done done) {
  if (done())
    return true;
  if (limitNs == 0)
    return false;
  uint64_t end = platform::nowNs() + limitNs;
  do {
    for (int i = 0; i < 32; ++i) {
      platform::pause();
      if (done())
        return true;
    }
  } while (platform::nowNs() < end);
  return false;
}

// The same, but gives up early when whoever is waited for needs this very CPU, as happens on a
// loaded machine. That is found out late, because looking at the others' state costs more than a
// short wait.
template <typename Done, typename SharesCpu>
bool spinPolitely(uint64_t limitNs, Done done, SharesCpu sharesCpu) {
  if (spinUntil(limitNs < kShortSpinNs ? limitNs : kShortSpinNs, done))
    return true;
  return limitNs > kShortSpinNs && !sharesCpu() && spinUntil(limitNs - kShortSpinNs, done);
}

// The same while `goesOn`, which is asked now and then. A step that one thread does alone, or that
// ends later for one of them, is shorter than waking up as a rule.
template <typename Done, typename SharesCpu, typename GoesOn>
bool spinThroughRun(uint64_t limitNs, Done done, SharesCpu sharesCpu, GoesOn goesOn) {
  if (spinPolitely(limitNs, done, sharesCpu))
    return true;
  for (uint32_t i = 0; i < kRunSpins && limitNs != 0 && goesOn() && !sharesCpu(); ++i)
    if (spinUntil(limitNs, done))
      return true;
  return false;
}

uint32_t *wordOf(std::atomic<uint32_t> &atomic) { return reinterpret_cast<uint32_t *>(&atomic); }

// Returns when there was a job, which may have been taken back.
void waitForWork(Mailbox &box) {
  auto ready = [&] { return box.state.load(std::memory_order_relaxed) == kRun; };
  uint64_t limit = thePool.spinNs.load(std::memory_order_relaxed);
  auto sharesCpu = [] { return thePool.ownerCpu.load(std::memory_order_relaxed) == cpuTag(); };
  auto isRunning = [] { return thePool.runs.load(std::memory_order_relaxed) != 0; };
  if (spinThroughRun(limit, ready, sharesCpu, isRunning))
    return;
  uint32_t expected = kIdle;
  if (!box.state.compare_exchange_strong(expected, kParked, std::memory_order_acq_rel))
    return; // became kRun
  while (box.state.load(std::memory_order_relaxed) == kParked)
    platform::futexWait(wordOf(box.state), kParked);
}

void *workerMain(void *argument) {
  uint32_t worker = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(argument));
  Mailbox &box = thePool.mailboxes[worker];
  for (;;) {
    waitForWork(box);
    if (!take(box))
      continue;
    storeIfChanged(box.cpu, cpuTag());
    platform::setFloatControl(thePool.floatControl);
    thePool.job(thePool.argument, worker);
    if (thePool.pending.fetch_sub(1, std::memory_order_acq_rel) - 1 == kOwnerSleeps)
      platform::futexWake(wordOf(thePool.pending));
  }
  return nullptr;
}

// The child has no workers; what their parent's copies were doing is lost.
void forgetThreads() {
  thePool.threads.store(0, std::memory_order_relaxed);
  thePool.pending.store(0, std::memory_order_relaxed);
  thePool.runs.store(0, std::memory_order_relaxed);
  for (Mailbox &box : thePool.mailboxes)
    box.state.store(kIdle, std::memory_order_relaxed);
  thePool.taken.store(0, std::memory_order_release);
}

} // namespace

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "futexes wait on the atomic");

uint32_t pool::acquire(uint32_t wanted) {
  if (thePool.taken.exchange(1, std::memory_order_acquire) != 0)
    return 1;
  uint32_t threads = thePool.threads.load(std::memory_order_relaxed);
  if (threads + 1 < wanted) {
    if (!thePool.forkHook) {
      platform::onForkInChild(forgetThreads);
      thePool.forkHook = true;
    }
    if (thePool.cpus == 0)
      thePool.cpus = platform::cpuCount();
    // Mailbox w belongs to worker w; 0 is the caller.
    while (threads + 1 < wanted && threads + 1 < LT_MAX_THREADS &&
           platform::startThread(workerMain, reinterpret_cast<void *>(uintptr_t{threads} + 1)))
      ++threads;
    thePool.threads.store(threads, std::memory_order_relaxed);
  }
  if (threads == 0) {
    release();
    return 1;
  }
  return threads + 1 < wanted ? threads + 1 : wanted;
}

void pool::run(Job job, void *argument, uint32_t workers) {
  // Spinning only helps when every worker has a CPU.
  uint64_t spinNs = workers <= thePool.cpus ? kSpinNs : 0;
  thePool.spinNs.store(spinNs, std::memory_order_relaxed);
  storeIfChanged(thePool.ownerCpu, cpuTag());
  thePool.job = job;
  thePool.argument = argument;
  thePool.floatControl = platform::floatControl();
  thePool.pending.store(workers - 1, std::memory_order_relaxed);
  for (uint32_t w = 1; w < workers; ++w) {
    Mailbox &box = thePool.mailboxes[w];
    if (box.state.exchange(kRun, std::memory_order_acq_rel) == kParked)
      platform::futexWake(wordOf(box.state));
  }
  job(argument, 0);
  // The job is done where the owner did the parts of others, too. Those who never came, because
  // another program has their CPU or they are still waking up, are not waited for.
  for (uint32_t w = 1; w < workers; ++w)
    if (take(thePool.mailboxes[w]))
      thePool.pending.fetch_sub(1, std::memory_order_relaxed);
  auto done = [] { return thePool.pending.load(std::memory_order_acquire) == 0; };
  auto sharesCpu = [workers] {
    uint32_t cpu = cpuTag();
    for (uint32_t w = 1; w < workers; ++w)
      if (thePool.mailboxes[w].cpu.load(std::memory_order_relaxed) == cpu)
        return true;
    return false;
  };
  if (spinThroughRun(spinNs, done, sharesCpu, [] { return true; }))
    return;
  uint32_t left = thePool.pending.fetch_or(kOwnerSleeps, std::memory_order_acq_rel) | kOwnerSleeps;
  while (left != kOwnerSleeps) {
    platform::futexWait(wordOf(thePool.pending), left);
    left = thePool.pending.load(std::memory_order_acquire);
  }
}

void pool::beginRun() { thePool.runs.fetch_add(1, std::memory_order_relaxed); }

void pool::endRun() { thePool.runs.fetch_sub(1, std::memory_order_relaxed); }

void pool::release() { thePool.taken.store(0, std::memory_order_release); }
