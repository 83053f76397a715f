// SPDX-License-Identifier: Apache-2.0
// What an Engine owns, in the order in which it is built: later members point into earlier ones.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engram/table_store.h"
#include "gpu/backend.h"
#include "inference/files/gguf.h"
#include "inference/files/model_source.h"
#include "inference/model/device_rows.h"
#include "inference/model/model_config.h"
#include "inference/model/placement.h"
#include "inference/model/weights.h"
#include "inference/run/engine.h"
#include "inference/run/engine_view.h"
#include "inference/run/kept_records.h"
#include "inference/run/prompt.h"
#include "inference/run/session.h"
#include "inference/tables/memory_pack.h"
#include "inference/text/chat_template.h"
#include "inference/text/tokenizer.h"

namespace mneme {

class Engine::Impl {
 public:
  std::optional<ModelSource> source;
  std::optional<GgufFile> pack_file;
  ModelConfig config;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;
  std::unique_ptr<Backend> cpu;  // of the first layers, where `backend` does not take them all
  std::unique_ptr<Backend> backend;
  std::optional<Placement> placement;
  Weights weights;
  std::optional<MemoryPack> pack;
  std::unique_ptr<TableStore> tables;
  std::unique_ptr<DeviceRows> device_rows;  // null = none
  std::string why_no_device_rows;           // although they were asked for
  std::unique_ptr<Session> session;
  KeptRecords records;  // of the session's tokens
  std::shared_ptr<EngineView> view;

  Model model() const {
    return {config,
            weights,
            pack ? &*pack : nullptr,
            tables.get(),
            device_rows.get(),
            *placement,
            source ? &*source : nullptr,
            pack_file ? &*pack_file : nullptr};
  }

  // Gives back what was loaded, before the rest goes too: what points into something goes first.
  void unload() {
    session.reset();
    device_rows.reset();
    tables.reset();
    pack.reset();
    weights = {};
  }
  TraceShape shape() const {
    return session->memory_on() ? view->layout().trace_shape() : TraceShape{};
  }
};

}  // namespace mneme
