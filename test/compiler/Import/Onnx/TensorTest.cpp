// Tensors in every form that a model may store them.
#include "ImportTest.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;

class TensorTest : public ImportTest {
protected:
  TensorTest() : model(makeRelu()) {}
  ::onnx::TensorProto &add(int element, std::vector<int64_t> dims) {
    model.mutable_graph()->clear_initializer();
    return addInitializer(*model.mutable_graph(), "w", element, std::move(dims));
  }
  /// The raw elements of the constant, one in a byte where they are smaller.
  std::vector<uint8_t> getBytes() {
    auto dense = cast<DenseElementsAttr>(getConstant("w"));
    ArrayRef<char> raw = dense.getRawData();
    return std::vector<uint8_t>(raw.begin(), raw.end());
  }
  ::onnx::ModelProto model;
};

TEST_F(TensorTest, ReadsTypedFields) {
  ::onnx::TensorProto *tensor = &add(1, {2});
  tensor->add_float_data(1.0f);
  tensor->add_float_data(-2.0f);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(llvm::to_vector(cast<DenseElementsAttr>(getConstant("w")).getValues<float>()),
            (SmallVector<float>{1.0f, -2.0f}));

  tensor = &add(3, {3}); // int8
  for (int value : {-128, 5, 127})
    tensor->add_int32_data(value);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getBytes(), (std::vector<uint8_t>{0x80, 5, 0x7f}));

  tensor = &add(10, {1}); // float16, bit by bit
  tensor->add_int32_data(0x3c00);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(cast<DenseElementsAttr>(getConstant("w")).getSplatValue<APFloat>().convertToDouble(),
            1.0);

  tensor = &add(12, {2}); // uint32
  tensor->add_uint64_data(0xffffffff);
  tensor->add_uint64_data(1);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getConstant("w").getElementType(),
            IntegerType::get(&context, 32, IntegerType::Unsigned));
  EXPECT_EQ(llvm::to_vector(cast<DenseElementsAttr>(getConstant("w")).getValues<uint32_t>()),
            (SmallVector<uint32_t>{0xffffffff, 1}));

  tensor = &add(14, {1}); // complex64
  tensor->add_float_data(3.0f);
  tensor->add_float_data(4.0f);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(cast<DenseElementsAttr>(getConstant("w")).getSplatValue<std::complex<float>>(),
            std::complex<float>(3.0f, 4.0f));

  tensor = &add(8, {2}); // string
  tensor->add_string_data("a");
  tensor->add_string_data(std::string("\0b", 2));
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(llvm::to_vector(cast<DenseStringElementsAttr>(getConstant("w")).getRawStringData()),
            (SmallVector<llvm::StringRef>{"a", llvm::StringRef("\0b", 2)}));
}

TEST_F(TensorTest, KeepsEachElementType) {
  struct {
    int code;
    unsigned bits;
    const char *name;
  } kinds[] = {{1, 32, "f32"},
               {2, 8, "ui8"},
               {3, 8, "i8"},
               {4, 16, "ui16"},
               {5, 16, "i16"},
               {6, 32, "i32"},
               {7, 64, "i64"},
               {10, 16, "f16"},
               {11, 64, "f64"},
               {12, 32, "ui32"},
               {13, 64, "ui64"},
               {14, 64, "complex<f32>"},
               {15, 128, "complex<f64>"},
               {16, 16, "bf16"},
               {17, 8, "f8E4M3FN"},
               {18, 8, "f8E4M3FNUZ"},
               {19, 8, "f8E5M2"},
               {20, 8, "f8E5M2FNUZ"},
               {24, 8, "f8E8M0FNU"}};
  for (auto &kind : kinds) {
    std::string raw;
    for (unsigned i = 0; i < 3 * kind.bits / 8; ++i)
      raw.push_back(static_cast<char>(i + 1));
    add(kind.code, {3}).set_raw_data(raw);
    ASSERT_TRUE(import(model)) << kind.name << errors;
    std::string name;
    llvm::raw_string_ostream(name) << getConstant("w").getElementType();
    EXPECT_EQ(name, kind.name);
    EXPECT_EQ(getBytes(), std::vector<uint8_t>(raw.begin(), raw.end())) << kind.name;
    // The text of the module says the same.
    std::string text;
    llvm::raw_string_ostream(text) << *module;
    EXPECT_NE(text.find("tensor<3x" + name + ">"), std::string::npos);
  }
}

