// SPDX-License-Identifier: Apache-2.0
// Every knob of the program as plain values: type, default, meaning. One list of fields, visited by
// the INI file, the settings dialog and the help, so that a knob is written down once. Copied
// freely; passed in, never looked up.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "inference/run/engine.h"
#include "inference/run/sampler_options.h"

namespace mneme {

// What a new chat starts with; each chat then keeps its own.
struct ChatDefaults {
  std::string system_prompt;
  SamplerOptions sampling;
  std::int64_t max_tokens = 0;
  bool memory_on = true;
};

struct Config {
  std::string model;            // path, of the one that was opened last; "" = the default model
  std::string memory;           // "" = look for a pack that fits, "off", or a path
  std::int64_t context = 0;     // tokens; 0 = the model's, at most 8,192
  std::string device = "auto";  // as EngineOptions::device
  std::int64_t gpu_layers = 0;  // as EngineOptions::gpu_layers
  std::int64_t device_rows_mib = 0;  // of the device's memory, for rows; 0 = none
  std::int64_t threads = 0;          // 0 = one per core
  std::int64_t ram_budget_mib = 0;   // 0 = a quarter of the tables, 8 MiB to 4 GiB
  std::int64_t record_log_gib = 0;   // of the drive, for rows that left RAM; 0 = none
  std::int64_t numa_node = -1;       // for memory rows; -1 = the system chooses
  bool exact = false;
  std::string theme = "system";  // "system", "light", "dark"
  double zoom = 1.0;
  bool open_at_start = true;
  ChatDefaults chat;

  EngineOptions engine_options() const {
    EngineOptions options;
    options.model_path = model;
    options.memory = memory;
    options.context = context;
    options.device = device;
    options.gpu_layers = gpu_layers;
    options.device_rows = static_cast<std::uint64_t>(device_rows_mib) << 20;
    options.threads = static_cast<int>(threads);
    options.ram_budget = static_cast<std::uint64_t>(ram_budget_mib) << 20;
    options.record_log_bytes = static_cast<std::uint64_t>(record_log_gib) << 30;
    if (numa_node >= 0) options.numa_node = static_cast<int>(numa_node);
    options.exact = exact;
    return options;
  }
};

// What a visitor is told of a field besides its value.
struct FieldInfo {
  std::string_view name;                 // in the INI file: group/key
  std::string_view label;                // in the dialog
  std::string_view help;                 // what it means and when to change it
  std::string_view least = "automatic";  // what the smallest value of an integer means
};

// The visitor has path(info, string&), text(info, string&), integer(info, int64&, min, max, unit),
// real(info, double&, min, max), toggle(info, bool&), choice(info, string&, array of names),
// device(info, string&).
// `C` is Config or const Config.
template <class C, class Visitor>
void visit_fields(C& config, Visitor&& visit) {
  visit.path(
      {"model/path", "Model file",
       "A GGUF file, used where it lies; the one that was opened last. Empty: the default model."},
      config.model);
  visit.path(
      {"model/memory", "N-gram memory",
       "A pack file, or “off”. Empty: look beside the model, then among the program's packs."},
      config.memory);
  visit.integer({"model/context", "Context",
                 "Tokens a chat may have. Automatic (0): as the model was trained, at most 8,192. "
                 "More takes more RAM."},
                config.context, std::int64_t{0}, std::int64_t{1} << 20, "tokens");
  visit.device({"model/device", "Device",
                "Automatic: the first GPU that has room for the model, else the one that has room "
                "for most of it, else the CPU."},
               config.device);
  visit.integer(
      {"model/gpu_layers", "Layers on the GPU",
       "The others stay on the CPU, where they take longer. Automatic (0): as many as the "
       "GPU has room for."},
      config.gpu_layers, std::int64_t{0}, std::int64_t{1024}, "layers");
  visit.integer(
      {"model/threads", "Threads", "Compute threads of the CPU. Automatic (0): one for each core."},
      config.threads, std::int64_t{0}, std::int64_t{256}, "");
  visit.integer(
      {"model/ram_budget_mib", "RAM for n-gram rows",
       "How much of the tables may stay in RAM. Automatic (0): a quarter of them, 8 MiB to 4 GiB."},
      config.ram_budget_mib, std::int64_t{0}, std::int64_t{1} << 20, "MiB");
  visit.integer({"model/device_rows_mib", "Rows on the device",
                 "How much of a GPU's memory keeps the n-gram rows that are used most, so that "
                 "they need not travel to it. The CPU keeps none: there they are in RAM anyway. "
                 "None (0): they travel each time.",
                 "none"},
                config.device_rows_mib, std::int64_t{0}, std::int64_t{1} << 20, "MiB");
  visit.integer(
      {"model/record_log_gib", "Record log on the drive",
       "Rows that were read are stored on the drive a second time, together, and come back with "
       "fewer reads when they are no longer in RAM. Takes this much room for each pack, and about "
       "a four-hundredth of that in RAM. When it is full the oldest make room. None (0): nothing "
       "is stored; the file that is there may be deleted.",
       "none"},
      config.record_log_gib, std::int64_t{0}, std::int64_t{1} << 12, "GiB");
  visit.integer({"model/numa_node", "NUMA node for n-gram rows",
                 "Where rows in RAM lie on machines with several nodes; RAM behind CXL is a node of "
                 "its own. Automatic: the system chooses."},
                config.numa_node, std::int64_t{-1}, std::int64_t{1023}, "");
  visit.toggle(
      {"model/exact", "Exact arithmetic",
       "Activations in float32 on every machine: slower, for comparing with other programs."},
      config.exact);
  visit.toggle({"model/open_at_start", "Open the model at start",
                "Off: the window starts empty and you choose."},
               config.open_at_start);
  visit.choice({"window/theme", "Theme", "System follows the desktop."}, config.theme,
               std::array<std::string_view, 3>{"system", "light", "dark"});
  visit.real({"window/zoom", "Zoom", "Size of all text."}, config.zoom, 0.75, 2.0);
}

// The same for what new chats start with; set through a chat's own settings, so not in the dialog.
// Names live as long as the visitor's call.
template <class C, class Visitor>
void visit_chat_defaults(C& chat, Visitor&& visit) {
  visit.text({"new_chats/system_prompt", "System prompt", ""}, chat.system_prompt);
  visit_sampler(chat.sampling, [&](const SamplerField& field, auto& value) {
    using Number = std::remove_cvref_t<decltype(value)>;
    const std::string name = "new_chats/" + std::string(field.name);
    const FieldInfo info{name, field.label, ""};
    if constexpr (std::is_integral_v<Number>) {
      std::int64_t wide = value;
      visit.integer(info, wide, static_cast<std::int64_t>(field.least),
                    static_cast<std::int64_t>(field.most), "");
      if constexpr (!std::is_const_v<C>) value = static_cast<Number>(wide);
    } else {
      double wide = static_cast<double>(value);
      visit.real(info, wide, field.least, field.most);
      if constexpr (!std::is_const_v<C>) value = static_cast<Number>(wide);
    }
  });
  visit.integer({"new_chats/max_tokens", "Longest answer", ""}, chat.max_tokens, std::int64_t{0},
                std::int64_t{1} << 20, "");
  visit.toggle({"new_chats/memory_on", "N-gram memory", ""}, chat.memory_on);
}

}  // namespace mneme
