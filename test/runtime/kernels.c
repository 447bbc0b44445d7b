/* Kernels of the runtime's tests, linked to a flat image. The image starts with a table of their
 * offsets, in the order of `enum TestKernel` in Artifacts.h. */
#include "longtail/artifact.h"

__asm__(".section .text.table,\"ax\"\n"
        "table:\n"
        "  .long add - table, fill - table, count - table, compact - table\n"
        "  .long fail - table, wait - table, probe - table, scale - table\n"
        "  .long copy - table, meet - table\n"
        ".text\n");

#define KERNEL(name)                                                                               \
  __attribute__((used)) int32_t name(const lt_kernel_frame *frame, int64_t begin, int64_t end)

/* out[i] = a[i] + b[i]; params: elements, elements per tile. */
KERNEL(add) {
  const float *a = frame->buffers[0], *b = frame->buffers[1];
  float *out = frame->buffers[2];
  int64_t stop = end * frame->params[1];
  if (stop > frame->params[0])
    stop = frame->params[0];
  for (int64_t i = begin * frame->params[1]; i < stop; ++i)
    out[i] = a[i] + b[i];
  return LT_KERNEL_OK;
}

/* int64 out[tile] = params[0] + tile. */
KERNEL(fill) {
  int64_t *out = frame->buffers[0];
  for (int64_t i = begin; i < end; ++i)
    out[i] = frame->params[0] + i;
  return LT_KERNEL_OK;
}

/* One tile: int64 out[0] = how many of params[0] floats are not zero. */
KERNEL(count) {
  (void)begin, (void)end;
  const float *in = frame->buffers[0];
  int64_t found = 0;
  for (int64_t i = 0; i < frame->params[0]; ++i)
    found += in[i] != 0.0f;
  *(int64_t *)frame->buffers[1] = found;
  return LT_KERNEL_OK;
}

/* One tile: int64 out[k] = index of the k-th non-zero of params[0] floats. */
KERNEL(compact) {
  (void)begin, (void)end;
  const float *in = frame->buffers[0];
  int64_t *out = frame->buffers[1], k = 0;
  for (int64_t i = 0; i < frame->params[0]; ++i)
    if (in[i] != 0.0f) {
      if (k == frame->params[1])
        return LT_KERNEL_VALUE;
      out[k++] = i;
    }
  return LT_KERNEL_OK;
}

/* Returns params[0] at tile params[1]. */
KERNEL(fail) {
  return begin <= frame->params[1] && frame->params[1] < end ? (int32_t)frame->params[0]
                                                             : LT_KERNEL_OK;
}

/* Counts its tiles in int32 in[1] and waits in each until int32 in[0] is not zero. */
KERNEL(wait) {
  volatile int32_t *flags = frame->buffers[0];
  for (int64_t i = begin; i < end; ++i) {
    __atomic_fetch_add(&flags[1], 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&flags[0], __ATOMIC_SEQ_CST) == 0)
      ;
  }
  return LT_KERNEL_OK;
}

/* int64 out[tile] = worker, after using params[0] bytes of scratch. Fails if another worker uses
 * the same scratch, or if the scratch is misaligned. */
KERNEL(probe) {
  int64_t *out = frame->buffers[0];
  volatile uint32_t *scratch = frame->scratch;
  if (((uintptr_t)frame->scratch & 63) != 0 || frame->size < sizeof(lt_kernel_frame))
    return LT_KERNEL_VALUE;
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t k = 0; k < frame->params[0] / 4; ++k)
      scratch[k] = frame->worker;
    for (int64_t k = 0; k < frame->params[0] / 4; ++k)
      if (scratch[k] != frame->worker)
        return LT_KERNEL_VALUE;
    out[i] = frame->worker;
  }
  return LT_KERNEL_OK;
}

/* out[i] = in[i] * weight[i], params[0] elements, one tile; also reads the weight's tail. */
KERNEL(scale) {
  (void)begin, (void)end;
  const float *in = frame->buffers[0], *weight = frame->buffers[1];
  float *out = frame->buffers[2];
  volatile char tail = 0;
  for (int64_t i = 0; i < frame->params[0]; ++i)
    out[i] = in[i] * weight[i];
  for (int64_t i = 0; i < LT_READ_TAIL; ++i)
    tail += ((const volatile char *)(weight + frame->params[0]))[i];
  return ((uintptr_t)weight & 63) != 0 ? LT_KERNEL_VALUE : LT_KERNEL_OK;
}

/* One tile: params[0] bytes of in to out. */
KERNEL(copy) {
  (void)begin, (void)end;
  const volatile char *in = frame->buffers[0];
  char *out = frame->buffers[1];
  for (int64_t i = 0; i < frame->params[0]; ++i)
    out[i] = in[i];
  return LT_KERNEL_OK;
}

/* Tile 0 waits for tile 1, which it would be in front of. Sets int32 in[tile]. */
KERNEL(meet) {
  volatile int32_t *flags = frame->buffers[0];
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t polls = 0; i == 0 && __atomic_load_n(&flags[1], __ATOMIC_SEQ_CST) == 0;)
      if (++polls == INT64_C(1) << 32)
        return LT_KERNEL_VALUE;
    __atomic_store_n(&flags[i], 1, __ATOMIC_SEQ_CST);
  }
  return LT_KERNEL_OK;
}