TEST_F(TensorTest, UnpacksSmallElements) {
  add(22, {3}).set_raw_data("\x21\x0f"); // int4
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getBytes(), (std::vector<uint8_t>{1, 2, 15}));
  auto values = cast<DenseElementsAttr>(getConstant("w")).getValues<APInt>();
  EXPECT_EQ(values[2].getSExtValue(), -1);

  ::onnx::TensorProto &packed = add(21, {3}); // uint4: two in an entry
  packed.add_int32_data(0xa9);
  packed.add_int32_data(0x0b);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getBytes(), (std::vector<uint8_t>{9, 10, 11}));

  add(25, {5}).set_raw_data(std::string("\xe4\x02", 2)); // uint2
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getBytes(), (std::vector<uint8_t>{0, 1, 2, 3, 2}));

  add(23, {2}).set_raw_data("\x72"); // float4: 1 and 6
  ASSERT_TRUE(import(model)) << errors;
  auto floats = cast<DenseElementsAttr>(getConstant("w")).getValues<APFloat>();
  EXPECT_EQ(floats[0].convertToDouble(), 1.0);
  EXPECT_EQ(floats[1].convertToDouble(), 6.0);

  // 6 bits: four in three bytes, but one in an entry.
  add(27, {4}).set_raw_data("\x81\x30\x10");
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getBytes(), (std::vector<uint8_t>{1, 2, 3, 4}));
  ::onnx::TensorProto &single = add(28, {3});
  for (int value : {63, 1, 32})
    single.add_int32_data(value);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(getBytes(), (std::vector<uint8_t>{63, 1, 32}));
}

TEST_F(TensorTest, ReadsBooleansOfAnySize) {
  for (int64_t count : {0, 1, 7, 8, 9, 5000}) {
    std::string raw;
    for (int64_t i = 0; i < count; ++i)
      raw.push_back(i % 3 == 0 ? 2 : 0); // any byte but 0 is true
    add(9, {count}).set_raw_data(raw);
    ASSERT_TRUE(import(model)) << errors;
    auto dense = cast<DenseElementsAttr>(getConstant("w"));
    EXPECT_EQ(dense.getNumElements(), count);
    for (auto [i, value] : llvm::enumerate(dense.getValues<bool>()))
      EXPECT_EQ(value, i % 3 == 0) << i << " of " << count;
  }
  add(9, {8}).set_raw_data(std::string(8, '\1'));
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_TRUE(cast<DenseElementsAttr>(getConstant("w")).getSplatValue<bool>());
}

TEST_F(TensorTest, ReadsEmptyTensors) {
  for (int code : {1, 7, 8, 14, 22}) {
    add(code, {3, 0, 2});
    ASSERT_TRUE(import(model)) << errors;
    EXPECT_EQ(getConstant("w").getNumElements(), 0);
    std::string text;
    llvm::raw_string_ostream(text) << *module;
    EXPECT_NE(text.find("tensor<3x0x2x"), std::string::npos);
  }
}

TEST_F(TensorTest, BigTensorsAreResources) {
  std::string raw(1028, 'x');
  add(1, {257}).set_raw_data(raw);
  ASSERT_TRUE(import(model)) << errors;
  auto resource = dyn_cast<DenseResourceElementsAttr>(getConstant("w"));
  ASSERT_TRUE(resource);
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  EXPECT_EQ(llvm::StringRef(blob->getData().data(), blob->getData().size()), raw);
  EXPECT_FALSE(blob->isMutable());
  add(1, {256}).set_raw_data(raw.substr(4));
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_TRUE(isa<DenseElementsAttr>(getConstant("w")));

  // Long lists of floats have the same form.
  ::onnx::TensorProto &floats = add(1, {300});
  for (int i = 0; i < 300; ++i)
    floats.add_float_data(static_cast<float>(i));
  ASSERT_TRUE(import(model)) << errors;
  blob = cast<DenseResourceElementsAttr>(getConstant("w")).getRawHandle().getBlob();
  ASSERT_EQ(blob->getData().size(), 1200u);
  for (int i = 0; i < 300; ++i) {
    float value;
    std::memcpy(&value, blob->getData().data() + i * sizeof(value), sizeof(value));
    EXPECT_EQ(value, static_cast<float>(i));
  }
  ::onnx::TensorProto &ints = add(7, {300});
  for (int i = 0; i < 300; ++i)
    ints.add_int64_data(-i);
  ASSERT_TRUE(import(model)) << errors;
  blob = cast<DenseResourceElementsAttr>(getConstant("w")).getRawHandle().getBlob();
  ASSERT_EQ(blob->getData().size(), 2400u);
  EXPECT_EQ(blob->getDataAs<int64_t>()[299], -299);
}

