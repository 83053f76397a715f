// SPDX-License-Identifier: Apache-2.0
// Sections about integers: the generator, layouts and row addresses.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/sha256.h"
#include "engram/derive_hash.h"
#include "engram/longcat_hash.h"
#include "engram/pcg64.h"
#include "engram/qwen_hash.h"
#include "vectors_file.h"

namespace mneme {
namespace {

std::vector<LayerHash> derive_layout(const Json& layout) {
  HashConfig config;
  config.class_count = layout.at("compressed_vocab");
  config.layer_ids = layout.at("layer_ids").get<std::vector<std::int32_t>>();
  config.bases = integers(layout.at("search_bases_per_order"));
  config.head_count = layout.at("heads");
  config.seed = layout.at("seed");
  auto layers = derive_hash(config);
  if (!layers) throw std::runtime_error(layers.error().message);
  return std::move(*layers);
}

// A hasher for one published or synthetic layout, classes for tokens unless a map is given.
NgramHasher hasher_of(const Json& layout, ClassId pad, ContextRule context,
                      std::optional<std::vector<ClassId>> token_map = {}) {
  HashSpec spec = identity_spec(layout.at("compressed_vocab"), pad, context);
  if (token_map) spec.token_map = std::move(*token_map);
  spec.max_ngram_size = layout.at("max_ngram");
  spec.head_count = layout.at("heads");
  spec.layers = derive_layout(layout);
  auto hasher = NgramHasher::create(std::move(spec));
  if (!hasher) throw std::runtime_error(hasher.error().message);
  return std::move(*hasher);
}

std::int64_t slot_of(const NgramHasher& hasher, const std::string& layer_id) {
  const auto& layers = hasher.spec().layers;
  const auto found = std::find_if(layers.begin(), layers.end(), [&](const LayerHash& layer) {
    return std::to_string(layer.layer_id) == layer_id;
  });
  return found == layers.end() ? -1 : found - layers.begin();
}

bool is_layer_id(const std::string& key) {
  return !key.empty() &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Every key of `item` that is a layer id holds the rows of that layer.
void expect_rows(const NgramHasher& hasher, const std::vector<TokenId>& tokens, const Json& item) {
  int seen = 0;
  for (const auto& [key, rows] : item.items()) {
    if (!is_layer_id(key)) continue;
    const std::int64_t slot = slot_of(hasher, key);
    ASSERT_GE(slot, 0) << "layer " << key;
    EXPECT_EQ(rows_over(hasher, static_cast<std::size_t>(slot), tokens), integers(rows)) << key;
    ++seen;
  }
  EXPECT_GT(seen, 0);
}

TEST(vectors_pcg64, GivesNumpysNumbers) {
  SECTION_OR_SKIP(section, "pcg64");
  ASSERT_FALSE(section.empty());
  for (const Json& item : section) {
    const auto seed = item.at("seed").get<std::uint64_t>();
    Pcg64 raw(seed);
    for (const std::uint64_t wanted : integers(item.at("raw64"))) EXPECT_EQ(raw.next64(), wanted);
    for (const Json& part : item.at("below")) {
      Pcg64 bounded(seed);
      for (const std::uint64_t wanted : integers(part.at("integers"))) {
        EXPECT_EQ(bounded.below(part.at("bound").get<std::uint64_t>()), wanted);
      }
    }
  }
}

TEST(vectors_layouts, AreDerivedFromTheConfiguration) {
  SECTION_OR_SKIP(section, "layouts");
  ASSERT_FALSE(section.empty());
  for (const Json& layout : section) {
    SCOPED_TRACE(layout.at("name"));
    const std::vector<LayerHash> layers = derive_layout(layout);
    std::uint64_t rows = 0;
    for (const LayerHash& layer : layers) {
      const std::string id = std::to_string(layer.layer_id);
      EXPECT_EQ(layer.multipliers, integers(layout.at("multipliers").at(id)));
      EXPECT_EQ(layer.primes, integers(layout.at("primes").at(id)));
      EXPECT_EQ(layer.offsets, integers(layout.at("offsets").at(id)));
      EXPECT_EQ(layer.rows, layout.at("rows").at(id).get<std::uint64_t>());
      rows += layer.rows;
    }
    EXPECT_EQ(layers.size(), layout.at("rows").size());
    EXPECT_EQ(rows * layout.at("head_dim").get<std::uint64_t>(),
              layout.at("table_params_total").get<std::uint64_t>());
    // What is derived must also be what the hasher accepts.
    hasher_of(layout, 0, ContextRule::plain);
  }
}

TEST(vectors_rows_tiny, ArePlainContextRows) {
  SECTION_OR_SKIP(section, "rows_tiny");
  ASSERT_FALSE(section.empty());
  for (const Json& item : section) {
    SCOPED_TRACE(item.at("layout"));
    const NgramHasher hasher =
        hasher_of(layout_named(item.at("layout")), item.at("pad"), ContextRule::plain);
    expect_rows(hasher, item.at("compressed").get<std::vector<TokenId>>(), item.at("rows"));
  }
}

TEST(vectors_rows_v41, AreStickyContextRows) {
  SECTION_OR_SKIP(section, "rows_v41");
  ASSERT_FALSE(section.empty());
  const Json& layout = layout_named("deepseek_v41_flash");
  constexpr ClassId kPad = 2;
  const NgramHasher hasher = hasher_of(layout, kPad, ContextRule::sticky);
  for (const Json& item : section) {
    SCOPED_TRACE(item.at("name"));
    const auto tokens = item.at("compressed").get<std::vector<TokenId>>();
    expect_rows(hasher, tokens, item);

    const auto columns = static_cast<std::size_t>(hasher.spec().columns());
    const std::vector<RowId> first = rows_over(hasher, 0, tokens);
    const std::vector<RowId> second = rows_over(hasher, 1, tokens);
    std::vector<RowId> all;  // [T][layer][C]
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      all.insert(all.end(), &first[t * columns], &first[t * columns] + columns);
      all.insert(all.end(), &second[t * columns], &second[t * columns] + columns);
    }
    EXPECT_EQ(sha256_hex(std::as_bytes(std::span(all))), item.at("sha256_int64_le_[T][layer][24]"));
  }
}

TEST(vectors_rows_real_tokenizer, FollowTokensThroughTheMap) {
  SECTION_OR_SKIP(section, "rows_real_tokenizer");
  ASSERT_FALSE(section.empty());
  const std::vector<ClassId> map = token_map_v41();
  const std::vector<ClassId> v3_map(map.begin(), map.begin() + 128815);
  constexpr ClassId kPad = 2;
  const NgramHasher demo =
      hasher_of(layout_named("demo_v1"), map[kPad], ContextRule::plain, v3_map);
  const NgramHasher v41 =
      hasher_of(layout_named("deepseek_v41_flash"), map[kPad], ContextRule::sticky, map);
  for (const Json& item : section) {
    SCOPED_TRACE(item.at("text"));
    const auto ids = item.at("ids").get<std::vector<TokenId>>();
    std::vector<ClassId> classes;
    for (const TokenId id : ids) classes.push_back(v41.class_of(id));
    EXPECT_EQ(classes, item.at("compressed").get<std::vector<ClassId>>());
    expect_rows(demo, ids, item.at("demo_v1"));
    expect_rows(v41, ids, item.at("deepseek_v41_flash"));
  }
}

TEST(vectors_wraparound, FollowsTwosComplementAndFloorModulus) {
  SECTION_OR_SKIP(section, "wraparound");
  HashSpec spec = identity_spec(50, section.at("pad"), ContextRule::plain);
  spec.max_ngram_size = static_cast<std::int32_t>(section.at("multipliers").size());
  spec.head_count = static_cast<std::int32_t>(section.at("primes").at(0).size());
  spec.layers = {layer_from(section.at("multipliers"), section.at("primes"))};
  const auto hasher = NgramHasher::create(spec);
  ASSERT_TRUE(hasher) << hasher.error().message;

  // The ids lie outside any map, so the keys are made here.
  const auto ids = section.at("compressed").get<std::vector<ClassId>>();
  std::vector<RowId> rows;
  for (std::size_t t = 0; t < ids.size(); ++t) {
    for (std::int32_t order = 2; order <= spec.max_ngram_size; ++order) {
      NgramKey key{order, {}};
      for (std::size_t k = 0; k < static_cast<std::size_t>(order); ++k) {
        key.classes[k] = k <= t ? ids[t - k] : spec.pad_class;
      }
      const std::string name = "mix_order" + std::to_string(order);
      EXPECT_EQ(std::to_string(static_cast<std::int64_t>(hasher->mix(0, key))),
                section.at(name).at(t).get<std::string>());
      rows.resize(rows.size() + static_cast<std::size_t>(spec.head_count));
      hasher->rows(0, key, std::span(rows).last(static_cast<std::size_t>(spec.head_count)));
    }
  }
  EXPECT_EQ(rows, integers(section.at("rows")));
}

TEST(vectors_qwen38_flash_next, AddressesEndAtEos) {
  SECTION_OR_SKIP(section, "qwen38_flash_next");
  QwenHash hash;
  hash.multipliers = integers(section.at("multipliers"));
  hash.bucket_sizes = integers(section.at("sizes"));
  hash.eos = section.at("rows").at("eos");
  EXPECT_EQ(
      qwen_multipliers(section.at("vocab"), static_cast<std::int32_t>(hash.multipliers.size()), 0,
                       section.at("seed")),
      hash.multipliers);
  // The published base is 20,000,000; a search from any number up to the first size finds the same.
  constexpr std::uint64_t kPublishedBase = 20000000;
  const std::uint64_t base =
      hash.bucket_sizes[0] == 20000003 ? kPublishedBase : hash.bucket_sizes[0];
  EXPECT_EQ(qwen_bucket_sizes(base, hash.bucket_sizes.size(), 0), hash.bucket_sizes);
  std::uint64_t rows_used = 0;
  for (const std::uint64_t size : hash.bucket_sizes) rows_used += size;
  EXPECT_EQ(rows_used, section.at("rows_used").get<std::uint64_t>());
  EXPECT_EQ((rows_used + 127) / 128 * 128, section.at("rows_padded").get<std::uint64_t>());

  const auto ids = section.at("rows").at("ids").get<std::vector<TokenId>>();
  std::vector<RowId> rows(ids.size() * hash.bucket_sizes.size());
  for (std::size_t t = 0; t < ids.size(); ++t) {
    qwen_rows_at(hash, ids, t,
                 std::span(rows).subspan(t * hash.bucket_sizes.size(), hash.bucket_sizes.size()));
  }
  EXPECT_EQ(rows, integers(section.at("rows").at("rows")));
}

void expect_longcat_rows(const LongcatHash& hash, const Json& part) {
  const auto ids = part.at("ids").get<std::vector<TokenId>>();
  const std::size_t tables = longcat_table_sizes(hash).size();
  std::vector<RowId> rows(ids.size() * tables);
  for (std::size_t t = 0; t < ids.size(); ++t) {
    longcat_rows_at(hash, ids, t, std::span(rows).subspan(t * tables, tables));
  }
  EXPECT_EQ(rows, integers(part.at("rows")));
}

TEST(vectors_longcat_flash_lite, AddressesArePolynomials) {
  SECTION_OR_SKIP(section, "longcat_flash_lite");
  const LongcatHash published{131072, 78, 4, 4};
  EXPECT_EQ(longcat_table_sizes(published), integers(section.at("table_sizes")));
  expect_longcat_rows(published, section);
  const Json& tiny = section.at("tiny");
  expect_longcat_rows({tiny.at("vocab"), tiny.at("ratio"), tiny.at("orders"), tiny.at("splits")},
                      tiny);
}

}  // namespace
}  // namespace mneme
