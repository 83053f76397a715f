// SPDX-License-Identifier: Apache-2.0
#include "inference/run/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/exceptions.h"
#include "base/log.h"
#include "base/sha256.h"
#include "gpu/registry.h"
#include "inference/model/kv_cache.h"
#include "inference/run/engine_impl.h"
#include "inference/run/find_pack.h"
#include "inference/run/memory_estimate.h"
#include "inference/text/read_tokenizer.h"

namespace mneme {
namespace {

// Reads the files once from front to back, so that the first answer does not wait for the disk page
// by page, and digests them on the way where a pack wants to know its base.
Status load_pages(const ModelSource& source, bool digest, std::string& sha256,
                  const LoadProgress& progress, const std::atomic<bool>* cancel) {
  constexpr std::size_t kSlice = 8 << 20;
  constexpr std::size_t kPage = 4096;
  Sha256 hash;
  std::byte touched{};
  std::uint64_t done = 0;
  for (const SourcePart& part : source.parts()) {
    for (std::size_t at = 0; at < part.bytes.size(); at += kSlice) {
      if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
        return Error{ErrorCode::cancelled, "opening the model was cancelled"};
      }
      const auto slice = part.bytes.subspan(at, std::min(kSlice, part.bytes.size() - at));
      if (digest) {
        hash.update(slice);
      } else {
        for (std::size_t i = 0; i < slice.size(); i += kPage) touched ^= slice[i];
      }
      done += slice.size();
      if (progress) {
        progress(0.1 + 0.8 * static_cast<double>(done) / static_cast<double>(source.bytes()),
                 "loading weights");
      }
    }
  }
  // The store keeps the compiler from dropping the reads.
  static std::atomic<std::byte> sink;
  sink.store(touched, std::memory_order_relaxed);
  if (digest) sha256 = hash.finish_hex();
  return {};
}

ModelLayout describe(const Engine::Impl& impl, const EngineOptions& options, std::int64_t context) {
  ModelLayout layout;
  const AttentionSpec& attention = impl.config.layers.front().attention;
  layout.name = impl.config.name;
  layout.path = impl.source->path();
  layout.architecture = impl.config.architecture;
  layout.quantization = impl.weights.main_dtype;
  layout.file_bytes = impl.source->bytes();
  layout.digest = impl.source->header_sha256();
  layout.layers = static_cast<std::int32_t>(impl.config.n_layers());
  layout.width = static_cast<std::int32_t>(impl.config.dim);
  layout.heads = static_cast<std::int32_t>(attention.heads);
  layout.kv_heads = static_cast<std::int32_t>(attention.kv_heads);
  layout.vocabulary = static_cast<std::int32_t>(impl.config.vocab_size);
  layout.context_trained = impl.config.context_length;
  layout.context = context;
  layout.weight_bytes_per_token = impl.weights.bytes_decode;
  for (const std::uint64_t bytes : kv_cache_bytes(impl.config, 1, numeric_mode(options))) {
    layout.kv_bytes_per_position += bytes;
  }
  layout.device = impl.backend->name();
  layout.backend = impl.backend->description();
  const DevicePart& on_device = impl.placement->parts().back();
  layout.device_layers = static_cast<std::int32_t>(on_device.end_layer - on_device.first_layer);
  if (impl.cpu) layout.first_backend = impl.cpu->description();
  layout.numeric_mode = options.exact ? "exact" : "fast";
  if (impl.pack) layout.memory = impl.pack->layout;
  return layout;
}

// Opens the device that the options ask for and, where it does not take the whole model, the CPU
// beside it. Returns the number of layers on the device.
Result<std::int64_t> open_devices(Engine::Impl& impl, const EngineOptions& options,
                                  const MemoryEstimate& needs, std::int64_t context) {
  const std::int64_t layers = impl.config.n_layers();
  BackendOptions device{options.threads, options.instruction_set, options.device};
  const bool any = options.gpu_layers == 0;
  device.bytes_needed = needs.device_bytes(any ? layers : std::min(options.gpu_layers, layers));
  device.bytes_least = any ? needs.device_bytes(1) : device.bytes_needed;
  device.cache_folder = options.cache_folder;
  auto backend = options.open_device ? options.open_device(device) : open_backend(device);
  if (!backend) return backend.error();
  impl.backend = std::move(*backend);
  auto on_device = choose_gpu_layers(*impl.backend, needs, context, options);
  if (!on_device) return on_device.error();
  if (*on_device == layers) {
    impl.placement.emplace(*impl.backend, layers);
    return on_device;
  }
  auto cpu = open_backend({options.threads, options.instruction_set, "cpu"});
  if (!cpu) return cpu.error();
  impl.cpu = std::move(*cpu);
  impl.placement.emplace(*impl.cpu, layers - *on_device, *impl.backend, layers);
  return on_device;
}

bool has_all_memory_layers(const Engine::Impl& impl) {
  const auto& layers = impl.pack->header.hash.layers;
  return std::ranges::all_of(layers, [&](const LayerHash& layer) {
    return &impl.placement->of_layer(layer.layer_id) == impl.backend.get();
  });
}

// Errors: those of DeviceRows::create.
Status keep_rows_on_device(Engine::Impl& impl, std::uint64_t bytes) {
  if (impl.backend->name() == "cpu") {
    impl.why_no_device_rows = "the CPU computes, and has no memory of its own";
  } else if (!has_all_memory_layers(impl)) {
    impl.why_no_device_rows = "some layers that use them stay on the CPU";
  }
  if (!impl.why_no_device_rows.empty()) {
    log_warning("inference", "no memory rows are kept on the device: {}", impl.why_no_device_rows);
    return {};
  }
  auto rows = DeviceRows::create(impl.pack->header, bytes, *impl.backend);
  if (!rows) return rows.error();
  impl.device_rows = std::move(*rows);
  return {};
}

// Everything an engine owns, into an empty `impl`.
Status load_engine(Engine::Impl* impl, const EngineOptions& options, const LoadProgress& progress,
                   const std::atomic<bool>* cancel) {
  const auto report = [&](double fraction, std::string_view stage) {
    if (progress) progress(fraction, stage);
  };
  report(0, "reading the header");
  auto source = ModelSource::open(options.model_path);
  if (!source) return source.error();
  impl->source = std::move(*source);
  auto config = ModelConfig::read(*impl->source);
  if (!config) return config.error();
  impl->config = std::move(*config);
  auto context = choose_context(options, impl->config);
  if (!context) return context.error();
  auto tokenizer = read_tokenizer(*impl->source);
  if (!tokenizer) return tokenizer.error();
  impl->tokenizer = std::make_shared<const Tokenizer>(std::move(*tokenizer));
  auto choice = find_pack(options.memory, impl->source->folder(), options.pack_folders,
                          impl->config, impl->tokenizer->sha256());
  if (!choice) return choice.error();
  for (const auto& [level, why] : choice->passed_over) log_line(level, "inference", why);
  const MemoryEstimate needs =
      estimate_memory(*impl->source, impl->config, *choice, *context, options);
  auto device_layers = open_devices(*impl, options, needs, *context);
  if (!device_layers) return device_layers.error();
  const auto explained = [&](const Error& failed) {
    impl->unload();
    return explain_failed_load(failed, *impl->backend, needs, *device_layers, *context);
  };
  impl->pack_file = std::move(choice->file);
  std::string base_sha256;
  RETURN_IF_ERROR(
      load_pages(*impl->source, impl->pack_file.has_value(), base_sha256, progress, cancel));
  auto weights = Weights::bind(*impl->source, impl->config, *impl->placement);
  if (!weights) return explained(weights.error());
  impl->weights = std::move(*weights);
  if (!impl->weights.left_out.empty()) {
    log_warning("inference", "{}: left out, answers do not depend on it: {}", impl->source->name(),
                impl->weights.left_out);
  }

  if (impl->pack_file) {
    report(0.92, "opening the n-gram memory");
    auto pack = MemoryPack::open(*impl->pack_file, impl->config, impl->tokenizer->sha256(),
                                 base_sha256, *impl->placement);
    if (!pack) return explained(pack.error());
    impl->pack = std::move(*pack);
    TableStoreOptions store;
    store.budget_bytes = options.ram_budget;
    store.numa_node = options.numa_node;
    store.verify = options.verify;
    // Files of rows, one a pack, by its path: another pack in its place is told by the file itself.
    std::error_code error;
    const auto absolute = std::filesystem::absolute(impl->pack_file->path(), error);
    const std::string path = error ? impl->pack_file->path() : absolute.string();
    const std::string name = sha256_hex(std::as_bytes(std::span(path))).substr(0, 16);
    if (!options.hot_set_folder.empty()) {
      store.hot_set = fmt::format("{}/{}.rows", options.hot_set_folder, name);
    }
    if (options.record_log_bytes > 0) {
      store.record_log = fmt::format("{}/{}.records", options.record_log_folder, name);
      store.record_log_bytes = options.record_log_bytes;
    }
    auto tables =
        TableStore::open(*impl->pack->hasher, impl->pack->tables, store, options.row_reader);
    if (!tables) return tables.error().with("opening the tables");
    impl->tables = std::move(*tables);
    if (!impl->pack_file->is_at_its_path()) {
      return Error{ErrorCode::io,
                   fmt::format("another file took the place of {} while it was being opened: open "
                               "the model again",
                               impl->pack_file->path())};
    }
    if (options.device_rows > 0) {
      const Status kept = keep_rows_on_device(*impl, options.device_rows);
      if (!kept) return explained(kept.error());
    }
  }
  report(0.95, "preparing");
  ModelLayout layout = describe(*impl, options, *context);
  layout.memory_absent_reason = choice->absent_reason;
  auto chat_template = ChatTemplate::from_gguf(impl->source->metadata());
  if (chat_template) {
    impl->chat_template = std::move(*chat_template);
  } else {
    layout.chat_available = false;
    layout.chat_unavailable_reason = chat_template.error().message;
  }

  SessionOptions session_options;
  session_options.context = *context;
  session_options.mode = numeric_mode(options);
  session_options.chunk_tokens = impl->backend->chunk_tokens();
  auto session = Session::create(impl->model(), session_options);
  if (!session) return explained(session.error());
  impl->session = std::move(*session);
  report(1, "ready");
  log_info("inference", "opened {} ({}, {} of {} layers on {}, {} tokens of context)", layout.path,
           layout.quantization, layout.device_layers, layout.layers, layout.backend, *context);
  EngineView::Facts facts{std::move(layout), impl->tokenizer, nullptr, std::nullopt};
  if (impl->pack) {
    facts.hasher = impl->pack->hasher;
    facts.map = impl->tables->map();
  }
  impl->view = std::make_shared<EngineView>(std::move(facts), impl->tables.get(),
                                            impl->device_rows.get(), impl->why_no_device_rows);
  return {};
}

}  // namespace

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  // First the save, which the counters of the view tell of.
  if (impl_->tables) impl_->tables->close_hot_set();
  impl_->view->end();
}

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options,
                                             const LoadProgress& progress,
                                             const std::atomic<bool>* cancel) {
  auto impl = std::make_unique<Impl>();
  const Status loaded =
      without_exceptions([&] { return load_engine(impl.get(), options, progress, cancel); });
  // A change of the files explains whatever went wrong.
  RETURN_IF_ERROR(files_unchanged(impl->source ? &*impl->source : nullptr,
                                  impl->pack_file ? &*impl->pack_file : nullptr));
  RETURN_IF_ERROR(loaded);
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

std::shared_ptr<EngineView> Engine::view() const {
  return impl_->view;
}
const ModelLayout& Engine::layout() const {
  return impl_->view->layout();
}
const Tokenizer& Engine::tokenizer() const {
  return *impl_->tokenizer;
}
const NgramHasher* Engine::hasher() const {
  return impl_->view->hasher();
}
TierStats Engine::tiers() const {
  return impl_->view->tiers();
}

Status Engine::warm(std::span<const NgramKey> keys, const std::atomic<bool>* cancel) {
  if (!impl_->tables) return {};
  TableStore& tables = *impl_->tables;
  const auto heads = static_cast<std::size_t>(hasher()->spec().head_count);
  return without_exceptions([&]() -> Status {
    TableStore::Ticket ticket = tables.prefetch(keys);
    std::vector<std::byte> rows;
    for (std::size_t layer = 0; layer < tables.map().size(); ++layer) {
      rows.resize(keys.size() * heads * tables.row_bytes(layer));
      RETURN_IF_ERROR(tables.wait(ticket, layer, rows, cancel));
    }
    return {};
  });
}

Result<std::unique_ptr<Session>> Engine::open_session(const SessionOptions& options) {
  return without_exceptions([&] { return Session::create(impl_->model(), options); });
}

void Engine::forget() {
  impl_->session->rewind(0);
}

}  // namespace mneme
