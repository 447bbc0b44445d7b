/* How much memory a process has resident because it opens an artifact and runs it once.
 *
 *   memory model.lt THREADS [dims of input 0] [dims of input 1] ...
 *
 * Dims are written like 1x3x224x224. Prints a line of JSON, in bytes: "growth" from before opening
 * to the peak of the run, and of what the model needs "weights", "arena", "scratch" of all threads
 * and "code". Inputs and outputs are the caller's: they are allocated and touched before. */
#include <fcntl.h>
#include <inttypes.h>
#include <longtail/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static lt_error error = LT_INIT(lt_error);

__attribute__((noreturn)) static void stop(const char *what) {
  fprintf(stderr, "memory: %s: %s\n", what, error.msg);
  exit(1);
}

/* A figure of /proc/self/status in bytes. Without the C library's buffers, which would count. */
static uint64_t status(const char *name) {
  static char text[8192];
  int fd = open("/proc/self/status", O_RDONLY);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (length <= 0)
    stop("/proc/self/status");
  close(fd);
  text[length] = '\0';
  const char *at = strstr(text, name);
  if (!at)
    stop(name);
  return strtoull(at + strlen(name), NULL, 10) * 1024;
}

/* From now on the peak is that of what follows. Where the kernel forbids it the peak may be an old
 * one, and the growth too large. */
static void reset_peak(void) {
  int fd = open("/proc/self/clear_refs", O_WRONLY);
  if (fd < 0)
    return;
  if (write(fd, "5", 1) != 1)
    fprintf(stderr, "memory: the peak cannot be reset\n");
  close(fd);
}

static lt_module *open_module(const char *path) {
  lt_source source = LT_INIT(lt_source);
  lt_module *module = NULL;
  source.fd = open(path, O_RDONLY);
  if (source.fd < 0 || lt_module_open(&source, NULL, &module, &error))
    stop(path);
  close(source.fd);
  return module;
}

static void parse_dims(const char *text, lt_tensor *tensor) {
  while (tensor->rank < LT_MAX_RANK && *text) {
    char *end;
    tensor->dims[tensor->rank++] = strtoll(text, &end, 10);
    if (end == text || (*end && *end != 'x'))
      stop(text);
    text = *end ? end + 1 : end;
  }
}

/* Memory for a tensor, all of it resident. */
static void allocate(lt_tensor *tensor, uint64_t bytes) {
  tensor->bytes = bytes;
  volatile char *memory = calloc(1, bytes + 1);
  if (!memory)
    stop("no memory");
  for (uint64_t at = 0; at <= bytes; at += 4096)
    memory[at] = 0; /* volatile: or the compiler would leave it untouched */
  tensor->data = (void *)memory;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: memory model.lt THREADS [dims of each input, such as 1x3x224x224]\n");
    return 2;
  }
  enum { MOST = 256 };
  static lt_tensor tensors[2 * MOST];
  lt_info info = LT_INIT(lt_info);
  lt_plan_info plan = LT_INIT(lt_plan_info);
  lt_func_info function = LT_INIT(lt_func_info);
  lt_context_opts options = LT_INIT(lt_context_opts);
  options.threads = (uint32_t)strtoul(argv[2], NULL, 10);

  lt_module *module = open_module(argv[1]);
  if (lt_module_info(module, &info, &error) ||
      lt_module_function(module, "main", &function, &error))
    stop("main");
  uint32_t inputs = function.input_count, outputs = function.output_count;
  if ((uint32_t)argc - 3 != inputs)
    stop("dims are needed for each input");
  for (uint32_t slot = 0; slot < inputs + outputs; ++slot) {
    lt_io_info io = LT_INIT(lt_io_info);
    if (lt_module_io(module, function.ordinal, slot, &io, &error))
      stop("input");
    tensors[slot].size = sizeof(lt_tensor);
    tensors[slot].dtype = io.dtype;
    if (slot < inputs)
      parse_dims(argv[3 + slot], &tensors[slot]);
  }
  if (lt_plan(module, function.ordinal, tensors, inputs, &plan, tensors + inputs, outputs, &error))
    stop("plan");
  for (uint32_t slot = 0; slot < inputs + outputs; ++slot) {
    uint64_t bytes = tensors[slot].bytes;
    if (slot < inputs) { /* at most 16 bytes for an element */
      bytes = 16;
      for (uint16_t i = 0; i < tensors[slot].rank; ++i)
        bytes *= (uint64_t)tensors[slot].dims[i];
    }
    allocate(&tensors[slot], bytes);
  }
  lt_module_release(module);

  reset_peak();
  uint64_t before = status("VmRSS:");
  lt_context *context = NULL;
  module = open_module(argv[1]);
  if (lt_context_create(module, function.ordinal, &options, &context, &error))
    stop("context");
  for (uint32_t slot = 0; slot < inputs + outputs; ++slot)
    if (lt_bind(context, slot, &tensors[slot], &error))
      stop("bind");
  if (lt_run(context, &error))
    stop("run");
  uint64_t peak = status("VmHWM:");
  printf("{\"growth\": %" PRIu64 ", \"weights\": %" PRIu64 ", \"arena\": %" PRIu64
         ", \"scratch\": %" PRIu64 ", \"code\": %" PRIu64 "}\n",
         peak > before ? peak - before : 0, info.weight_bytes, plan.arena_bytes,
         plan.scratch_bytes * options.threads, info.code_bytes);
  return 0;
}
