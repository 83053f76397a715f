// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/memory_pack_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <utility>

#include "base/half.h"
#include "base/sha256.h"
#include "engram/compressed_vocab.h"
#include "engram/derive_hash.h"
#include "engram/pcg64.h"
#include "engram/row_codec.h"
#include "inference/files/ggml_type.h"
#include "inference/files/gguf.h"
#include "inference/tables/pack_pages.h"
#include "inference/tables/synth_rows.h"
#include "inference/text/read_tokenizer.h"

namespace mneme {
namespace {

using Rows = UntrainedPackOptions::Rows;

constexpr std::uint64_t kAlignment = 4096;  // tables can be read past the page cache
constexpr std::int32_t kConvKernel = 4;
constexpr float kGateNormEps = 0x1p-23f;  // torch's default for float32
constexpr float kConvNormEps = 1e-5f;
constexpr float kRowRms = 1.0f / 16;  // keeps the value projection in half's normal range
constexpr float kConvShare = 0.2f;    // of the value, added by the convolution

Error invalid(std::string message) {
  return Error{ErrorCode::invalid, std::move(message)};
}

// What the base says about itself.
struct Base {
  std::string name;
  std::string sha256;
  std::string tokenizer_sha256;
  std::uint64_t embedding_length = 0;  // D
  std::uint64_t block_count = 0;
  std::vector<ClassId> token_map;
  ClassId class_count = 0;
  ClassId pad_class = 0;
};

Result<CompressedVocab> compress(const Tokenizer& tokenizer) {
  CompressedVocab vocab;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto added = vocab.add(tokenizer.decode(id), tokenizer.vocab_text(id));
    if (!added) return added.error();
  }
  return vocab;
}

// The token that stands for "nothing" before the start: the file's padding, else its end token.
Result<TokenId> pad_token(const Metadata& file, const Tokenizer& tokenizer) {
  const auto stored = file.find<std::int32_t>("tokenizer.ggml.padding_token_id");
  if (!stored) return stored.error();
  const TokenId pad = stored->value_or(tokenizer.eos().value_or(0));
  if (!tokenizer.contains(pad)) {
    return Error{
        ErrorCode::corrupt,
        fmt::format("{}: the padding token {} is not in the vocabulary", file.name(), pad)};
  }
  return pad;
}

Result<Base> read_base(const std::string& path) {
  const auto source = ModelSource::open(path);
  if (!source) return source.error();
  const Metadata& metadata = source->metadata();
  const auto architecture = metadata.require<std::string_view>("general.architecture");
  if (!architecture) return architecture.error();
  const auto width =
      metadata.require<std::uint32_t>(fmt::format("{}.embedding_length", *architecture));
  if (!width) return width.error();
  const auto blocks = metadata.require<std::uint32_t>(fmt::format("{}.block_count", *architecture));
  if (!blocks) return blocks.error();
  const auto name = metadata.find<std::string_view>("general.name");
  if (!name) return name.error();
  const auto tokenizer = read_tokenizer(*source);
  if (!tokenizer) return tokenizer.error();
  const auto pad = pad_token(metadata, *tokenizer);
  if (!pad) return pad.error();
  const auto vocab = compress(*tokenizer);
  if (!vocab) return vocab.error();
  if (vocab->map().empty()) return invalid(fmt::format("{} has no vocabulary", source->name()));

  Base base;
  base.name = name->value_or(source->name());
  base.sha256 = source->sha256();
  base.tokenizer_sha256 = tokenizer->sha256();
  base.embedding_length = *width;
  base.block_count = *blocks;
  base.token_map = vocab->map();
  base.class_count = vocab->class_count();
  // Models pad their vocabulary; ids that the tokenizer lacks are classes of their own.
  const SourceTensor* embedding = source->find_tensor("token_embd.weight");
  const std::uint64_t rows = embedding != nullptr ? embedding->dims[1] : 0;
  while (base.token_map.size() < rows) base.token_map.push_back(base.class_count++);
  base.pad_class = vocab->map()[static_cast<std::size_t>(*pad)];
  RETURN_IF_ERROR(source->unchanged());
  return base;
}

Status check_options(const UntrainedPackOptions& options, const Base& base) {
  if (options.max_ngram_size < 2 || options.max_ngram_size > kMaxNgramSize) {
    return invalid(fmt::format("n-grams of {} tokens cannot be stored", options.max_ngram_size));
  }
  if (options.head_count < 1 || options.head_count > 64) {
    return invalid(fmt::format("{} hash heads are not 1 to 64", options.head_count));
  }
  if (options.column_dims < 32 || options.column_dims > 4096 || options.column_dims % 32 != 0) {
    return invalid(
        fmt::format("a row of {} values is not a multiple of 32 up to 4096", options.column_dims));
  }
  if (options.layer_ids.empty() || options.stream_rms.size() != options.layer_ids.size()) {
    return invalid("each layer needs the size of its residual stream");
  }
  for (const std::int32_t layer : options.layer_ids) {
    if (layer < 0 || static_cast<std::uint64_t>(layer) >= base.block_count) {
      return invalid(fmt::format("{} has {} blocks, so none with the number {}", base.name,
                                 base.block_count, layer));
    }
  }
  if (base.embedding_length < 1 || base.embedding_length > 1 << 20) {
    return invalid(fmt::format("{} is {} wide", base.name, base.embedding_length));
  }
  return {};
}

// Sizes in the order of the format's letters.
struct PackSize {
  std::uint64_t columns;       // C
  std::uint64_t memory_width;  // M
  std::uint64_t row_bytes;
  bool pages;
  std::uint64_t fixed_bytes;  // all but the tables, a little rounded up

