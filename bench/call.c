/* What a run costs a C program, apart from the work.
 *
 *   call model.lt ROUNDS RUNS
 *
 * The model has one input and one output of one f32 each. Prints a line of JSON: nanoseconds of a
 * run, medians of ROUNDS rounds of RUNS each: "run" with the tensors bound once, "bind" with both
 * bound anew before each run, as for a caller whose arrays are others each time. */
#include <fcntl.h>
#include <longtail/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static lt_error error = LT_INIT(lt_error);

__attribute__((noreturn)) static void stop(const char *what) {
  fprintf(stderr, "call: %s: %s\n", what, error.msg);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double nanoseconds(lt_context *context, lt_tensor *tensors, int binds, int rounds,
                          int runs) {
  enum { MOST = 1000 };
  double times[MOST];
  for (int round = 0; round < rounds && round < MOST; ++round) {
    double begin = now();
    for (int run = 0; run < runs; ++run) {
      if (binds &&
          (lt_bind(context, 0, &tensors[0], &error) || lt_bind(context, 1, &tensors[1], &error)))
        stop("bind");
      if (lt_run(context, &error))
        stop("run");
    }
    times[round] = (now() - begin) / runs;
  }
  qsort(times, (size_t)rounds, sizeof times[0], compare);
  return times[rounds / 2];
}

int main(int argc, char **argv) {
  int rounds = argc == 4 ? atoi(argv[2]) : 0, runs = argc == 4 ? atoi(argv[3]) : 0;
  if (rounds < 1 || rounds > 1000 || runs < 1) {
    fprintf(stderr, "usage: call model.lt ROUNDS RUNS (at most 1000 rounds)\n");
    return 2;
  }
  lt_source source = LT_INIT(lt_source);
  lt_func_info function = LT_INIT(lt_func_info);
  lt_context_opts options = LT_INIT(lt_context_opts);
  lt_module *module = NULL;
  lt_context *context = NULL;
  options.threads = 1;
  source.fd = open(argv[1], O_RDONLY);
  if (source.fd < 0 || lt_module_open(&source, NULL, &module, &error))
    stop(argv[1]);
  close(source.fd);
  if (lt_module_function(module, "main", &function, &error))
    stop("main");
  if (function.input_count != 1 || function.output_count != 1)
    stop("one input and one output are needed");
  static float elements[2] = {3, 0};
  lt_tensor tensors[2] = {LT_INIT(lt_tensor), LT_INIT(lt_tensor)};
  for (uint32_t slot = 0; slot < 2; ++slot) {
    lt_io_info io = LT_INIT(lt_io_info);
    if (lt_module_io(module, function.ordinal, slot, &io, &error))
      stop("input");
    tensors[slot].dtype = io.dtype;
    tensors[slot].rank = 1;
    tensors[slot].dims[0] = 1;
    tensors[slot].bytes = sizeof elements[0];
    tensors[slot].data = &elements[slot];
  }
  if (lt_context_create(module, function.ordinal, &options, &context, &error))
    stop("context");
  for (uint32_t slot = 0; slot < 2; ++slot)
    if (lt_bind(context, slot, &tensors[slot], &error))
      stop("bind");
  if (lt_run(context, &error))
    stop("run");
  double run = nanoseconds(context, tensors, 0, rounds, runs);
  double bind = nanoseconds(context, tensors, 1, rounds, runs);
  if (elements[1] != 6)
    stop("the result is wrong");
  printf("{\"run\": %.1f, \"bind\": %.1f}\n", run, bind);
  return 0;
}
