// SPDX-License-Identifier: Apache-2.0
// The table of settings. To add one: its row here, and whoever reads its member of Settings. The
// settings file, the dialogs, the command lines and their help follow.
#include <algorithm>
#include <array>

#include "base/parse_number.h"
#include "inference/settings/bind.h"

namespace mneme {
namespace {

constexpr double kMostTokens = 1 << 24;
constexpr std::array<std::string_view, 3> kThemeNames = {"system", "light", "dark"};
constexpr std::array<std::string_view, 3> kVerifyNames = {"off", "sampled",
                                                          "always"};  // VerifyRows
constexpr std::array<std::string_view, 3> kInstructionSets = {"scalar", "avx2", "avx512"};

template <auto... Member>
constexpr Setting bound_row(Setting setting) {
  setting.get = Bound<Member...>::get;
  setting.set = Bound<Member...>::set;
  return setting;
}
template <auto Member>
constexpr Setting engine_row(const Setting& setting) {
  return bound_row<&Settings::engine, Member>(setting);
}
template <auto Member>
constexpr Setting chat_row(const Setting& setting) {
  return bound_row<&Settings::chat, Member>(setting);
}
template <auto Member>
constexpr Setting sampler_row(const Setting& setting) {
  return bound_row<&Settings::chat, &ChatSettings::sampling, Member>(setting);
}
template <auto Member>
constexpr Setting window_row(const Setting& setting) {
  return bound_row<&Settings::window, Member>(setting);
}

constexpr Setting kSettings[] = {
    engine_row<&EngineOptions::model_path>(
        {.name = "model/path",
         .flags = "-m,--model",
         .page = SettingPage::model,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::file,
         .label = "Model file",
         .help = "A GGUF file, the first of several, or a folder from "
                 "Hugging Face (config.json and safetensors); used where it "
                 "lies.",
         .nothing = "the default model"}),
    window_row<&WindowSettings::open_at_start>(
        {.name = "model/open_at_start",
         .flags = "",
         .page = SettingPage::model,
         .applies = SettingApplies::at_once,
         .kind = SettingKind::toggle,
         .label = "Open the model at start",
         .help = "Off: the window starts without a model and you choose one."}),
    engine_row<&EngineOptions::device>(
        {.name = "model/device",
         .flags = "--device",
         .page = SettingPage::model,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::device,
         .label = "Device",
         .help = "Automatic: the first GPU that has room for the model, else the one that has "
                 "room for most of it, else the CPU.",
         .per_model = true}),
    engine_row<&EngineOptions::gpu_layers>(
        {.name = "model/gpu_layers",
         .flags = "--gpu-layers",
         .page = SettingPage::model,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::whole,
         .label = "Layers on the GPU",
         .help = "The others stay on the CPU, where they take longer. Automatic: as many as "
                 "the GPU has room for.",
         .unit = "layers",
         .least = 0,
         .most = 1024,
         .nothing = "automatic",
         .per_model = true}),
    engine_row<&EngineOptions::context>(
        {.name = "model/context",
         .flags = "--ctx",
         .page = SettingPage::model,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::whole,
         .label = "Context",
         .help = "Tokens that a chat may have; more take more RAM. Automatic: as the model "
                 "was trained, at most 8,192.",
         .unit = "tokens",
         .least = 0,
         .most = kMostTokens,
         .nothing = "automatic",
         .per_model = true}),
    engine_row<&EngineOptions::threads>(
        {.name = "model/threads",
         .flags = "-t,--threads",
         .page = SettingPage::model,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::whole,
         .label = "Threads",
         .help = "Compute threads of the CPU. Automatic: one for each core.",
         .least = 0,
         .most = 256,
         .nothing = "automatic",
         .per_model = true}),

    engine_row<&EngineOptions::memory>(
        {.name = "model/memory",
         .flags = "--memory",
         .page = SettingPage::memory,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::file,
         .label = "N-gram memory",
         .help =
             "A pack, or “off”. Empty: the one that fits, beside the model or among the program's "
             "packs.",
         .nothing = "the best one found"}),
    engine_row<&EngineOptions::ram_budget>(
        {.name = "model/ram_budget_mib",
         .flags = "--ram-budget",
         .page = SettingPage::memory,
         .applies = SettingApplies::at_once,
         .kind = SettingKind::size,
         .label = "RAM for n-gram rows",
         .help = "How much of the tables may stay in RAM. Automatic: a quarter of them, 8 MiB to "
                 "4 GiB.",
         .unit = "MiB",
         .least = 0,
         .most = kSizeMax,
         .nothing = "automatic",
         .per_model = true}),
    engine_row<&EngineOptions::device_rows>(
        {.name = "model/device_rows_mib",
         .flags = "--device-rows",
         .page = SettingPage::memory,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::size,
         .label = "Rows on the GPU",
         .help =
             "How much of a GPU's memory keeps the n-gram rows that are used most, so that they "
             "need not travel to it. None: they travel each time.",
         .unit = "MiB",
         .least = 0,
         .most = kSizeMax,
         .nothing = "none",
         .per_model = true}),

    bound_row<&Settings::system_prompt>({.name = "new_chats/system_prompt",
                                         .flags = "--system",
                                         .page = SettingPage::chat,
                                         .applies = SettingApplies::new_chats,
                                         .kind = SettingKind::text,
                                         .label = "System prompt",
                                         .help = "What the model is told before the first message.",
                                         .nothing = "the model's own",
                                         .per_model = true}),
    sampler_row<&SamplerOptions::temperature>({.name = "new_chats/temperature",
                                               .flags = "--temp",
                                               .page = SettingPage::sampling,
                                               .applies = SettingApplies::new_chats,
                                               .kind = SettingKind::real,
                                               .label = "Temperature",
                                               .help = "0: always the most probable token.",
                                               .least = 0,
                                               .most = 10,
                                               .per_model = true}),
    sampler_row<&SamplerOptions::top_k>({.name = "new_chats/top_k",
                                         .flags = "--top-k",
                                         .page = SettingPage::sampling,
                                         .applies = SettingApplies::new_chats,
                                         .kind = SettingKind::whole,
                                         .label = "Top-k",
                                         .help = "Only the k most probable tokens. 0: off.",
                                         .least = 0,
                                         .most = 1'000'000,
                                         .nothing = "off",
                                         .per_model = true}),
    sampler_row<&SamplerOptions::top_p>(
        {.name = "new_chats/top_p",
         .flags = "--top-p",
         .page = SettingPage::sampling,
         .applies = SettingApplies::new_chats,
         .kind = SettingKind::real,
         .label = "Top-p",
         .help = "Only the most probable tokens that together have this probability. 1: off.",
         .least = 0.01,
         .most = 1,
         .per_model = true}),
    sampler_row<&SamplerOptions::min_p>(
        {.name = "new_chats/min_p",
         .flags = "--min-p",
         .page = SettingPage::sampling,
         .applies = SettingApplies::new_chats,
         .kind = SettingKind::real,
         .label = "Min-p",
         .help = "Only tokens with this share of the best one's probability. 0: off.",
         .least = 0,
         .most = 1,
         .per_model = true}),
    sampler_row<&SamplerOptions::repetition_penalty>(
        {.name = "new_chats/repetition_penalty",
         .flags = "--repeat-penalty",
         .page = SettingPage::sampling,
         .applies = SettingApplies::new_chats,
         .kind = SettingKind::real,
         .label = "Repetition penalty",
         .help = "Makes recent tokens less likely. 1: off.",
         .least = 0.1,
         .most = 10,
         .per_model = true}),
    sampler_row<&SamplerOptions::repetition_window>(
        {.name = "new_chats/repetition_window",
         .flags = "--repeat-window",
         .page = SettingPage::sampling,
         .applies = SettingApplies::new_chats,
         .kind = SettingKind::whole,
         .label = "Repetition window",
         .help = "How many of the last tokens the repetition penalty is for.",
         .unit = "tokens",
         .least = 0,
         .most = 1'000'000,
         .nothing = "none",
         .per_model = true}),
    sampler_row<&SamplerOptions::seed>(
        {.name = "new_chats/seed",
         .flags = "--seed",
         .page = SettingPage::sampling,
         .applies = SettingApplies::new_chats,
         .kind = SettingKind::seed,
         .label = "Seed",
         .help = "The same seed gives the same answer; it is recorded with each.",
         .nothing = "a fresh one each time",
         .kept = false}),
    sampler_row<&SamplerOptions::stops>({.name = "new_chats/stops",
                                         .flags = "--stop",
                                         .page = SettingPage::sampling,
                                         .applies = SettingApplies::new_chats,
                                         .kind = SettingKind::texts,
                                         .label = "Stop texts",
                                         .help = "An answer ends in front of the first of these.",
                                         .nothing = "none",
                                         .kept = false}),
    chat_row<&ChatSettings::max_tokens>(
        {.name = "new_chats/max_tokens",
         .flags = "-n",
         .page = SettingPage::chat,
         .applies = SettingApplies::new_chats,
         .kind = SettingKind::whole,
         .label = "Longest answer",
         .help = "No limit: until the model ends it or the context is full.",
         .unit = "tokens",
         .least = 0,
         .most = kMostTokens,
         .nothing = "no limit",
         .per_model = true}),
    chat_row<&ChatSettings::memory_on>({.name = "new_chats/memory_on",
                                        .flags = "",
                                        .page = SettingPage::chat,
                                        .applies = SettingApplies::new_chats,
                                        .kind = SettingKind::toggle,
                                        .label = "N-gram memory",
                                        .help = "Off: the model answers without it.",
                                        .per_model = true}),

    window_row<&WindowSettings::theme>({.name = "window/theme",
                                        .flags = "--theme",
                                        .page = SettingPage::window,
                                        .applies = SettingApplies::at_once,
                                        .kind = SettingKind::choice,
                                        .label = "Theme",
                                        .help = "System follows the desktop.",
                                        .choices = kThemeNames}),
    window_row<&WindowSettings::zoom>({.name = "window/zoom",
                                       .flags = "",
                                       .page = SettingPage::window,
                                       .applies = SettingApplies::at_once,
                                       .kind = SettingKind::real,
                                       .label = "Zoom",
                                       .help = "Size of all text.",
                                       .least = 0.75,
                                       .most = 2}),

    engine_row<&EngineOptions::record_log_bytes>(
        {.name = "model/record_log_gib",
         .flags = "--record-log",
         .page = SettingPage::advanced,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::size,
         .label = "Record log on the drive",
         .help = "Room on the drive for a second copy of rows that were read, each n-gram's "
                 "together, so that fewer reads bring them back; about a four-hundredth of it is "
                 "taken in RAM. None: nothing is stored.",
         .unit = "GiB",
         .least = 0,
         .most = kSizeMax,
         .nothing = "none",
         .per_model = true}),
    engine_row<&EngineOptions::numa_node>(
        {.name = "model/numa_node",
         .flags = "--numa-node",
         .page = SettingPage::advanced,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::whole,
         .label = "NUMA node for n-gram rows",
         .help = "Where rows in RAM lie on a machine with several nodes; RAM behind CXL is a node "
                 "of its own. Automatic: the system chooses.",
         .least = -1,
         .most = 1023,
         .nothing = "automatic",
         .per_model = true}),
    engine_row<&EngineOptions::verify>(
        {.name = "model/verify",
         .flags = "--verify",
         .page = SettingPage::advanced,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::choice,
         .label = "Compare rows with their checksums",
         .help = "For packs that have checksums. sampled: one row in 64.",
         .choices = kVerifyNames}),
    engine_row<&EngineOptions::exact>(
        {.name = "model/exact",
         .flags = "--exact",
         .page = SettingPage::advanced,
         .applies = SettingApplies::on_opening,
         .kind = SettingKind::toggle,
         .label = "Exact arithmetic",
         .help = "Activations in float32: slower, the same on every processor.",
         .per_model = true}),
    engine_row<&EngineOptions::instruction_set>({.name = "model/instruction_set",
                                                 .flags = "--instruction-set",
                                                 .page = SettingPage::advanced,
                                                 .applies = SettingApplies::on_opening,
                                                 .kind = SettingKind::choice,
                                                 .label = "Instruction set",
                                                 .help = "Kernels of the CPU.",
                                                 .nothing = "the best",
                                                 .choices = kInstructionSets,
                                                 .kept = false}),
};

}  // namespace

std::span<const Setting> all_settings() {
  return kSettings;
}

const Setting& find_setting(std::string_view name) {
  const auto found = std::ranges::find(kSettings, name, &Setting::name);
  CHECK(found != std::end(kSettings));
  return *found;
}

}  // namespace mneme