  PackSize(const UntrainedPackOptions& options, const Base& base)
      : columns(static_cast<std::uint64_t>(options.max_ngram_size - 1) *
                static_cast<std::uint64_t>(options.head_count)),
        memory_width(columns * static_cast<std::uint64_t>(options.column_dims)),
        row_bytes(encoded_row_bytes(static_cast<std::size_t>(options.column_dims))),
        pages(options.rows == UntrainedPackOptions::Rows::computed_pages) {
    constexpr std::uint64_t kTensorsPerLayer = 9;
    constexpr std::uint64_t kHeaderBytes = 4096;
    constexpr std::uint64_t kFloats = 6 + kConvKernel;  // biases, norms and kernel, each D wide
    const std::uint64_t d = base.embedding_length;
    const std::uint64_t layer = 2 * d * memory_width * sizeof(std::uint16_t) +
                                kFloats * d * sizeof(float) + kTensorsPerLayer * kAlignment +
                                3 * columns * sizeof(std::uint64_t);
    fixed_bytes = kHeaderBytes + kAlignment + base.token_map.size() * sizeof(ClassId) +
                  base.name.size() + options.layer_ids.size() * layer;
  }

  std::uint64_t rows_in(std::uint64_t bytes) const {
    if (!pages) return bytes / row_bytes;
    return bytes / kPackPageBytes * rows_of_page(static_cast<std::uint32_t>(row_bytes));
  }
};

// The largest tables that fit: primes grow from a common base, so the base is lowered until they
// do.
Result<std::vector<LayerHash>> size_tables(const UntrainedPackOptions& options, const Base& base,
                                           const PackSize& size) {
  const std::uint64_t tables = size.columns * options.layer_ids.size();
  const std::uint64_t room = options.file_bytes_max > size.fixed_bytes
                                 ? size.rows_in(options.file_bytes_max - size.fixed_bytes)
                                 : 0;
  HashConfig config;
  config.class_count = base.class_count;
  config.layer_ids = options.layer_ids;
  config.head_count = options.head_count;
  config.seed = options.seed;
  for (std::uint64_t start = room / tables; start >= 1;) {
    config.bases.assign(static_cast<std::size_t>(options.max_ngram_size - 1), start);
    auto layers = derive_hash(config);
    if (!layers) return layers.error();
    std::uint64_t rows = 0;
    for (const LayerHash& layer : *layers) rows += layer.rows;
    if (rows <= room) return layers;
    const std::uint64_t excess = (rows - room + tables - 1) / tables;
    if (excess >= start) break;
    start -= excess;
  }
  return invalid(fmt::format("{} bytes hold no table: all but the tables needs {} bytes",
                             options.file_bytes_max, size.fixed_bytes));
}

// Near-normal numbers of mean 0 and variance 1: the sum of four 16-bit uniforms, so that the last
// bit does not depend on a machine's libm.
class Noise {
 public:
  Noise(std::uint64_t seed, std::uint64_t tensor) : random_(seed * 0x9e3779b97f4a7c15u + tensor) {}

  float next() {
    std::uint64_t bits = random_.next64();
    std::int32_t sum = -2 * 0xffff;
    for (int i = 0; i < 4; ++i, bits >>= 16) sum += static_cast<std::int32_t>(bits & 0xffff);
    return static_cast<float>(sum) * kScale;
  }

