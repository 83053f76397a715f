// SPDX-License-Identifier: Apache-2.0
// TEST DATA, clearly invented: a chat whose gates, writes and tiers come from a formula, over a
// vocabulary that grows with the texts, and small tables. No model is needed.
#pragma once

#include <QString>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/half.h"
#include "engram/derive_hash.h"
#include "engram/ngram_hasher.h"
#include "inference/trace/trace_log.h"
#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"

namespace mneme::test {

constexpr int kVocabulary = 4096;

inline HashSpec smallSpec(int maxNgramSize = 3, int heads = 8) {
  HashSpec spec;
  spec.max_ngram_size = maxNgramSize;
  spec.head_count = heads;
  for (TokenId id = 0; id < kVocabulary; ++id) spec.token_map.push_back(id);
  spec.pad_class = 2;
  std::uint64_t prime = 2003;  // small on purpose: collisions happen
  const auto isPrime = [](std::uint64_t n) {
    for (std::uint64_t d = 2; d * d <= n; ++d) {
      if (n % d == 0) return false;
    }
    return true;
  };
  for (const int id : {1, 14}) {
    LayerHash layer;
    layer.layer_id = id;
    for (int k = 0; k < maxNgramSize; ++k) {
      layer.multipliers.push_back(0x9e3779b97f4aull * static_cast<std::uint64_t>(id + 2) +
                                  0x51ed27ull * static_cast<std::uint64_t>(2 * k + 1));
    }
    for (int c = 0; c < spec.columns(); ++c) {
      while (!isPrime(prime)) ++prime;
      layer.primes.push_back(prime++);
      layer.offsets.push_back(layer.rows);
      layer.rows += layer.primes.back();
    }
    spec.layers.push_back(std::move(layer));
  }
  return spec;
}

struct Chat {
  std::shared_ptr<TraceLog> log = std::make_shared<TraceLog>();
  std::shared_ptr<std::vector<std::string>> vocabulary =
      std::make_shared<std::vector<std::string>>();
  std::map<std::string, TokenId> ids;
  std::vector<BranchTrace::MessageRange> parts;
  TraceShape shape{2, 1, 2};       // of the records that are added
  TraceShape modelShape{2, 1, 2};  // of the model's pack
  std::uint32_t position = 0;
  std::uint32_t noise = 12345;

  double random() {
    noise = noise * 1664525u + 1013904223u;
    return (noise >> 8) / 16777216.0;
  }

  TokenId id(const std::string& bytes) {
    const auto [it, added] = ids.try_emplace(bytes, static_cast<TokenId>(vocabulary->size()));
    if (added) vocabulary->push_back(bytes);
    CHECK(vocabulary->size() < kVocabulary);
    return it->second;
  }

  void add(const std::string& bytes, TokenSource source, bool sampled) {
    TraceRecordWriter writer;
    writer.begin(shape);
    TraceHeader& h = writer.header();
    h.source = source;
    h.sampled = sampled ? 1 : 0;
    h.position = position++;
    h.token = id(bytes);
    if (sampled) {
      h.top_count = 5;
      double p = 0.35 + 0.6 * random();
      h.log_prob = static_cast<float>(std::log(p));
      for (std::size_t i = 0; i < 5; ++i) {
        h.top_tokens[i] =
            i == 0 ? h.token : static_cast<TokenId>((h.token + i) % vocabulary->size());
        h.top_log_probs[i] = float_to_half(static_cast<float>(std::log(p)));
        p = (1 - p) * 0.4;
      }
    }
    const bool capital = bytes.size() > 1 && (bytes[1] >= 'A' && bytes[1] <= 'Z');
    for (int layer = 0; layer < shape.layers; ++layer) {
      std::vector<float> gates;
      std::vector<float> writes;
      for (int g = 0; g < shape.streams; ++g) {
        const double gate = capital ? 0.75 + 0.2 * random() : 0.05 + 0.6 * random() * random();
        gates.push_back(static_cast<float>(gate));
        writes.push_back(static_cast<float>(gate * 0.45 * random()));
      }
      writer.set_layer(layer, gates, writes);
      for (int order = 0; order < shape.orders; ++order) {
        const double r = random();
        const Tier tier = r < 0.6 ? Tier::ram : r < 0.96 ? Tier::ssd_in_time : Tier::ssd_late;
        writer.set_tier(layer, order, tier,
                        tier == Tier::ram ? 0 : 60 + static_cast<std::uint32_t>(200 * random()));
      }
    }
    CHECK(log->append(writer.finish()));
  }

