// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/table_pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/output_file.h"
#include "engram/ngram_hasher.h"
#include "engram/table_store.h"
#include "inference/files/gguf.h"
#include "inference/tables/check_rows.h"
#include "inference/tables/memory_pack.h"
#include "inference/tables/memory_pack_writer.h"
#include "inference/tables/synth_rows.h"
#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

using Bytes = std::vector<std::byte>;
using Rows = UntrainedPackOptions::Rows;

void flip_byte(const std::string& path, std::uint64_t at) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(at));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 0x40));
}

class TablePack : public testing::Test {
 protected:
  // A pack of computed rows for the tiny model.
  UntrainedPackOptions options(Rows rows) const {
    UntrainedPackOptions out;
    out.layer_ids = {0, 1};
    out.max_ngram_size = 4;
    out.column_dims = 256;
    out.file_bytes_max = 9'000'000;
    out.seed = 3;
    out.rows = rows;
    return out;
  }
  std::string write_pack(Rows rows, const std::string& name) {
    const std::string path = folder_.file(name);
    const auto writer = plan_untrained_pack(model_, options(rows));
    EXPECT_TRUE(writer);
    EXPECT_TRUE(writer->write_resumable(path, {}, nullptr));
    EXPECT_EQ(std::filesystem::file_size(path), writer->file_bytes());
    EXPECT_LE(std::filesystem::file_size(path), 9'000'000u);
    EXPECT_GT(std::filesystem::file_size(path), 8'500'000u) << "the tables fill the file";
    return path;
  }
  std::string convert(const std::vector<std::string>& inputs, const std::string& name) {
    const auto writer = plan_table_pack(inputs);
    EXPECT_TRUE(writer) << writer.error().message;
    const std::string path = folder_.file(name);
    const Status status = writer->write_resumable(path, {}, nullptr);
    EXPECT_TRUE(status) << status.error().message;
    return path;
  }
  RowCheck check(const std::string& path) {
    const auto found = find_tables({path});
    EXPECT_TRUE(found) << found.error().message;
    auto rows = check_rows(*found, {}, nullptr);
    EXPECT_TRUE(rows) << rows.error().message;
    return *rows;
  }

  const TemporaryFolder folder_;
  const std::string model_ = write_tiny_model(folder_.path());
};

// ---- computed rows
// ----------------------------------------------------------------------------------

TEST(SynthRows, AreNumbersOfAboutOneSixteenth) {
  double sum = 0;
  const RowFormat format{RowFormat::Kind::e4m3_e8m0_32, 256};
  Bytes row(264), other(264);
  std::vector<float> values(256);
  for (RowId id = 0; id < 500; ++id) {
    synth_row(7, 14, id, 256, row);
    decode_row(format, row, values);
    for (const float v : values) {
      ASSERT_TRUE(std::isfinite(v));
      sum += double{v} * v;
    }
  }
  EXPECT_NEAR(std::sqrt(sum / (500 * 256)), 1.0 / 16, 0.03);
  synth_row(7, 14, 499, 256, other);
  EXPECT_EQ(row, other);
  synth_row(8, 14, 499, 256, other);
  EXPECT_NE(row, other);
  synth_row(7, 1, 499, 256, other);
  EXPECT_NE(row, other);
  Bytes bare(160);  // Qwen's width, no scales
  synth_row(7, 1, 0, 160, bare);
}

TEST_F(TablePack, ComputedRowsAreWhatTheyMustBe) {
  for (const Rows rows : {Rows::computed_pages, Rows::computed_plain}) {
    const std::string path = write_pack(rows, rows == Rows::computed_pages ? "pages" : "plain");
    const auto found = find_tables({path});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->tables[0].source.row_bytes, 264u);
    EXPECT_EQ(found->origin, HashOrigin::file) << found->origin_text;
    EXPECT_EQ(found->tables[0].source.page_rows, rows == Rows::computed_pages ? 15u : 0u);
    const RowId last = found->tables[1].source.rows - 1;
    Bytes wanted(264);
    synth_row(3, 1, last, 256, wanted);
    EXPECT_EQ(*read_row(found->tables[1], last), wanted);
    const RowCheck whole = check(path);
    EXPECT_TRUE(whole.computed);
    EXPECT_EQ(whole.checksums, rows == Rows::computed_pages);
    EXPECT_EQ(whole.damaged, 0u);
    EXPECT_EQ(whole.not_finite, 0u);
    EXPECT_EQ(whole.rows, found->tables[0].source.rows + found->tables[1].source.rows);

    flip_byte(path, std::filesystem::file_size(path) - 2'000'000);
    const RowCheck damaged = check(path);
    EXPECT_EQ(damaged.damaged, 1u);
    ASSERT_EQ(damaged.first.size(), 1u);
    EXPECT_NE(damaged.first[0].find("layer 1, row "), std::string::npos);
  }
}

TEST_F(TablePack, APackWithPagesRuns) {
  const std::string path = write_pack(Rows::computed_pages, "pages");
  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file);
  const auto header = read_pack_header(*file);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->hash.columns(), 24);
  const auto found = find_tables({path});
  const auto hasher = NgramHasher::create(header->hash);
  ASSERT_TRUE(hasher);
  TableStoreOptions all;
  all.verify = VerifyRows::always;
  auto store = TableStore::open(*hasher, {found->tables[0].source, found->tables[1].source}, all);
  ASSERT_TRUE(store) << store.error().message;
  const std::vector<NgramKey> keys = {{2, {1, 2}}, {4, {3, 4, 5, 6}}};
  TableStore::Ticket ticket = (*store)->prefetch(keys);
  Bytes rows(2 * 8 * 264), wanted(264);
  ASSERT_TRUE((*store)->wait(ticket, 1, rows));
  std::vector<RowId> ids(8);
  hasher->rows(1, keys[1], ids);
  synth_row(3, 1, ids[7], 256, wanted);
  EXPECT_EQ(std::memcmp(rows.data() + 15 * 264, wanted.data(), 264), 0);
  ASSERT_TRUE((*store)->wait(ticket, 0, rows));  // its reads may come later than the other layer's
  EXPECT_EQ((*store)->stats().rows_verified, 32u);
}

