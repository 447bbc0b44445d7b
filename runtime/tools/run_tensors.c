/* Runs the first function of an artifact on tensors from a file and writes its outputs to another.
 *
 *   run_tensors model.lt inputs outputs [threads]
 *
 * For machines without Python, emulated ones among them (python/longtail/emulation.py writes and
 * reads the files). Both files hold the tensors in the function's order, each as little-endian
 * int64 values (element type as in lt_dtype, rank, bytes of data, the dims) followed by the data.
 * The data of strings are, for each, an int64 with its bytes and the bytes. Prints the name of the
 * variant that ran.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <longtail/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kHeader = 3 }; /* values before the dims */

static int fail(const char *what, const char *why) {
  fprintf(stderr, "run_tensors: %s: %s\n", what, why);
  return 1;
}

static int report(const lt_error *error) { return fail(lt_strerror(error->code), error->msg); }

/* Puts the elements of a tensor of strings in front of their bytes, which were read from a file. */
static int index_strings(const char *path, lt_tensor *tensor) {
  uint64_t count = 1, at = 0;
  for (uint16_t i = 0; i < tensor->rank; ++i) {
    if (tensor->dims[i] < 0 || (uint64_t)tensor->dims[i] > UINT32_MAX / count)
      return fail(path, "holds a tensor of a wrong size");
    count *= (uint64_t)tensor->dims[i];
  }
  char *memory = malloc(count * sizeof(lt_text) + tensor->bytes + 1);
  if (!memory)
    return fail(path, "no memory for a tensor");
  lt_text *texts = (lt_text *)memory;
  char *bytes = memory + count * sizeof(lt_text);
  memcpy(bytes, tensor->data, tensor->bytes);
  uint64_t size = tensor->bytes;
  free(tensor->data);
  tensor->data = memory;
  tensor->bytes = count * sizeof(lt_text);
  for (uint64_t i = 0; i < count; ++i) {
    int64_t length;
    if (size - at < sizeof length)
      return fail(path, "ends inside the strings of a tensor");
    memcpy(&length, bytes + at, sizeof length);
    at += sizeof length;
    if (length < 0 || (uint64_t)length > size - at)
      return fail(path, "ends inside a string");
    texts[i].data = bytes + at;
    texts[i].bytes = (uint64_t)length;
    at += (uint64_t)length;
  }
  return 0;
}

/* Reads one tensor; `tensor->data` is to be freed by the caller. */
static int read_tensor(FILE *file, const char *path, lt_tensor *tensor) {
  int64_t header[kHeader];
  if (fread(header, sizeof *header, kHeader, file) != kHeader)
    return fail(path, "ends before a tensor");
  if (header[1] < 0 || header[1] > (int64_t)LT_MAX_RANK || header[2] < 0)
    return fail(path, "holds a tensor of a wrong rank or size");
  tensor->dtype = (uint16_t)header[0];
  tensor->rank = (uint16_t)header[1];
  tensor->bytes = (uint64_t)header[2];
  if (fread(tensor->dims, sizeof *tensor->dims, tensor->rank, file) != tensor->rank)
    return fail(path, "ends inside the dims of a tensor");
  tensor->data = malloc(tensor->bytes ? tensor->bytes : 1);
  if (!tensor->data)
    return fail(path, "no memory for a tensor");
  if (fread(tensor->data, 1, tensor->bytes, file) != tensor->bytes)
    return fail(path, "ends inside the data of a tensor");
  return tensor->dtype == LT_DTYPE_STRING ? index_strings(path, tensor) : 0;
}