 private:
  static constexpr float kScale = 1.0f / 37837.2f;  // sqrt(4 * (65536^2 - 1) / 12)
  Pcg64 random_;
};

class PackTensors {
 public:
  PackTensors(GgufWriter& writer, std::uint64_t seed) : writer_(writer), seed_(seed) {}

  void constant(const std::string& name, std::vector<std::uint64_t> dims, float value) {
    const std::uint64_t count = dims[0];
    add(name, DType::f32, std::move(dims), [count, value](const GgufWriter::Sink& sink) {
      const std::vector<float> values(count, value);
      return sink(std::as_bytes(std::span(values)));
    });
  }

  void noise_f32(const std::string& name, std::uint64_t cols, std::uint64_t rows, float rms) {
    add(name, DType::f32, {cols, rows}, by_row(cols, rows, rms, [](std::span<const float> values) {
          const auto bytes = std::as_bytes(values);
          return std::vector<std::byte>(bytes.begin(), bytes.end());
        }));
  }

  void noise_f16(const std::string& name, std::uint64_t cols, std::uint64_t rows, float rms) {
    add(name, DType::f16, {cols, rows}, by_row(cols, rows, rms, [](std::span<const float> values) {
          std::vector<std::byte> bytes;
          for (const float v : values) {
            const std::uint16_t half = float_to_half(v);
            bytes.push_back(static_cast<std::byte>(half & 0xff));
            bytes.push_back(static_cast<std::byte>(half >> 8));
          }
          return bytes;
        }));
  }

  void table(const std::string& name, std::uint64_t width, std::uint64_t rows, float rms) {
    add(name, DType::i8, {encoded_row_bytes(width), rows},
        by_row(width, rows, rms, [](std::span<const float> values) {
          std::vector<std::byte> row(encoded_row_bytes(values.size()));
          encode_row(values, row);
          return row;
        }));
  }

 private:
  void add(const std::string& name, DType dtype, std::vector<std::uint64_t> dims,
           GgufWriter::Producer produce) {
    writer_.add_tensor(name, ggml_type_of(dtype), std::move(dims), std::move(produce));
  }

  // Every tensor has a stream of its own, so that one more tensor changes no other.
  template <class Encode>
  GgufWriter::Producer by_row(std::uint64_t cols, std::uint64_t rows, float rms, Encode encode) {
    return [=, seed = seed_, tensor = ++tensors_](const GgufWriter::Sink& sink) -> Status {
      Noise noise(seed, tensor);
      std::vector<float> values(cols);
      for (std::uint64_t r = 0; r < rows; ++r) {
        for (float& v : values) v = noise.next() * rms;
        RETURN_IF_ERROR(sink(encode(std::span<const float>(values))));
      }
      return {};
    };
  }

