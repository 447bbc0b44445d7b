/* A model inside a program: no files, no threads, no memory but the arrays below.
 *
 *   longtail compile model.onnx --emit=static -o demo.o          (writes demo.o and demo.h)
 *   cc -std=c11 -Iruntime/include -I. examples/static/main.c demo.o \
 *      build/runtime/liblongtail_runtime_static.a -o demo
 *
 * For a model with one float32 input and one float32 output; runs it on 0, 1/8, 2/8, ... 7/8, 0,
 * ... and prints the output. For another processor: `--target=riscv64` and that processor's
 * compiler.
 */
#include "demo.h"
#include <stdio.h>

LT_STATIC_ASSERT(LT_DEMO_INPUTS == 1 && LT_DEMO_INPUT_0_DTYPE == LT_DTYPE_F32, "one float input");
LT_STATIC_ASSERT(LT_DEMO_OUTPUTS == 1 && LT_DEMO_OUTPUT_0_DTYPE == LT_DTYPE_F32,
                 "one float output");

static unsigned char memory[LT_DEMO_ARENA_BYTES];
static float input[LT_DEMO_INPUT_0_ELEMENTS];
static float output[LT_DEMO_OUTPUT_0_ELEMENTS];

static int report(const lt_error *error) {
  fprintf(stderr, "%s: %s\n", lt_strerror(error->code), error->msg);
  return 1;
}

int main(void) {
  for (size_t i = 0; i < LT_DEMO_INPUT_0_ELEMENTS; ++i)
    input[i] = (float)(i % 8) / 8;

  lt_arena arena = {memory, sizeof memory, 0, 0};
  lt_allocator allocator = lt_arena_allocator(&arena);
  lt_load_opts load = LT_INIT(lt_load_opts);
  load.memory = &allocator;
  lt_context_opts one_thread = LT_INIT(lt_context_opts);
  one_thread.threads = 1;
  lt_source source = lt_embedded_source(&longtail_demo);
  lt_error error = LT_INIT(lt_error);
  lt_module *module;
  lt_context *context;
  if (lt_module_open(&source, &load, &module, &error) ||
      lt_context_create(module, 0, &one_thread, &context, &error))
    return report(&error);

  lt_tensor from = {.size = sizeof from,
                    .dtype = LT_DEMO_INPUT_0_DTYPE,
                    .rank = LT_DEMO_INPUT_0_RANK,
                    .data = input,
                    .bytes = sizeof input,
                    .dims = LT_DEMO_INPUT_0_DIMS};
  lt_tensor to = {.size = sizeof to,
                  .dtype = LT_DEMO_OUTPUT_0_DTYPE,
                  .rank = LT_DEMO_OUTPUT_0_RANK,
                  .data = output,
                  .bytes = sizeof output,
                  .dims = LT_DEMO_OUTPUT_0_DIMS};
  if (lt_bind(context, 0, &from, &error) || lt_bind(context, 1, &to, &error) ||
      lt_run(context, &error))
    return report(&error);
  for (size_t i = 0; i < LT_DEMO_OUTPUT_0_ELEMENTS; ++i)
    printf("%.9g\n", (double)output[i]);
  fprintf(stderr, "%zu of %zu bytes used\n", arena.peak, sizeof memory);

  lt_context_destroy(context);
  lt_module_release(module);
  return 0;
}
