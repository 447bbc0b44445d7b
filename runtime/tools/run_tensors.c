/* Runs the first function of an artifact on tensors from a file and writes its outputs to another.
 *
 *   run_tensors model.lt inputs outputs [threads]
 *
 * For machines without Python, emulated ones among them (python/longtail/emulation.py writes and
 * reads the files). Both files hold the tensors in the function's order, each as little-endian
 * int64 values (element type as in lt_dtype, rank, bytes of data, the dims) followed by the data.
 * Prints the name of the variant that ran.
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
  return 0;
}

static int write_tensor(FILE *file, const char *path, const lt_tensor *tensor) {
  int64_t header[kHeader] = {tensor->dtype, tensor->rank, (int64_t)tensor->bytes};
  if (fwrite(header, sizeof *header, kHeader, file) != kHeader ||
      fwrite(tensor->dims, sizeof *tensor->dims, tensor->rank, file) != tensor->rank ||
      fwrite(tensor->data, 1, tensor->bytes, file) != tensor->bytes)
    return fail(path, strerror(errno));
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