TEST_F(TensorTest, RefusesBadTensors) {
  auto expect = [&](const char *message) {
    EXPECT_IMPORT_ERROR(model, std::string("initializer 'w' ") + message);
  };
  add(1, {3}).set_raw_data("12345678");
  expect("has 8 bytes of data, but its 3 elements of float need 12");
  add(1, {3}).add_float_data(1);
  expect("has 4 bytes of data, but its 3 elements of float need 12");
  add(22, {3}).set_raw_data("123");
  expect("has 3 bytes of data, but its 3 elements of int4 need 2");
  add(1, {3});
  expect("has no data for its 3 elements");
  add(1, {-1});
  expect("has size -1 in dimension 0");
  add(1, {int64_t(1) << 31, int64_t(1) << 31}).set_raw_data("");
  expect("has more elements than can be counted");
  add(1, {0, int64_t(1) << 31, int64_t(1) << 31});
  expect("has more elements than can be counted");
  add(1, std::vector<int64_t>(65, 1)).set_raw_data("1234");
  expect("has 65 dimensions");
  add(0, {1});
  expect("has element type 0, which is not one of ONNX's");
  add(1, {1}).add_int32_data(1);
  expect("has data of another type than float");
  add(6, {1}).set_raw_data("1234");
  model.mutable_graph()->mutable_initializer(0)->add_int32_data(1);
  expect("has two sets of data");
  add(2, {1}).add_int32_data(256);
  expect("has entry 0 of int32_data out of range for uint8: 256");
  add(12, {1}).add_uint64_data(uint64_t(1) << 32);
  expect("has an entry of uint64_data out of range for uint32");
  add(8, {2}).add_string_data("one");
  expect("has 1 strings for its 2 elements");
  add(8, {1}).set_raw_data("text");
  expect("stores strings as raw data");
  add(1, {1}).mutable_segment()->set_begin(0);
  expect("is a segment of a tensor, which is not supported");
  add(1, {1}).set_raw_data("1234");
  model.mutable_graph()->mutable_initializer(0)->set_name("");
  EXPECT_IMPORT_ERROR(model, "an initializer has no name");
}

TEST_F(TensorTest, SpreadsSparseTensors) {
  model.mutable_graph()->clear_initializer();
  auto *sparse = model.mutable_graph()->add_sparse_initializer();
  sparse->add_dims(2);
  sparse->add_dims(3);
  sparse->mutable_values()->set_name("w");
  sparse->mutable_values()->set_data_type(1);
  sparse->mutable_values()->add_dims(2);
  sparse->mutable_values()->add_float_data(5.0f);
  sparse->mutable_values()->add_float_data(6.0f);
  auto *indices = sparse->mutable_indices();
  indices->set_data_type(7);
  indices->add_dims(2);
  indices->add_int64_data(1);
  indices->add_int64_data(5);
  SmallVector<float> expected{0, 5, 0, 0, 0, 6};
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(llvm::to_vector(cast<DenseElementsAttr>(getConstant("w")).getValues<float>()),
            expected);

  indices->add_dims(2);
  indices->clear_int64_data();
  for (int64_t index : {0, 1, 1, 2})
    indices->add_int64_data(index);
  ASSERT_TRUE(import(model)) << errors;
  EXPECT_EQ(llvm::to_vector(cast<DenseElementsAttr>(getConstant("w")).getValues<float>()),
            expected);

  indices->set_int64_data(3, 3);
  EXPECT_IMPORT_ERROR(model, "is a sparse tensor with index 3 outside of its shape");
  indices->set_int64_data(3, -1);
  EXPECT_IMPORT_ERROR(model, "is a sparse tensor with index -1 outside of its shape");
  indices->set_int64_data(3, 1);
  indices->set_int64_data(2, 0);
  EXPECT_IMPORT_ERROR(model, "is a sparse tensor whose indices do not ascend");
  indices->set_dims(1, 3);
  EXPECT_IMPORT_ERROR(model, "is a sparse tensor whose values and indices do not match");
  indices->set_dims(1, 2);
  options.maxSparseBytes = 23;
  EXPECT_IMPORT_ERROR(model, "is a sparse tensor that is too big as a dense one: 24 bytes");
}
