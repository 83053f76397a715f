// SPDX-License-Identifier: Apache-2.0
// mneme-cli machine: what this machine has, how fast it is, and what runs well on it.
#include "inference/run/machine.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "base/printable.h"
#include "inference/machine/drive_speed.h"
#include "inference/machine/machine_facts.h"
#include "inference/machine/row_cost.h"
#include "inference/machine/size_classes.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct MachineOptions {
  std::string folder;
  bool json = false;
};

struct Machine {
  MachineFacts facts;
  std::vector<DeviceInfo> gpus;
  MachineSpeed speed;
  std::string ram_error;  // why the speed of the RAM is not known
  std::string gpu_error;  // why the speed of the GPU that counts is not known
  std::string folder;     // that lies on the drive
  std::optional<Result<DriveSpeed>> drive;
};

Result<Machine> measure(const MachineOptions& options) {
  Machine machine;
  machine.facts = machine_facts();
  show_progress("asking for GPUs");
  machine.gpus = gpus_of(devices());
  show_progress("measuring the RAM");
  machine.speed.ram_free_bytes = machine.facts.ram.free_bytes;
  const auto ram = read_bandwidth_gb_s(default_threads());
  if (ram) {
    machine.speed.ram_gb_s = *ram;
  } else {
    machine.ram_error = ram.error().message;
  }
  for (const DeviceInfo& gpu : machine.gpus) {
    if (!gpu.automatic) continue;
    show_progress("measuring the GPU");
    const auto speed = device_bandwidth_gb_s(gpu.id);
    if (speed) {
      machine.speed.gpu_free_bytes = gpu.free_bytes;
      machine.speed.gpu_gb_s = *speed;
    } else {
      machine.gpu_error = speed.error().message;
    }
    break;
  }
  machine.folder = nearest_folder(options.folder.empty() ? Paths::find().models : options.folder);
  machine.drive =
      measure_drive(machine.folder, *interrupt_flag(), [](double done, std::string_view what) {
        show_progress(fmt::format("measuring the drive: {}, {:.0f} %", what, 100 * done));
      });
  show_progress("");
  RETURN_IF_ERROR(check_interrupt());
  return machine;
}

Json machine_json(const Machine& machine) {
  const MachineFacts& facts = machine.facts;
  Json gpus = Json::array();
  for (const DeviceInfo& gpu : machine.gpus) gpus.push_back(to_json(gpu));
  Json drive = {{"folder", machine.folder}};
  Json rows = Json::array();
  if (*machine.drive) {
    const DriveSpeed& speed = **machine.drive;
    drive["large_bytes_per_second"] = speed.large_bytes_per_second;
    drive["small_reads_per_second"] = speed.small_reads_per_second;
    drive["small_read_us"] = speed.small_read_us;
    drive["small_read_us_p99"] = speed.small_read_us_p99;
    drive["file_bytes"] = speed.file_bytes;
    for (const RowCost& cost : row_costs(speed)) {
      rows.push_back({{"model", cost.model},
                      {"rows_per_token", cost.rows_per_token},
                      {"ms_per_token", cost.ms_per_token}});
    }
  } else {
    drive["error"] = machine.drive->error().message;
  }
  Json classes = Json::array();
  for (const SizeClass& size : size_classes(machine.speed)) {
    classes.push_back({{"name", size.name},
                       {"bytes_min", size.bytes_min},
                       {"bytes_max", size.bytes_max},
                       {"bytes_fit", size.bytes_fit},
                       {"place", in_words(size.estimate.place)},
                       {"tokens_per_second_min", size.estimate.tokens_min},
                       {"tokens_per_second_max", size.estimate.tokens_max},
                       {"pace", size.bytes_fit > 0 ? Json(in_words(size.estimate.pace)) : Json()}});
  }
  return {
      {"processor",
       {{"name", facts.processor}, {"cores", facts.cores}, {"instructions", facts.instructions}}},
      {"ram",
       {{"total_bytes", facts.ram.total_bytes},
        {"free_bytes", facts.ram.free_bytes},
        {"gb_per_second", machine.ram_error.empty() ? Json(machine.speed.ram_gb_s) : Json()}}},
      {"gpus", std::move(gpus)},
      {"gpu_gb_per_second", machine.speed.gpu_gb_s > 0 ? Json(machine.speed.gpu_gb_s) : Json()},
      {"drive", std::move(drive)},
      {"rows", std::move(rows)},
      {"sizes", std::move(classes)}};
}