// ---- packing
// ----------------------------------------------------------------------------------------

TEST_F(TablePack, PacksTheTablesOfAnotherModel) {
  for (const char* name : {"table_a.gguf", "table_v41.safetensors"}) {
    const auto before = find_tables({test_data(name)});
    const std::string path = convert({test_data(name)}, std::string("packed_") + name);
    const auto after = find_tables({path});
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->dialect, "Mneme, in pages");
    ASSERT_EQ(after->tables.size(), before->tables.size());
    EXPECT_EQ(after->hash.size(), before->hash.size());
    EXPECT_EQ(after->origin, before->origin);
    EXPECT_EQ(after->class_count, before->class_count);
    for (std::size_t i = 0; i < after->tables.size(); ++i) {
      EXPECT_EQ(after->tables[i].format.name(), before->tables[i].format.name());
      for (RowId row = 0; row < before->tables[i].source.rows; ++row) {
        ASSERT_EQ(*read_row(after->tables[i], row), *read_row(before->tables[i], row));
      }
    }
    EXPECT_TRUE(check(path).checksums);
    EXPECT_EQ(check(path).damaged, 0u);
    flip_byte(path, std::filesystem::file_size(path) - 4096 + 50);  // a row of the last page
    EXPECT_EQ(check(path).damaged, 1u);
    EXPECT_FALSE(plan_table_pack({path})) << "it is packed already";
  }
}

TEST_F(TablePack, AMemoryPackStaysOne) {
  const std::string plain = write_pack(Rows::computed_plain, "plain");
  const std::string before = file_text(plain);
  const std::string packed = convert({plain}, "packed");
  EXPECT_EQ(file_text(plain), before) << "the input was only read";
  const auto a = GgufFile::open(plain), b = GgufFile::open(packed);
  const auto header = read_pack_header(*b);
  ASSERT_TRUE(header) << header.error().message;
  for (const GgufTensor& tensor : a->tensors()) {
    if (tensor.name.ends_with("engram_embd.weight")) continue;
    const GgufTensor* copy = b->find_tensor(tensor.name);
    ASSERT_NE(copy, nullptr) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(copy->bytes, tensor.bytes)) << tensor.name;
  }
  const RowCheck rows = check(packed);
  EXPECT_TRUE(rows.checksums && rows.computed);
  EXPECT_EQ(rows.damaged, 0u);
}

// ---- writing that stops
// ------------------------------------------------------------------------------

TEST_F(TablePack, GoesOnWhereItWasStopped) {
  const std::string plain = write_pack(Rows::computed_plain, "plain");
  const std::string whole = convert({plain}, "whole");
  const std::string wanted = file_text(whole);
  const std::string path = folder_.file("stopped");
  const std::string part = OutputFile::part_path(path);
  const auto writer = plan_table_pack({plain});
  ASSERT_TRUE(writer);
  std::atomic<bool> cancel = false;
  const auto stop = [&](const GgufWriter::Progress&) { cancel = true; };
  const Status stopped = writer->write_resumable(path, stop, &cancel);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(std::filesystem::exists(part));
  ASSERT_LT(std::filesystem::file_size(part), wanted.size());
  ASSERT_TRUE(writer->write_resumable(path, {}, nullptr));
  EXPECT_EQ(file_text(path), wanted);
  EXPECT_FALSE(std::filesystem::exists(part));

  // As if it had been killed at any other byte.
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{8192},
                                 wanted.size() / 3, wanted.size() - 1, wanted.size()}) {
    std::filesystem::remove(path);
    std::ofstream(part, std::ios::binary)
        .write(reinterpret_cast<const char*>(wanted.data()), static_cast<std::streamsize>(size));
    const Status status = plan_table_pack({plain})->write_resumable(path, {}, nullptr);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(file_text(path), wanted) << size;
  }
}

TEST_F(TablePack, NeverOverwritesAndNeverMixes) {
  const std::string plain = write_pack(Rows::computed_plain, "plain");
  const auto writer = plan_table_pack({plain});
  ASSERT_TRUE(writer);
  const Status exists = writer->write_resumable(plain, {}, nullptr);
  ASSERT_FALSE(exists);
  EXPECT_NE(exists.error().message.find("not overwritten"), std::string::npos);

  const std::string path = folder_.file("out");
  const std::string part = OutputFile::part_path(path);
  for (const std::uintmax_t size : {10, 100'000}) {
    std::ofstream(part, std::ios::binary) << std::string(size, 'x');
    const Status other = writer->write_resumable(path, {}, nullptr);
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("another input"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(part), size);
  }
  EXPECT_FALSE(writer->write_resumable(folder_.file("no/such/folder"), {}, nullptr));
}

TEST_F(TablePack, LooksForRoomFirst) {
  GgufWriter writer(4096);
  writer.add_tensor("huge", 24, {4096, std::uint64_t{1} << 38},
                    GgufWriter::Filler([](std::uint64_t, std::span<std::byte>) {
                      ADD_FAILURE() << "nothing may be written";
                      return Status();
                    }));
  const Status status = writer.write_resumable(folder_.file("huge"), {}, nullptr);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("free"), std::string::npos) << status.error().message;
  EXPECT_FALSE(std::filesystem::exists(OutputFile::part_path(folder_.file("huge"))));
}

}  // namespace
}  // namespace mneme
