#include "Memory.h"
#include "platform/Platform.h"

using namespace longtail::runtime;

void *Memory::allocate(uint64_t bytes, uint64_t alignment) const {
  if (bytes > SIZE_MAX)
    return nullptr;
  if (!hook.alloc)
    return platform::allocate(static_cast<size_t>(bytes), static_cast<size_t>(alignment));
  void *pointer = hook.alloc(hook.user, static_cast<size_t>(bytes), static_cast<size_t>(alignment));
  if (pointer && reinterpret_cast<uintptr_t>(pointer) % alignment != 0) {
    release(pointer, bytes);
    return nullptr;
  }
  return pointer;
}

void Memory::release(void *pointer, uint64_t bytes) const {
  if (hook.alloc)
    hook.free(hook.user, pointer, static_cast<size_t>(bytes));
  else
    platform::deallocate(pointer);
}