  // Words with their leading blank, long ones in pieces; line breaks alone; other bytes in pieces
  // of two, so that characters are split between tokens.
  static std::vector<std::string> tokens(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
      const auto byte = static_cast<unsigned char>(text[at]);
      std::size_t end = at + 1;
      if (byte >= 0x80) {
        end = std::min(at + 2, text.size());
      } else if (byte != '\n' && byte != '\t') {
        while (end < text.size() && end - at < 7 && static_cast<unsigned char>(text[end]) < 0x80 &&
               text[end] != ' ' && text[end] != '\n' && text[end] != '\t') {
          ++end;
        }
      }
      out.push_back(text.substr(at, end - at));
      at = end;
    }
    return out;
  }

  BranchTrace::MessageRange message(MessageId id, TokenSource source, const std::string& text) {
    const EventIndex first = log->size();
    const bool sampled = source == TokenSource::assistant;
    add("<|im_start|>", TokenSource::template_text, false);
    for (const std::string& token : tokens(text)) add(token, source, sampled);
    add("<|im_end|>", TokenSource::template_text, false);
    parts.push_back({.message = id, .first = first, .end = log->size()});
    return parts.back();
  }

  std::shared_ptr<const InspectModel> model(bool trained = true) const {
    auto hasher = std::make_shared<NgramHasher>(
        NgramHasher::create(smallSpec(modelShape.orders + 1)).value());
    auto made = std::make_shared<InspectModel>();
    made->owner = hasher;
    made->hasher = hasher.get();
    made->layout.name = "test model";
    MemoryLayout memory;
    memory.name = "test pack";
    memory.trained = trained;
    memory.layer_ids = {1, 14};
    memory.streams = modelShape.streams;
    memory.max_ngram_size = modelShape.orders + 1;
    memory.head_count = 8;
    memory.column_dims = 32;
    memory.rows = hasher->spec().layers[0].rows + hasher->spec().layers[1].rows;
    memory.table_bytes = memory.rows * 33;
    made->layout.memory = memory;
    made->tokenBytes = [words = vocabulary](TokenId token) {
      return token >= 0 && static_cast<std::size_t>(token) < words->size()
                 ? (*words)[static_cast<std::size_t>(token)]
                 : std::string();
    };
    made->rowFileOffset = [](std::size_t slot, RowId row) {
      return 4096 + slot * (std::uint64_t{1} << 24) + row * 33;
    };
    return made;
  }
};

inline const char kQuestion[] = "Who could tame the horse Bucephalus, and how do historians know?";
inline const char kAnswer[] =
    "Only Alexander the Great could tame the horse Bucephalus, as the story goes. Most of what we "
    "read comes from Plutarch and from Arrian, who wrote in the Roman Empire, some four hundred "
    "years after the king's death. By the way, the city of Bucephala on the Hydaspes was named "
    "after the horse.";

inline Chat storyChat() {
  Chat chat;
  chat.message(1, TokenSource::user, kQuestion);
  chat.message(2, TokenSource::assistant, kAnswer);
  return chat;
}

inline TierStats someTiers(double seconds = 10) {
  TierStats s;
  s.reader = "io_uring";
  s.file_system = "ext4";
  s.lookups = static_cast<std::uint64_t>(900 * seconds);
  s.hits = static_cast<std::uint64_t>(560 * seconds);
  s.reads = static_cast<std::uint64_t>(1200 * seconds);
  s.rows_read = s.reads * 2;
  s.bytes_read = s.reads * 4096;
  s.evictions = static_cast<std::uint64_t>(30 * seconds);
  s.in_flight = 7;
  s.served = {0, static_cast<std::uint64_t>(1120 * seconds),
              static_cast<std::uint64_t>(680 * seconds) - 12, 12};
  s.stall_us = 4200;
  s.entries = 14'200;
  s.bytes_used = 15'400'000;
  s.budget_bytes = 16 << 20;
  s.table_bytes = 71'000'000;
  for (int i = 0; i < static_cast<int>(600 * seconds); ++i) s.read_latency.add(60 + i % 90);
  for (int i = 0; i < static_cast<int>(12 * seconds); ++i) s.read_latency.add(210);
  return s;
}

}  // namespace mneme::test
