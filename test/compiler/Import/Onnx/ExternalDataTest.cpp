// Models in files and the data beside them.
#include "ImportTest.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/FileSystem.h"
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;
using namespace longtail::onnx;

class ExternalDataTest : public ImportTest {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("longtail-import", folder));
    write("data.bin", std::string(16, 'p') + std::string(2000, 'w'));
    model = makeRelu();
    tensor = &addInitializer(*model.mutable_graph(), "w", 1, {500});
    tensor->set_data_location(::onnx::TensorProto::EXTERNAL);
    set("location", "data.bin");
    set("offset", "16");
    set("length", "2000");
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) { return (folder + "/" + name).str(); }
  void write(llvm::StringRef name, const std::string &bytes) {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  void set(const char *key, const std::string &value) {
    for (auto &entry : *tensor->mutable_external_data())
      if (entry.key() == key)
        return entry.set_value(value);
    auto *entry = tensor->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
  /// Writes the model to a file and imports that.
  bool import(const ::onnx::ModelProto &model) {
    write("model.onnx", model.SerializeAsString());
    return importPath(path("model.onnx"));
  }
  bool importPath(llvm::StringRef path) {
    errors.clear();
    auto result = importFile(path, context, options);
    module = succeeded(result) ? std::move(*result) : OwningOpRef<ModuleOp>();
    return succeeded(result);
  }

  llvm::SmallString<64> folder;
  ::onnx::ModelProto model;
  ::onnx::TensorProto *tensor = nullptr;
};

TEST_F(ExternalDataTest, MapsAFileBesideTheModel) {
  ASSERT_TRUE(import(model)) << errors;
  auto resource = cast<DenseResourceElementsAttr>(getConstant("w"));
  ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
  EXPECT_EQ(std::string(data.begin(), data.end()), std::string(2000, 'w'));
  EXPECT_EQ((*module)->getAttrOfType<StringAttr>(longtail::graph::kSourceAttr), "model.onnx");
  // The data outlives the files' names, and the module.
  module = {};
  llvm::sys::fs::remove_directories(folder);
  EXPECT_EQ(data[1999], 'w');
}

TEST_F(ExternalDataTest, FindsSubfoldersAndImpliedLengths) {
  ASSERT_FALSE(llvm::sys::fs::create_directory(path("sub")));
  write("sub/more.bin", std::string(2000, 'm'));
  tensor->clear_external_data();
  set("location", "./sub//more.bin");
  EXPECT_TRUE(import(model)) << errors;
}

TEST_F(ExternalDataTest, StaysBeneathTheFolder) {
  auto expect = [&](const std::string &location, const char *message) {
    set("location", location);
    EXPECT_IMPORT_ERROR(model, "initializer 'w' has external data in '" + location + "', which " +
                                   message);
  };
  expect("", "is not a file name");
  expect(path("data.bin"), "is not relative to the model's folder");
  expect("sub/../data.bin", "cannot be opened"); // there is no sub
  ASSERT_FALSE(llvm::sys::fs::create_directory(path("sub")));
  expect("sub/../data.bin", "leaves the model's folder");
  expect("../data.bin", "leaves the model's folder");
  expect("absent.bin", "cannot be opened");
  ASSERT_EQ(::symlink("data.bin", path("link.bin").c_str()), 0);
  expect("link.bin", "is reached through 'link.bin', which is a link");
  ASSERT_EQ(::symlink(".", path("here").c_str()), 0);
  expect("here/data.bin", "is reached through 'here', which is a link");
  expect("data.bin/x", "is reached through 'data.bin', which is a link or no folder");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  expect("pipe", "is not a regular file");
  expect("sub", "is not a regular file");
  ASSERT_EQ(::link(path("data.bin").c_str(), path("second.bin").c_str()), 0);
  expect("data.bin", "has more than one hard link");
}

TEST_F(ExternalDataTest, ChecksRanges) {
  set("offset", "17");
  EXPECT_IMPORT_ERROR(model, "has external data at byte 17, 2000 bytes long, but 'data.bin' has "
                             "only 2016");
  set("offset", "18446744073709551615");
  EXPECT_IMPORT_ERROR(model, "has external data at byte 18446744073709551615");
  set("offset", "-1");
  EXPECT_IMPORT_ERROR(model, "has external data with offset '-1', which is no number of bytes");
  set("offset", "0");
  set("length", "1999");
  EXPECT_IMPORT_ERROR(model, "has 1999 bytes of external data, but needs 2000");
  set("length", "2000");
  tensor->set_raw_data(std::string(2000, 'r'));
  EXPECT_IMPORT_ERROR(model, "has two sets of data");
}

TEST_F(ExternalDataTest, NeedsAFile) {
  EXPECT_FALSE(importBytes(model.SerializeAsString()));
  EXPECT_NE(errors.find("has external data in 'data.bin', but the model is no file"),
            std::string::npos)
      << errors;
}

TEST_F(ExternalDataTest, ExplainsWhyAFileCannotBeRead) {
  EXPECT_FALSE(importPath(path("absent.onnx")));
  EXPECT_NE(errors.find("cannot be opened: No such file"), std::string::npos) << errors;
  EXPECT_FALSE(importPath(folder));
  EXPECT_NE(errors.find("is not a regular file"), std::string::npos) << errors;
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(importPath(path("pipe")));
  EXPECT_NE(errors.find("is not a regular file"), std::string::npos) << errors;
  write("empty.onnx", "");
  EXPECT_FALSE(importPath(path("empty.onnx")));
  EXPECT_NE(errors.find("the model has no graph"), std::string::npos) << errors;
}
