// Runs the steps of a prepared context.
#include "Context.h"
#include "DType.h"
#include "Pool.h"
#include "Text.h"
#include "platform/Platform.h"
#include <string.h>

using namespace longtail::runtime;

namespace {

// One step while it runs, shared by its workers.
struct Job {
  lt_kernel kernel;
  void *const *buffers;
  const int64_t *params;
  char *scratch; // of worker 0, or null
  uint64_t scratchStride;
  int64_t tiles;
  uint32_t workers;
  const std::atomic<uint32_t> *cancelled;
  TextPool *text;
  bool makesText;
  std::atomic<int32_t> code{0}; // of the first kernel call that failed
};

// A worker's tiles are handed to the kernel in this many calls, so that cancelling and errors of
// other workers are seen in between, and others can take what is left.
constexpr int64_t kCallsPerWorker = 8;

// The tiles that are meant for one worker, on a cache line of its own.
struct alignas(64) Share {
  std::atomic<int64_t> next;
  int64_t end, grain;
};

struct SharedJob : Job {
  Share shares[LT_MAX_THREADS]; // of which `workers` are used
};

} // namespace

static TextFrame frameOf(const Job &job, uint32_t worker) {
  TextFrame textFrame;
  textFrame.pool = job.text;
  textFrame.mayMake = job.makesText;
  textFrame.failure = 0;
  lt_kernel_frame &frame = textFrame.frame;
  frame.size = sizeof frame;
  frame.text = applyText;
  frame.worker = worker;
  frame.buffers = job.buffers;
  frame.params = job.params;
  frame.scratch = job.scratch ? job.scratch + worker * job.scratchStride : nullptr;
  return textFrame;
}

// Calls the kernel; false if nobody should go on. Kernels come from the artifact and carry no type
// hashes for the sanitizer of indirect calls.
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
static bool runTiles(Job &job, const TextFrame &frame, int64_t begin, int64_t end) {
  int32_t code = job.kernel(&frame.frame, begin, end);
  if (frame.failure)
    code = frame.failure;
  if (code) {
    int32_t none = 0;
    job.code.compare_exchange_strong(none, code, std::memory_order_relaxed);
    return false;
  }
  return !job.cancelled->load(std::memory_order_relaxed) &&
         !job.code.load(std::memory_order_relaxed);
}

static int64_t grainOf(int64_t tiles) { return (tiles + kCallsPerWorker - 1) / kCallsPerWorker; }

static void runAll(Job &job) {
  TextFrame frame = frameOf(job, 0);
  int64_t grain = grainOf(job.tiles);
  for (int64_t begin = 0; begin < job.tiles; begin += grain) {
    int64_t left = job.tiles - begin;
    if (!runTiles(job, frame, begin, left < grain ? job.tiles : begin + grain))
      return;
  }
}

// A fixed, contiguous part of the tiles per worker: the same threads touch the same memory in
// consecutive steps. Who is done helps the others, one of which may have lost its processor to
// another program.
static void runPart(void *argument, uint32_t worker) {
  SharedJob &job = *static_cast<SharedJob *>(argument);
  TextFrame frame = frameOf(job, worker);
  for (uint32_t i = 0; i < job.workers; ++i) {
    Share &share = job.shares[worker + i < job.workers ? worker + i : worker + i - job.workers];
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      int64_t begin = share.next.fetch_add(share.grain, std::memory_order_relaxed);
      if (begin >= share.end)
        break;
      int64_t left = share.end - begin;
      if (!runTiles(job, frame, begin, left < share.grain ? share.end : begin + share.grain))
        return;
    }
  }
}

static void runShared(SharedJob &job) {
  for (uint32_t w = 0; w < job.workers; ++w) {
    int64_t begin = w * job.tiles / job.workers, end = (w + 1) * job.tiles / job.workers;
    job.shares[w].next.store(begin, std::memory_order_relaxed);
    job.shares[w].end = end;
    job.shares[w].grain = grainOf(end - begin);
  }
  pool::run(runPart, &job, job.workers);
}