std::string rate_text(double tokens) {
  return tokens < 10 ? fmt::format("{:.1f}", tokens) : fmt::format("{:.0f}", tokens);
}

void print_gpus(const Machine& machine) {
  if (machine.gpus.empty()) print_out("GPU        none was found\n");
  bool first = true;
  for (const DeviceInfo& gpu : machine.gpus) {
    print_out("{:10} {}", first ? "GPU" : "", printable(gpu.name));
    first = false;
    if (!gpu.unusable.empty()) {
      print_out(": cannot be used: {}\n", printable(gpu.unusable, kMessageBytesMax));
    } else {
      print_out(", {}, {} free{}\n", bytes_text(gpu.total_bytes), bytes_text(gpu.free_bytes),
                gpu.automatic ? "" : "; used only where it is named");
    }
  }
  if (machine.speed.gpu_gb_s > 0) print_out("{:10} {:.0f} GB/s\n", "", machine.speed.gpu_gb_s);
  if (!machine.gpu_error.empty()) {
    print_out("{:10} its speed is not known: {}\n", "",
              printable(machine.gpu_error, kMessageBytesMax));
  }
}

void print_drive(const Machine& machine) {
  const Result<DriveSpeed>& drive = *machine.drive;
  if (!drive) {
    print_out("drive      {}\n", printable(drive.error().message, kMessageBytesMax));
    return;
  }
  print_out("drive      {}/s in large reads, {:.0f} small reads a second ({})\n",
            bytes_text(static_cast<std::uint64_t>(drive->large_bytes_per_second)),
            drive->small_reads_per_second, printable(machine.folder, kMessageBytesMax));
  print_out("{:10} {:.0f} us for one small read, {:.0f} us for the slowest 1 %\n", "",
            drive->small_read_us, drive->small_read_us_p99);
  for (const RowCost& cost : row_costs(*drive)) {
    print_out("{:10} n-gram tables of {}: about {:.2g} ms a token ({} rows, none in RAM)\n", "",
              cost.model, cost.ms_per_token, cost.rows_per_token);
  }
}

void print_text(const Machine& machine) {
  const MachineFacts& facts = machine.facts;
  print_out("processor  {}, {} core{}, {}\n", printable(facts.processor), facts.cores,
            facts.cores == 1 ? "" : "s", facts.instructions);
  print_out("RAM        {}, {} free{}", bytes_text(facts.ram.total_bytes),
            bytes_text(facts.ram.free_bytes), facts.ram.where);
  if (machine.ram_error.empty()) {
    print_out(", about {:.0f} GB/s\n", machine.speed.ram_gb_s);
  } else {
    print_out("\n{:10} its speed is not known: {}\n", "", machine.ram_error);
  }
  print_gpus(machine);
  print_drive(machine);
  print_out("\nwhat runs well here (estimated, dense models at 4 bits):\n");
  print_out("{:11} {:>19}  {:12} {:>14}\n", "size", "file", "lies in", "tokens/s");
  for (const SizeClass& size : size_classes(machine.speed)) {
    const std::uint64_t most = size.bytes_fit > 0 ? size.bytes_fit : size.bytes_max;
    const std::string file = fmt::format("{} to {}", bytes_text(size.bytes_min), bytes_text(most));
    const DecodeEstimate& estimate = size.estimate;
    print_out("{:11} {:>19}  {:12}", size.name, file, in_words(estimate.place));
    if (size.bytes_fit > 0) {
      print_out(" {:>14}  {}",
                rate_text(estimate.tokens_min) + " to " + rate_text(estimate.tokens_max),
                in_words(estimate.pace));
    }
    print_out("\n");
  }
}

int run(const MachineOptions& options) {
  const auto machine = measure(options);
  show_progress("");
  if (!machine) return fail(machine.error());
  if (options.json) {
    print_out("{}\n", json_text(machine_json(*machine)));
  } else {
    print_text(*machine);
  }
  return kDone;
}

}  // namespace

Command add_machine(CLI::App& parent) {
  auto options = std::make_shared<MachineOptions>();
  CLI::App* app = parent.add_subcommand(
      "machine", "Measure this machine (some seconds) and estimate what runs well on it");
  add_name(*app, "--folder", options->folder, "FOLDER",
           "whose drive is measured, with a file of up to 128 MiB that is gone afterwards",
           "where models lie");
  app->add_flag("--json", options->json, "one JSON object");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
