// SPDX-License-Identifier: Apache-2.0
// What happened for one evaluated token, as a self-describing block of bytes: a header, then one
// block for each Engram layer. Records of one chat may differ in shape (memory off, another model).
// Plain data; written by the engine, stored with the chat, read by every view. Row ids are not
// stored: they follow from the tokens. FORMAT.md describes the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/ids.h"
#include "engram/tier_stats.h"

namespace mneme {

constexpr int kTraceTopTokens = 8;

// Whose text a token belongs to. Template tokens appear in the strip only, never as ink.
enum class TokenSource : std::uint8_t { template_text, system, user, assistant, raw_prompt };

// Sizes that a record of one configuration has. No layers = memory off or no pack.
struct TraceShape {
  std::uint8_t layers = 0;   // Engram layers
  std::uint8_t streams = 0;  // G, gates a layer
  std::uint8_t orders = 0;   // N-1, n-grams that end at the token
  friend bool operator==(const TraceShape&, const TraceShape&) = default;

  // gates f32[G], writes f32[G], latency u16[orders], tier u8[orders], padded to 4
  std::size_t layer_bytes() const;
  std::size_t record_bytes() const;  // default pack: 112
};

struct TraceHeader {
  std::uint16_t record_bytes = 0;
  TraceShape shape;
  TokenSource source = TokenSource::template_text;
  std::uint8_t sampled = 0;    // 1 = picked by the sampler, 0 = read as prompt
  std::uint8_t top_count = 0;  // 0 = probabilities were not computed for this token
  std::uint32_t position = 0;  // in the sequence that was evaluated
  TokenId token = 0;
  float log_prob = 0;  // of `token`, natural log, before temperature; valid if top_count > 0
  std::array<TokenId, kTraceTopTokens> top_tokens{};           // most probable first
  std::array<std::uint16_t, kTraceTopTokens> top_log_probs{};  // float16
  std::uint32_t wait_us = 0;     // waiting for rows, all layers; a prefill chunk's time is shared
  std::uint32_t compute_us = 0;  // forward pass without the waits; likewise
  std::uint32_t sample_us = 0;
};

// A read-only look at one record. Valid as long as the TraceLog that it came from.
class TraceRecord {
 public:
  explicit TraceRecord(const std::byte* bytes) : bytes_(bytes) {
    std::memcpy(&header_, bytes, sizeof header_);
  }
  const TraceHeader& header() const { return header_; }
  TokenId token() const { return header_.token; }
  const TraceShape& shape() const { return header_.shape; }
  std::span<const std::byte> bytes() const { return {bytes_, header_.record_bytes}; }

  float gate(int layer, int stream) const;   // (0, 1); 0.5 = no alignment
  float write(int layer, int stream) const;  // |added| / |stream before|
  float gate_max(int layer) const;           // over streams
  float write_max(int layer) const;
  float gate_max() const;  // over layers and streams; 0 without layers
  float write_max() const;
  Tier tier(int layer, int order) const;  // order 0 = 2-grams
  std::uint32_t latency_us(int layer, int order) const;
  Tier slowest_tier() const;  // over layers and orders

 private:
  const std::byte* layer_block(int layer) const {
    return bytes_ + sizeof(TraceHeader) +
           static_cast<std::size_t>(layer) * header_.shape.layer_bytes();
  }
  const std::byte* bytes_;
  TraceHeader header_;
};

// Fills one record; reused from token to token.
class TraceRecordWriter {
 public:
  void begin(const TraceShape& shape);
  TraceHeader& header() { return header_; }
  void set_layer(int layer, std::span<const float> gates, std::span<const float> writes);
  void set_tier(int layer, int order, Tier tier, std::uint32_t latency_us);  // saturates at 65,535
  std::span<const std::byte> finish();

 private:
  TraceHeader header_;
  std::vector<std::byte> bytes_;
};

// True if `bytes` is one whole record whose sizes agree: what a stored trace is checked with.
bool is_valid_trace_record(std::span<const std::byte> bytes);

}  // namespace mneme
