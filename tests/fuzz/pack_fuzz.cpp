// SPDX-License-Identifier: Apache-2.0
// Any bytes as a memory pack: a header that is accepted must hash every token into its tables, and
// its weights bind or are refused.
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "engram/ngram_hasher.h"
#include "gpu/registry.h"
#include "inference/tables/memory_pack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mneme;
  auto file = GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz.gguf");
  if (!file) return 0;
  auto header = read_pack_header(*file);
  if (!header) {
    CHECK(!header.error().message.empty());
    return 0;
  }
  auto hasher = NgramHasher::create(header->hash);
  CHECK(hasher.has_value());
  const std::vector<TokenId> tokens = {0, static_cast<TokenId>(header->hash.token_map.size() - 1),
                                       0};
  std::vector<NgramKey> keys(static_cast<std::size_t>(header->hash.orders()));
  std::vector<RowId> rows(static_cast<std::size_t>(header->hash.head_count));
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    hasher->keys_at(tokens, t, keys);
    for (std::size_t slot = 0; slot < header->hash.layers.size(); ++slot) {
      for (const NgramKey& key : keys) {
        hasher->rows(slot, key, rows);
        for (const RowId row : rows) CHECK(row < header->hash.layers[slot].rows);
      }
    }
  }

  // A model that fits, so that the tensors are looked at too.
  ModelConfig config;
  config.dim = header->embedding_length;
  config.layers.resize(static_cast<std::size_t>(header->block_count));
  config.vocab_size = static_cast<std::int64_t>(header->hash.token_map.size());
  static const std::unique_ptr<Backend> backend = std::move(open_backend({1, "scalar"}).value());
  auto pack = MemoryPack::open(*file, config, header->tokenizer_sha256, "",
                               Placement(*backend, config.n_layers()));
  if (!pack) {
    CHECK(!pack.error().message.empty());
    return 0;
  }
  for (const TableSource& table : pack->tables) {
    const std::uint64_t offset = table.parts[0].runs[0].offset;
    CHECK(offset <= size && table.rows <= (size - offset) / table.row_bytes);
  }
  return 0;
}
