// The process-wide worker threads, made when the first parallel step runs. One job at a time: who
// finds the pool busy (another context, or a child of a fork in the middle of a run) runs inline.
#pragma once
#include <stdint.h>

namespace longtail::runtime::pool {

using Job = void (*)(void *argument, uint32_t worker);

// Takes the pool for up to `wanted` workers (at least 2), counting the calling thread. Returns how
// many there are; 1 means the pool was not taken and `run` and `release` must not be called.
uint32_t acquire(uint32_t wanted);

// Calls job(argument, 0) on the calling thread and job(argument, w), 0 < w < workers, on each
// worker that comes before the first one ends; waits for those. A call must do what the others
// leave.
void run(Job job, void *argument, uint32_t workers);

void release();

// Says that a run is in flight: until it ends, workers wait for its next step longer than for the
// next run.
void beginRun();
void endRun();

} // namespace longtail::runtime::pool