static lt_rc kernelFailed(const Step &step, const char *kernel, int32_t code, uint64_t textLimit,
                          lt_error *error) {
  if (code == LT_KERNEL_TEXT_LIMIT)
    return fail(error, LT_ERR_LIMIT, Where::TextLimit, textLimit,
                "step '%.96s': the strings of the run take more than %llu bytes", step.name,
                static_cast<unsigned long long>(textLimit));
  if (code == LT_KERNEL_TEXT_MEMORY)
    return outOfMemory(error, textLimit, "the strings of the run");
  const char *text =
      code == LT_KERNEL_INDEX         ? "an index is out of range"
      : code == LT_KERNEL_DIVIDE      ? "integer division by zero"
      : code == LT_KERNEL_VALUE       ? "a value is not allowed"
      : code == LT_KERNEL_TEXT_NUMBER ? "a string is not a number of the type it is cast to"
      : code == LT_KERNEL_TEXT_HANDLE ? "the artifact uses a string or a table that does not exist"
                                      : "unknown error";
  return fail(error, LT_ERR_KERNEL, Where::KernelFailed, static_cast<uint64_t>(code),
              "step '%.96s' (kernel '%.64s'): %s", step.name, kernel, text);
}

lt_rc lt_context::dispatch(uint32_t index, uint32_t &workers, lt_error *error) {
  const Step &step = function->steps[index];
  SharedJob job;
  job.tiles = plan.steps[index].tiles;
  workers = 0;
  if (job.tiles == 0)
    return LT_OK;
  job.kernel = module->kernel(step.target);
  job.buffers = stepBuffers.data() + step.firstBinding;
  job.params = plan.params.data() + step.firstParam;
  job.scratch = step.scratchExpr != LT_NO_ID ? static_cast<char *>(scratch.base) : nullptr;
  job.scratchStride = scratchStride;
  job.cancelled = stop;
  job.text = text;
  job.makesText = step.makesText;
  workers = 1;
  if (step.parallel && threads > 1 && job.tiles > 1)
    workers = pool::acquire(job.tiles < threads ? static_cast<uint32_t>(job.tiles) : threads);
  job.workers = workers;
  if (workers > 1) {
    runShared(job);
    pool::release();
  } else {
    runAll(job);
  }
  int32_t code = job.code.load(std::memory_order_relaxed);
  return code == 0 ? static_cast<lt_rc>(LT_OK)
                   : kernelFailed(step, module->current().kernels[step.target].name, code,
                                  text->limitBytes(), error);
}

// Reads the scalars that the next region's shapes depend on.
lt_rc lt_context::bindSymbols(const Step &step, lt_error *error) {
  uint32_t dtype = function->buffers[step.target].dtype;
  uint64_t width = elementBits(dtype) / 8;
  auto *data = static_cast<const char *>(buffers[step.target]);
  for (uint32_t i = step.firstSymbol; i < step.firstSymbol + step.symbolCount; ++i) {
    const Symbol &symbol = function->symbols[i];
    uint64_t offset = symbol.index * width;
    if (offset + width > plan.bufferBytes[step.target])
      return fail(error, LT_ERR_SHAPE, Where::BoundElement, symbol.index,
                  "step '%.80s': '%.80s' is element %u of a tensor with %llu elements", step.name,
                  symbol.name, symbol.index,
                  static_cast<unsigned long long>(plan.bufferBytes[step.target] / width));
    if (dtype == LT_DTYPE_I64) {
      memcpy(&plan.symbols[i], data + offset, 8);
    } else if (dtype == LT_DTYPE_I32) {
      int32_t value;
      memcpy(&value, data + offset, 4);
      plan.symbols[i] = value;
    } else {
      plan.symbols[i] = data[offset] != 0;
    }
  }
  return LT_OK;
}

lt_rc lt_context::execute(lt_error *error) {
  uint32_t region = 0;
  uint64_t runStart = tracing ? platform::nowNs() : 0;
  traceCount = 0;
  for (uint32_t i = 0; i < function->steps.size(); ++i) {
    if (stop->load(std::memory_order_relaxed))
      break;
    const Step &step = function->steps[i];
    uint64_t start = tracing ? platform::nowNs() : 0;
    uint32_t workers = 1;
    lt_rc rc;
    if (step.kind == LT_STEP_DISPATCH) {
      rc = dispatch(i, workers, error);
    } else {
      rc = step.kind == LT_STEP_BIND     ? bindSymbols(step, error)
           : step.kind == LT_STEP_BRANCH ? branch(i, error)
                                         : loop(i, error);
      if (!rc && step.endsRegion)
        rc = prepareRegion(++region, error);
    }
    if (tracing) {
      trace[i] = {start - runStart, platform::nowNs() - start, workers};
      traceCount = i + 1;
    }
    if (rc)
      return rc;
  }
  if (stop->load(std::memory_order_relaxed))
    return fail(error, LT_ERR_CANCELLED, Where::Cancelled, 0, "the run was cancelled");
  return LT_OK;
}