static int write_tensor(FILE *file, const char *path, const lt_tensor *tensor) {
  int64_t header[kHeader] = {tensor->dtype, tensor->rank, (int64_t)tensor->bytes};
  int is_text = tensor->dtype == LT_DTYPE_STRING;
  const lt_text *texts = tensor->data;
  uint64_t count = is_text ? tensor->bytes / sizeof *texts : 0;
  for (uint64_t i = 0; i < count; ++i) /* 16 bytes become 8 and the string */
    header[2] += (int64_t)texts[i].bytes - 8;
  if (fwrite(header, sizeof *header, kHeader, file) != kHeader ||
      fwrite(tensor->dims, sizeof *tensor->dims, tensor->rank, file) != tensor->rank ||
      (!is_text && fwrite(tensor->data, 1, tensor->bytes, file) != tensor->bytes))
    return fail(path, strerror(errno));
  for (uint64_t i = 0; i < count; ++i) {
    int64_t length = (int64_t)texts[i].bytes;
    if (fwrite(&length, sizeof length, 1, file) != 1 ||
        fwrite(texts[i].data, 1, texts[i].bytes, file) != texts[i].bytes)
      return fail(path, strerror(errno));
  }
  return 0;
}

static int bind_inputs(lt_context *context, const char *path, lt_tensor *inputs, uint32_t count) {
  lt_error error = LT_INIT(lt_error);
  FILE *file = fopen(path, "rb");
  if (!file)
    return fail(path, strerror(errno));
  int failed = 0;
  for (uint32_t slot = 0; slot < count && !failed; ++slot) {
    inputs[slot].size = sizeof *inputs;
    failed = read_tensor(file, path, &inputs[slot]) ||
             (lt_bind(context, slot, &inputs[slot], &error) && report(&error));
  }
  if (!failed && fgetc(file) != EOF)
    failed = fail(path, "holds more than the inputs of the function");
  fclose(file);
  return failed;
}

static int write_outputs(lt_context *context, const char *path, const lt_func_info *function) {
  lt_error error = LT_INIT(lt_error);
  FILE *file = fopen(path, "wb");
  if (!file)
    return fail(path, strerror(errno));
  int failed = 0;
  for (uint32_t k = 0; k < function->output_count && !failed; ++k) {
    lt_tensor tensor = LT_INIT(lt_tensor);
    failed = lt_output(context, function->input_count + k, &tensor, &error)
                 ? report(&error)
                 : write_tensor(file, path, &tensor);
  }
  return fclose(file) != 0 && !failed ? fail(path, strerror(errno)) : failed;
}

static int run(lt_module *module, char **arguments, uint32_t threads) {
  lt_error error = LT_INIT(lt_error);
  lt_func_info function = LT_INIT(lt_func_info);
  lt_info info = LT_INIT(lt_info);
  lt_variant_info variant = LT_INIT(lt_variant_info);
  lt_context_opts options = LT_INIT(lt_context_opts);
  options.threads = threads;
  lt_context *context;
  if (lt_module_info(module, &info, &error) ||
      lt_module_variant(module, info.variant, &variant, &error) ||
      lt_module_function(module, NULL, &function, &error) ||
      lt_context_create(module, function.ordinal, &options, &context, &error))
    return report(&error);
  lt_tensor *inputs = calloc(function.input_count + 1, sizeof *inputs);
  int failed = !inputs ? fail("inputs", "no memory")
                       : bind_inputs(context, arguments[2], inputs, function.input_count);
  if (!failed && lt_run(context, &error))
    failed = report(&error);
  if (!failed)
    failed = write_outputs(context, arguments[3], &function);
  lt_context_destroy(context);
  for (uint32_t slot = 0; inputs && slot < function.input_count; ++slot)
    free(inputs[slot].data);
  free(inputs);
  if (!failed)
    printf("%s\n", variant.name);
  return failed;
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 5) {
    fprintf(stderr, "usage: run_tensors model.lt inputs outputs [threads]\n");
    return 2;
  }
  int fd = open(argv[1], O_RDONLY);
  if (fd < 0)
    return fail(argv[1], strerror(errno));
  lt_error error = LT_INIT(lt_error);
  lt_source source = LT_INIT(lt_source);
  source.fd = fd;
  lt_module *module;
  lt_rc code = lt_module_open(&source, NULL, &module, &error);
  close(fd);
  if (code)
    return report(&error);
  int failed = run(module, argv, argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : 1);
  lt_module_release(module);
  return failed;
}
