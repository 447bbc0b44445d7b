/* A model as a shared library, opened by name while the program runs.
 *
 *   longtail compile model.onnx --emit=so -o demo.so             (writes demo.so and demo.h)
 *   cc -std=c11 -Iruntime/include examples/shared/main.c -Lbuild/runtime \
 *      -Wl,-rpath,build/runtime -llongtail_runtime -ldl -o run_shared
 *   ./run_shared ./demo.so longtail_demo
 *
 * For a model with one float32 input and one float32 output; runs it on 0, 1/8, 2/8, ... 7/8, 0,
 * ... and prints the output. Dimensions that may vary are 1.
 */
#include <dlfcn.h>
#include <longtail/embedded.h>
#include <stdio.h>
#include <stdlib.h>

static int report(const lt_error *error) {
  fprintf(stderr, "%s: %s\n", lt_strerror(error->code), error->msg);
  return 1;
}

static int run(const lt_embedded *model) {
  lt_error error = LT_INIT(lt_error);
  lt_source source = lt_embedded_source(model);
  lt_io_info io = LT_INIT(lt_io_info);
  lt_module *module;
  lt_context *context;
  if (lt_module_open(&source, NULL, &module, &error) ||
      lt_context_create(module, 0, NULL, &context, &error) ||
      lt_module_io(module, 0, 0, &io, &error))
    return report(&error);
  if (io.dtype != LT_DTYPE_F32) {
    fprintf(stderr, "input '%s' is not of float32\n", io.name);
    return 1;
  }
  lt_tensor input = LT_INIT(lt_tensor), output = LT_INIT(lt_tensor);
  size_t elements = 1;
  input.dtype = io.dtype;
  input.rank = io.rank;
  for (uint16_t i = 0; i < io.rank; ++i) {
    input.dims[i] = io.dims[i] == -1 ? 1 : io.dims[i];
    elements *= (size_t)input.dims[i];
  }
  float *values = malloc((elements + 1) * sizeof *values);
  if (!values)
    return 1;
  for (size_t i = 0; i < elements; ++i)
    values[i] = (float)(i % 8) / 8;
  input.data = values;
  input.bytes = elements * sizeof *values;
  int failed = (lt_bind(context, 0, &input, &error) || lt_run(context, &error) ||
                lt_output(context, 1, &output, &error)) &&
               report(&error);
  for (size_t i = 0; !failed && i < output.bytes / sizeof(float); ++i)
    printf("%.9g\n", (double)((const float *)output.data)[i]);
  lt_context_destroy(context);
  lt_module_release(module);
  free(values);
  return failed;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: run_shared model.so symbol\n");
    return 2;
  }
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  const lt_embedded *model = library ? dlsym(library, argv[2]) : NULL;
  if (!model) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int failed = run(model);
  dlclose(library);
  return failed;
}
