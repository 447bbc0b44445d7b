/* Runs a function of a Longtail artifact once, with zeros as inputs, and prints its outputs.
 *
 *   run_artifact model.lt [dims of input 0] [dims of input 1] ...
 *
 * Dims are written like 1x3x224x224; a missing or "-" argument takes 1 for every dynamic dimension.
 * An input without dimensions (a scalar) takes "-".
 *
 * To compile against an installed runtime:
 *   cc -std=c11 run_artifact.c -llongtail_runtime -o run_artifact
 * or from the source tree, after building the target longtail_runtime:
 *   cc -std=c11 -Iruntime/include examples/c/run_artifact.c -Lbuild/runtime \
 *      -Wl,-rpath,build/runtime -llongtail_runtime -o run_artifact
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <longtail/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int report(const lt_error *error) {
  fprintf(stderr, "run_artifact: %s: %s (check %u)\n", lt_strerror(error->code), error->msg,
          error->where);
  return 1;
}

/* Bytes per element; packed types are rounded up to a byte, which is enough memory for them. */
static size_t element_bytes(uint16_t dtype) {
  switch (dtype) {
  case LT_DTYPE_F64:
  case LT_DTYPE_I64:
  case LT_DTYPE_U64:
  case LT_DTYPE_C64:
    return 8;
  case LT_DTYPE_C128:
    return 16;
  case LT_DTYPE_F32:
  case LT_DTYPE_I32:
  case LT_DTYPE_U32:
    return 4;
  case LT_DTYPE_F16:
  case LT_DTYPE_BF16:
  case LT_DTYPE_I16:
  case LT_DTYPE_U16:
    return 2;
  default:
    return 1;
  }
}

/* Reads "2x3x4" into `dims`; 0 if it is not exactly `rank` numbers. */
static int parse_dims(const char *text, uint16_t rank, int64_t *dims) {
  for (uint16_t i = 0; i < rank; ++i) {
    char *end;
    errno = 0;
    dims[i] = strtoll(text, &end, 10);
    if (end == text || errno != 0 || dims[i] < 0 || *end != (i + 1 < rank ? 'x' : '\0'))
      return 0;
    text = end + 1;
  }
  return rank > 0;
}

/* Allocates zeros for an input and binds them. `*memory` is to be freed by the caller. */
static int bind_zeros(lt_context *context, uint32_t slot, const lt_io_info *io, const char *text,
                      void **memory) {
  lt_error error = LT_INIT(lt_error);
  lt_tensor tensor = LT_INIT(lt_tensor);
  tensor.dtype = io->dtype;
  tensor.rank = io->rank;
  for (uint16_t i = 0; i < io->rank; ++i)
    tensor.dims[i] = io->dims[i] != -1 ? io->dims[i] : io->min_dims[i] > 1 ? io->min_dims[i] : 1;
  if (text && strcmp(text, "-") != 0 && !parse_dims(text, io->rank, tensor.dims)) {
    fprintf(stderr, "run_artifact: '%s' does not give the %u dims of input '%s'\n", text, io->rank,
            io->name);
    return 1;
  }
  uint64_t bytes = element_bytes(io->dtype);
  for (uint16_t i = 0; i < io->rank; ++i) {
    if (tensor.dims[i] != 0 && bytes > SIZE_MAX / 2 / (uint64_t)tensor.dims[i]) {
      fprintf(stderr, "run_artifact: input '%s' is too large\n", io->name);
      return 1;
    }
    bytes *= (uint64_t)tensor.dims[i];
  }
  *memory = calloc(1, bytes > 0 ? bytes : 1);
  if (!*memory) {
    fprintf(stderr, "run_artifact: no memory for input '%s'\n", io->name);
    return 1;
  }
  tensor.data = *memory;
  tensor.bytes = bytes;
  return lt_bind(context, slot, &tensor, &error) ? report(&error) : 0;
}

static void print_element(const lt_tensor *tensor, uint64_t index) {
  const char *at = (const char *)tensor->data + index * element_bytes(tensor->dtype);
  float f;
  double d;
  int32_t i32;
  int64_t i64;
  switch (tensor->dtype) {
  case LT_DTYPE_F32:
    memcpy(&f, at, sizeof f);
    printf(" %g", (double)f);
    break;
  case LT_DTYPE_F64:
    memcpy(&d, at, sizeof d);
    printf(" %g", d);
    break;
  case LT_DTYPE_I32:
    memcpy(&i32, at, sizeof i32);
    printf(" %" PRId32, i32);
    break;
  case LT_DTYPE_I64:
    memcpy(&i64, at, sizeof i64);
    printf(" %" PRId64, i64);
    break;
  default: /* bytes in hexadecimal */
    printf(" ");
    for (size_t b = element_bytes(tensor->dtype); b-- > 0;)
      printf("%02x", (unsigned)(unsigned char)at[b]);
  }
}

static int print_output(lt_context *context, const lt_io_info *io, uint32_t slot) {
  lt_error error = LT_INIT(lt_error);
  lt_tensor tensor = LT_INIT(lt_tensor);
  if (lt_output(context, slot, &tensor, &error))
    return report(&error);
  printf("%s: type %u, dims [", io->name, tensor.dtype);
  for (uint16_t i = 0; i < tensor.rank; ++i)
    printf("%s%" PRId64, i ? ", " : "", tensor.dims[i]);
  printf("],");
  uint64_t count = tensor.bytes / element_bytes(tensor.dtype);
  for (uint64_t i = 0; i < count && i < 8; ++i)
    print_element(&tensor, i);
  printf(count > 8 ? " ...\n" : "\n");
  return 0;
}

static int run(lt_module *module, int argument_count, char **arguments) {
  lt_error error = LT_INIT(lt_error);
  lt_func_info function = LT_INIT(lt_func_info);
  lt_io_info io = LT_INIT(lt_io_info);
  lt_context *context;
  if (lt_module_function(module, NULL, &function, &error) ||
      lt_context_create(module, function.ordinal, NULL, &context, &error))
    return report(&error);
  void **memory = calloc(function.input_count + 1, sizeof *memory);
  int failed = memory == NULL;
  for (uint32_t slot = 0; slot < function.input_count && !failed; ++slot)
    failed =
        lt_module_io(module, function.ordinal, slot, &io, &error)
            ? report(&error)
            : bind_zeros(context, slot, &io,
                         (int64_t)slot < argument_count ? arguments[slot] : NULL, &memory[slot]);
  if (!failed && lt_run(context, &error))
    failed = report(&error);
  for (uint32_t k = 0; k < function.output_count && !failed; ++k) {
    uint32_t slot = function.input_count + k;
    failed = lt_module_io(module, function.ordinal, slot, &io, &error)
                 ? report(&error)
                 : print_output(context, &io, slot);
  }
  lt_context_destroy(context);
  for (uint32_t slot = 0; memory && slot < function.input_count; ++slot)
    free(memory[slot]);
  free(memory);
  return failed;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: run_artifact model.lt [dims of each input, such as 1x3x224x224]\n");
    return 2;
  }
  int fd = open(argv[1], O_RDONLY);
  if (fd < 0) {
    fprintf(stderr, "run_artifact: cannot open '%s': %s\n", argv[1], strerror(errno));
    return 1;
  }
  lt_error error = LT_INIT(lt_error);
  lt_source source = LT_INIT(lt_source);
  source.fd = fd;
  lt_module *module;
  lt_rc code = lt_module_open(&source, NULL, &module, &error);
  close(fd);
  if (code)
    return report(&error);
  int failed = run(module, argc - 2, argv + 2);
  lt_module_release(module);
  return failed;
}
