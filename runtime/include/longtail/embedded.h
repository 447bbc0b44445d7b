/* A model that is part of a program, as `longtail compile --emit=static` (an object file) and
 * `--emit=so` (a shared library) write it: one constant of type lt_embedded and, next to it, the
 * model's tables, code and weights as sections of the program. Nothing is read from files or mapped
 * when it is opened.
 *
 * Standalone C11 and C++17. An lt_arena gives the runtime all the memory that it needs.
 */
#ifndef LONGTAIL_EMBEDDED_H
#define LONGTAIL_EMBEDDED_H

#include "longtail/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Distances are in bytes from the start of this struct. */
typedef struct lt_embedded {
  uint32_t size;
  uint32_t reserved;
  uint64_t metadata_bytes;
  int64_t metadata;
  int64_t code;
  int64_t weights; /* 0: the model has none */
} lt_embedded;
LT_STATIC_ASSERT(sizeof(lt_embedded) == 40, "stable ABI");

/* What lt_module_open takes. */
static inline lt_source lt_embedded_source(const lt_embedded *model) {
  const unsigned char *base = (const unsigned char *)model;
  lt_source source = LT_INIT(lt_source);
  source.data = base + model->metadata;
  source.len = model->metadata_bytes;
  source.code = base + model->code;
  source.weights = model->weights ? base + model->weights : NULL;
  return source;
}

/* Memory for modules and contexts out of one block of the caller's. What is freed is used again
 * only if it was the last that was taken, which is enough to open a model, run it, and close it. */
typedef struct lt_arena {
  unsigned char *base;
  size_t bytes;
  size_t used; /* now */
  size_t peak; /* the most so far */
} lt_arena;

static inline void *lt_arena_alloc(void *user, size_t bytes, size_t align) {
  lt_arena *arena = (lt_arena *)user;
  size_t at = arena->used + (size_t)(-((uintptr_t)arena->base + arena->used) & (align - 1));
  if (at > arena->bytes || bytes > arena->bytes - at)
    return NULL;
  arena->used = at + bytes;
  if (arena->used > arena->peak)
    arena->peak = arena->used;
  return arena->base + at;
}

static inline void lt_arena_free(void *user, void *pointer, size_t bytes) {
  lt_arena *arena = (lt_arena *)user;
  if ((unsigned char *)pointer + bytes == arena->base + arena->used)
    arena->used = (size_t)((unsigned char *)pointer - arena->base);
}

/* What lt_load_opts takes; the arena must outlive the module. */
static inline lt_allocator lt_arena_allocator(lt_arena *arena) {
  lt_allocator memory = LT_INIT(lt_allocator);
  memory.alloc = lt_arena_alloc;
  memory.free = lt_arena_free;
  memory.user = arena;
  return memory;
}

#ifdef __cplusplus
}
#endif

#endif