  GgufWriter& writer_;
  std::uint64_t seed_;
  std::uint64_t tensors_ = 0;
};

void add_metadata(GgufWriter& writer, const UntrainedPackOptions& options, const Base& base,
                  const std::vector<LayerHash>& layers) {
  writer.add_string("general.type", "engram-pack");
  writer.add_string("general.name", "untrained memory for " + base.name);
  writer.add_string("general.license", "apache-2.0");
  writer.add_u32("engram.version", 1);
  writer.add_string("engram.variant", "paper");
  writer.add_bool("engram.trained", false);
  writer.add_string("engram.encoding", "e4m3_e8m0_32");
  writer.add_i32s("engram.layer_ids", options.layer_ids);
  writer.add_u32("engram.max_ngram_size", static_cast<std::uint32_t>(options.max_ngram_size));
  writer.add_u32("engram.head_count", static_cast<std::uint32_t>(options.head_count));
  writer.add_u32("engram.key_length", static_cast<std::uint32_t>(options.column_dims));
  writer.add_u32("engram.streams", 1);
  writer.add_u32("engram.embedding_length", static_cast<std::uint32_t>(base.embedding_length));
  writer.add_u32("engram.block_count", static_cast<std::uint32_t>(base.block_count));
  writer.add_f32("engram.gate_norm_eps", kGateNormEps);
  writer.add_f32("engram.conv_norm_eps", kConvNormEps);
  writer.add_u32("engram.conv_kernel", kConvKernel);
  writer.add_u32("engram.conv_dilation", static_cast<std::uint32_t>(options.max_ngram_size));
  writer.add_string("engram.tokenizer_sha256", base.tokenizer_sha256);
  writer.add_string("engram.base_sha256", base.sha256);
  writer.add_u32("engram.pad_id", static_cast<std::uint32_t>(base.pad_class));
  std::vector<std::uint64_t> multipliers, primes, offsets;
  for (const LayerHash& layer : layers) {
    multipliers.insert(multipliers.end(), layer.multipliers.begin(), layer.multipliers.end());
    primes.insert(primes.end(), layer.primes.begin(), layer.primes.end());
    offsets.insert(offsets.end(), layer.offsets.begin(), layer.offsets.end());
  }
  writer.add_u64s("engram.multipliers", multipliers);
  writer.add_u64s("engram.primes", primes);
  writer.add_u64s("engram.offsets", offsets);
  writer.add_i32s("engram.token_map", base.token_map);
}

void add_layer(PackTensors& tensors, const UntrainedPackOptions& options, const PackSize& size,
               const LayerHash& layer, std::uint64_t d, float stream_rms) {
  const std::string prefix = fmt::format("blk.{}.engram_", layer.layer_id);
  const std::uint64_t m = size.memory_width;
  const float unit = 1 / std::sqrt(static_cast<float>(m));  // keeps a projection's rms
  // A gate is one half on average, so the value is twice what is to be added.
  const float value_rms = 2 * options.write_share * stream_rms;
  if (options.rows == Rows::noise) {
    tensors.table(prefix + "embd.weight", static_cast<std::uint64_t>(options.column_dims),
                  layer.rows, kRowRms);
  }
  tensors.noise_f16(prefix + "key.weight", m, d, unit);
  tensors.constant(prefix + "key.bias", {d}, 0);
  tensors.noise_f16(prefix + "value.weight", m, d, unit * value_rms / kRowRms);
  tensors.constant(prefix + "value.bias", {d}, 0);
  tensors.constant(prefix + "key_norm.weight", {d}, 1);
  tensors.constant(prefix + "query_norm.weight", {d}, 1);
  // Four taps over inputs of rms 1, halved by SiLU near 0: the taps' rms is that of their sum.
  tensors.noise_f32(prefix + "conv.weight", kConvKernel, d, kConvShare * value_rms / 2);
  tensors.constant(prefix + "conv_norm.weight", {d}, 1);
}

// Behind all else, so that a write that goes on has little to do again.
void add_computed_tables(GgufWriter& writer, const UntrainedPackOptions& options,
                         const std::vector<LayerHash>& layers) {
  const auto width = static_cast<std::uint32_t>(options.column_dims);
  const auto row_bytes = static_cast<std::uint32_t>(encoded_row_bytes(width));
  writer.add_u64("engram.synthetic_seed", options.seed);
  std::vector<std::uint64_t> rows;
  for (const LayerHash& layer : layers) rows.push_back(layer.rows);
  if (options.rows == Rows::computed_pages) add_page_keys(writer, rows);
  for (const LayerHash& layer : layers) {
    const RowSource source = [=, seed = options.seed, id = layer.layer_id](
                                 RowId first, std::uint64_t count, std::span<std::byte> out) {
      for (std::uint64_t i = 0; i < count; ++i) {
        synth_row(seed, id, first + i, width, out.subspan(i * row_bytes, row_bytes));
      }
      return Status();
    };
    const auto add = options.rows == Rows::computed_pages ? add_paged_table : add_plain_table;
    add(writer, layer.layer_id, layer.rows, row_bytes, source);
  }
}

}  // namespace

Result<GgufWriter> plan_untrained_pack(const std::string& base_path,
                                       const UntrainedPackOptions& options) {
  const auto base = read_base(base_path);
  if (!base) return base.error();
  RETURN_IF_ERROR(check_options(options, *base));
  const PackSize size(options, *base);
  const auto layers = size_tables(options, *base, size);
  if (!layers) return layers.error();

  GgufWriter writer(kAlignment);
  add_metadata(writer, options, *base, *layers);
  PackTensors tensors(writer, options.seed);
  for (std::size_t i = 0; i < layers->size(); ++i) {
    add_layer(tensors, options, size, (*layers)[i], base->embedding_length, options.stream_rms[i]);
  }
  if (options.rows != Rows::noise) add_computed_tables(writer, options, *layers);
  return writer;
}

Status write_untrained_pack(const std::string& base_path, const std::string& out_path,
                            const UntrainedPackOptions& options) {
  const auto writer = plan_untrained_pack(base_path, options);
  return writer ? writer->write(out_path) : writer.error();
}

}  // namespace mneme
