// SPDX-License-Identifier: Apache-2.0
// Writes GGUF version 3: for memory packs, synthetic models and tests. Metadata is kept in memory;
// tensor data is streamed at write() from spans or producers, so that tables larger than memory can
// be written. The file appears under its name only when it is complete (OutputFile); what it is
// until then write_resumable() leaves behind when it is stopped, to go on from.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/files/gguf.h"

namespace mneme {

class GgufWriter {
 public:
  // Takes the next bytes of a tensor. A producer calls it until exactly the tensor's size is given.
  using Sink = std::function<Status(std::span<const std::byte>)>;
  using Producer = std::function<Status(const Sink&)>;
  // Gives any stretch of a tensor: out.size() bytes from byte `at` of it, in any order.
  using Filler = std::function<Status(std::uint64_t at, std::span<std::byte> out)>;

  // Alignment of tensor data: a power of two from 8 to 2^20; 4096 lets tables be read past the page
  // cache without waste. Written as general.alignment unless 32.
  explicit GgufWriter(std::uint64_t alignment = 32);

  // Keys are unique and not empty.
  void add_bool(std::string_view key, bool value);
  void add_u32(std::string_view key, std::uint32_t value);
  void add_i32(std::string_view key, std::int32_t value);
  void add_u64(std::string_view key, std::uint64_t value);
  void add_i64(std::string_view key, std::int64_t value);
  void add_f32(std::string_view key, float value);
  void add_f64(std::string_view key, double value);
  void add_string(std::string_view key, std::string_view value);
  void add_bools(std::string_view key, std::span<const std::uint8_t> values);  // 0 or 1
  void add_i32s(std::string_view key, std::span<const std::int32_t> values);
  void add_u32s(std::string_view key, std::span<const std::uint32_t> values);
  void add_i64s(std::string_view key, std::span<const std::int64_t> values);
  void add_u64s(std::string_view key, std::span<const std::uint64_t> values);
  void add_f32s(std::string_view key, std::span<const float> values);
  void add_strings(std::string_view key, std::span<const std::string> values);
  void add_strings(std::string_view key, std::span<const std::string_view> values);
  // The entry of another file as it is, for tools that copy metadata.
  void add_entry(const MetadataEntry& entry);

  // `dims[0]` varies fastest and is a multiple of the type's block; 1 to 4 dims. The span must live
  // until write(). The second form is asked for its bytes during write().
  void add_tensor(std::string_view name, std::uint32_t ggml_type, std::vector<std::uint64_t> dims,
                  std::span<const std::byte> bytes);
  void add_tensor(std::string_view name, std::uint32_t ggml_type, std::vector<std::uint64_t> dims,
                  Producer produce);
  // For tensors of any size: asked for stretches of at most kFillBytes that begin at multiples of
  // it, so that writing can go on where it stopped.
  static constexpr std::uint64_t kFillBytes = std::uint64_t{4} << 20;
  void add_tensor(std::string_view name, std::uint32_t ggml_type, std::vector<std::uint64_t> dims,
                  Filler fill);
  static std::uint64_t tensor_bytes(std::uint32_t ggml_type, std::span<const std::uint64_t> dims);

  // Everything before the tensor data, padded: a whole file where there are no tensors.
  std::string head() const;
  std::uint64_t file_bytes() const;

  // Writes over a file of that name. Errors: as OutputFile; whatever a producer reports.
  Status write(const std::string& path) const;

  struct Progress {
    std::uint64_t done = 0;  // bytes of the file; begins above 0 when a stopped write goes on
    std::uint64_t total = 0;
  };
  // For large files: refuses to overwrite, looks for room first, and goes on with what a stopped
  // write of the very same head left. `progress` is called every few megabytes. A write that was
  // killed loses at most its last kSyncBytes, one whose machine lost power as much. Errors: as
  // OutputFile; invalid, too, where what is left is of another head; cancelled; whatever a producer
  // reports. What was written stays.
  static constexpr std::uint64_t kSyncBytes = std::uint64_t{256} << 20;
  Status write_resumable(const std::string& path,
                         const std::function<void(const Progress&)>& progress,
                         const std::atomic<bool>* cancel) const;

 private:
  struct Tensor {
    std::string name;
    std::uint32_t ggml_type;
    std::vector<std::uint64_t> dims;
    std::uint64_t size;    // bytes
    std::uint64_t offset;  // from the start of the data
    Producer produce;
    Filler fill;  // one of the two
  };
  void add(Tensor tensor);
  void begin(std::string_view key, MetadataType type);
  void begin_array(std::string_view key, MetadataType type, std::uint64_t count);
  void put(const void* data, std::size_t size);
  void put_string(std::string_view text);

  std::uint64_t alignment_;
  std::string metadata_;
  std::vector<std::string> keys_;
  std::vector<Tensor> tensors_;
  std::uint64_t data_bytes_ = 0;  // padded to the alignment
};

}  // namespace mneme
