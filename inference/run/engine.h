// SPDX-License-Identifier: Apache-2.0
// The core's front door: one loaded model with its memory, and one timeline of tokens. Opened,
// called and destroyed by one thread (that of the model in the window, the main thread of the
// command line), except where a function says otherwise. Knows nothing of Qt.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/ngram_hasher.h"
#include "engram/row_checksum.h"
#include "engram/row_reader.h"
#include "engram/tier_stats.h"
#include "inference/run/generate.h"
#include "inference/trace/model_layout.h"

namespace mneme {

class Backend;
class EngineView;
class Tokenizer;
class Session;
struct BackendOptions;
struct SessionOptions;

struct EngineOptions {
  std::string model_path;
  // "" = look beside the model and in `pack_folders`; "off" = none; else a pack's path.
  std::string memory;
  std::vector<std::string> pack_folders;
  int threads = 0;               // 0 = one per core
  std::int64_t context = 0;      // tokens; 0 = the model's, at most 8,192
  std::uint64_t ram_budget = 0;  // bytes for table rows; 0 = TableStoreOptions' default
  // Of the device's own memory, for rows that then cross no bus to it; 0 = none. The CPU has no
  // memory of its own: there none are kept, and TierStats::device says so.
  std::uint64_t device_rows = 0;
  std::optional<int> numa_node;             // for table rows; none = the system chooses
  VerifyRows verify = VerifyRows::sampled;  // against the checksums of packs that have them
  bool exact = false;                       // NumericMode::exact: float32 activations
  std::string instruction_set;         // "" = the best; "scalar", "avx2", "avx512" for comparison
  std::string hot_set_folder;          // where rows are kept for the next start; "" = they are not
  std::uint64_t record_log_bytes = 0;  // of the drive, for TableStoreOptions::record_log; 0 = none
  std::string record_log_folder;       // a file a pack
  // "auto", "cpu", "vulkan", "vulkan:1": `mneme-cli devices` lists them.
  std::string device = "cpu";
  // Of the model's layers, how many a device that is not the CPU takes: the last ones; the others
  // stay on the CPU. 0 = as many as it has room for; all of them or more = the whole model.
  std::int64_t gpu_layers = 0;
  std::string cache_folder;  // for what a device's driver compiled; "" = nowhere
  // Empty = open_backend(); tests bring devices that fail.
  std::function<Result<std::unique_ptr<Backend>>(const BackendOptions&)> open_device;
  RowReaderFactory row_reader;  // empty = the best that runs here; tests bring one that fails
};

// What opening a model would take. Reads headers and the tokenizer only (memory_estimate.cpp).
struct MemoryEstimate {
  std::uint64_t weights_bytes = 0;    // mapped from the files, or copied to the device
  std::uint64_t repacked_bytes = 0;   // the CPU's copies of quantised weights in its kernels' order
  std::uint64_t repacked_most = 0;    // the same if there was room for them
  std::uint64_t kv_bytes = 0;         // keys, values and convolution inputs for the whole context
  std::uint64_t scratch_bytes = 0;    // activations of a prefill chunk, logits
  std::uint64_t row_cache_bytes = 0;  // RAM budget of the tables
  std::uint64_t free_bytes = 0;       // what the system could give now (system_memory.h)
  std::uint64_t needed() const {
    return weights_bytes + repacked_bytes + kv_bytes + scratch_bytes + row_cache_bytes;
  }

  // On a device that is not the CPU, which also lets the CPU do without `repacked_bytes`: weights,
  // keys and values of each layer; what only the first layer's part needs; what the last one's
  // does.
  std::vector<std::uint64_t> layer_bytes;
  std::uint64_t embedding_bytes = 0;
  std::uint64_t output_bytes = 0;
  // For table rows, and the first layer that reads them: a device that does not have it keeps none.
  std::uint64_t device_rows_bytes = 0;
  std::int64_t device_rows_layer = 0;
  std::uint64_t device_bytes(std::int64_t layers) const;  // of the last `layers`, at least one
  std::uint64_t device_bytes() const { return device_bytes(layers()); }
  std::string device;  // the one that would take it, in words; "" = the CPU
  std::uint64_t device_free_bytes = 0;
  std::int64_t device_layers = 0;  // of layers(), that it would take; 0 = it has no room for them
  std::int64_t layers() const { return static_cast<std::int64_t>(layer_bytes.size()); }

  std::string pack_path;  // "" = there is none
};
Result<MemoryEstimate> estimate_memory(const EngineOptions& options);

// Whether a model would be opened beside the `open` one just as it would be alone, with as much on
// the device and in RAM, and with rows of its own. Errors: those of estimate_memory.
Result<bool> opens_beside(const EngineOptions& options, const ModelLayout& open);

// Fraction 0..1 and a stage in words.
using LoadProgress = std::function<void(double fraction, std::string_view stage)>;

class Engine {
 public:
  // `cancel` may be set from another thread; then the error is cancelled.
  static Result<std::unique_ptr<Engine>> open(const EngineOptions& options,
                                              const LoadProgress& progress = {},
                                              const std::atomic<bool>* cancel = nullptr);
  ~Engine();

  // --- any thread, as long as the engine lives -------------------------------------------------
  // For other threads, also after the engine's end.
  std::shared_ptr<EngineView> view() const;
  // What the view says too.
  const ModelLayout& layout() const;
  const Tokenizer& tokenizer() const;
  const NgramHasher* hasher() const;  // null without a memory pack
  TierStats tiers() const;            // zeros without a pack

  // --- the engine's thread ---------------------------------------------------------------------
  // The prompt's tokens as the model would read them. Errors: unsupported (the template); invalid
  // (it is empty, does not fit the context, or has tokens that the model does not).
  Result<std::vector<TokenId>> prompt_tokens(const GenerateRequest& request) const;

  // Evaluates the prompt and picks tokens until a stop. Errors end the answer, not the engine: io
  // (a row could not be read), invalid (the prompt does not fit; says by how much), device.
  Result<GenerateResult> generate(const GenerateRequest& request,
                                  const GenerateCallback& progress = {});

  // Evaluates `tokens` from scratch. `sink` gets the logits after each position, in order; `trace`
  // a record of each token, with its probability if asked for. Logits of every position cost a
  // fifth of the weights again, so they are computed only where a sink or probabilities want them,
  // and none before the position `from`, below the number of tokens. Above 0 this goes on: of what
  // stands before `from` only that is evaluated which the last call did not.
  using LogitsSink = std::function<void(std::int64_t position, std::span<const float> logits)>;
  Status evaluate(std::span<const TokenId> tokens, bool memory_on, const LogitsSink& sink,
                  TraceLog* trace = nullptr, bool probabilities = false,
                  const std::atomic<bool>* cancel = nullptr, std::int64_t from = 0);

  // Brings the rows of these n-grams into RAM, so that later look-ups need not wait; they
  // count as look-ups like any others. Nothing to do without a pack. Errors: TableStore::wait's.
  Status warm(std::span<const NgramKey> keys, const std::atomic<bool>* cancel = nullptr);

  void forget();  // empties the KV cache

  // A second timeline over the same model, to drive step by step: op timings, tests. The engine
  // must outlive it.
  Result<std::unique_ptr<Session>> open_session(const SessionOptions& options);

  class Impl;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mneme
