#include "codegen/Container/ArenaChecker.h"
#include <algorithm>

using namespace longtail::container;

namespace {
// Steps that name a buffer, inclusive.
struct Lifetime {
  uint32_t buffer;
  uint32_t first;
  uint32_t last;
};
} // namespace

static std::string describe(const Function &function, uint32_t step) {
  return std::to_string(step) + " '" + function.steps[step].name + "'";
}

bool longtail::container::checkArena(const Function &function, std::string &errorMessage) {
  return checkArena(function, errorMessage, nullptr, nullptr);
}

bool longtail::container::checkArena(const Function &function, std::string &errorMessage,
                                     WritePredicate isWrite, const void *context) {
  auto fail = [&](const std::string &text) {
    errorMessage = "function '" + function.name + "': " + text;
    return false;
  };
  size_t count = function.buffers.size();
  std::vector<Lifetime> lifetimes(count);
  std::vector<bool> named(count), written(count);
  auto isArena = [&](uint32_t buffer) { return function.buffers[buffer].kind == LT_BUFFER_ARENA; };
  auto use = [&](uint32_t buffer, uint32_t step) {
    if (!named[buffer])
      lifetimes[buffer] = {buffer, step, step};
    named[buffer] = true;
    lifetimes[buffer].last = step;
  };
  auto undefined = [&](uint32_t buffer, uint32_t step) {
    return fail("step " + describe(function, step) + " reads buffer " + std::to_string(buffer) +
                " before any step writes it");
  };

  for (uint32_t s = 0; s < function.steps.size(); ++s) {
    const Step &step = function.steps[s];
    bool bind = step.kind == LT_STEP_BIND;
    for (uint32_t buffer : bind ? std::vector<uint32_t>{step.buffer} : step.bindings)
      if (buffer >= count && !(isCall(step) && buffer == kNone)) // a result that nobody reads
        return fail("step " + describe(function, s) + " names buffer " + std::to_string(buffer) +
                    " of " + std::to_string(count));
    if (bind) {
      if (isArena(step.buffer) && !written[step.buffer])
        return undefined(step.buffer, s);
      use(step.buffer, s);
      continue;
    }
    // What this step writes counts as defined from the next step on.
    std::vector<uint32_t> defined;
    for (uint32_t p = 0; p < step.bindings.size(); ++p) {
      uint32_t buffer = step.bindings[p];
      if (buffer == kNone)
        continue;
      bool write = isCall(step) ? p >= step.argumentCount
                   : isWrite    ? isWrite(context, s, p)
                                : !named[buffer];
      if (write)
        defined.push_back(buffer);
      else if (isArena(buffer) && !written[buffer] && isWrite)
        return undefined(buffer, s);
    }
    for (uint32_t buffer : step.bindings)
      if (buffer != kNone)
        use(buffer, s);
    for (uint32_t buffer : defined)
      written[buffer] = true;
  }

  std::vector<std::vector<Lifetime>> slots(function.slots.size());
  for (uint32_t buffer = 0; buffer < count; ++buffer) {
    if (!isArena(buffer) || !named[buffer])
      continue;
    uint32_t slot = function.buffers[buffer].index;
    if (slot >= slots.size())
      return fail("buffer " + std::to_string(buffer) + " names slot " + std::to_string(slot) +
                  " of " + std::to_string(slots.size()));
    slots[slot].push_back(lifetimes[buffer]);
  }
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    std::vector<Lifetime> &sharing = slots[slot];
    std::sort(sharing.begin(), sharing.end(),
              [](const Lifetime &a, const Lifetime &b) { return a.first < b.first; });
    for (size_t i = 1; i < sharing.size(); ++i)
      if (sharing[i].first <= sharing[i - 1].last)
        return fail("buffers " + std::to_string(sharing[i - 1].buffer) + " and " +
                    std::to_string(sharing[i].buffer) + " share slot " + std::to_string(slot) +
                    ", but the first is in use until step " +
                    describe(function, sharing[i - 1].last) + " and the second from step " +
                    describe(function, sharing[i].first));
  }
  return true;
}
