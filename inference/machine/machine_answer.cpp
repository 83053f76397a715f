// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/machine_answer.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/exceptions.h"
#include "base/printable.h"
#include "inference/run/machine.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDevices = "devices";
constexpr std::string_view kRamSpeed = "ram-speed";
constexpr std::string_view kDeviceSpeed = "device-speed";
constexpr int kDone = 0;
constexpr int kUsage = 2;
constexpr std::size_t kAnswerShown = 64;  // bytes of an answer that is none

Json to_json(const DeviceInfo& device) {
  return {{"id", device.id},
          {"name", device.name},
          {"driver", device.driver},
          {"total_bytes", device.total_bytes},
          {"free_bytes", device.free_bytes},
          {"automatic", device.automatic},
          {"unusable", device.unusable}};
}

DeviceInfo device_of(const Json& json) {
  return {.id = json.at("id"),
          .name = json.at("name"),
          .driver = json.at("driver"),
          .total_bytes = json.at("total_bytes"),
          .free_bytes = json.at("free_bytes"),
          .automatic = json.at("automatic"),
          .unusable = json.at("unusable")};
}

Json to_json(const Result<double>& speed) {
  if (speed) return {{"gb_per_second", *speed}};
  return {{"error", speed.error().message}, {"code", static_cast<int>(speed.error().code)}};
}

std::optional<Json> answer_to(const std::vector<std::string_view>& question) {
  if (question.size() == 1 && question[0] == kDevices) {
    Json list = Json::array();
    for (const DeviceInfo& device : devices()) list.push_back(to_json(device));
    return Json{{"devices", std::move(list)}};
  }
  if (question.size() == 1 && question[0] == kRamSpeed)
    return to_json(read_bandwidth_gb_s(default_threads()));
  if (question.size() == 2 && question[0] == kDeviceSpeed)
    return to_json(device_bandwidth_gb_s(std::string(question[1])));
  return std::nullopt;
}

// What `read` makes of it. It throws where something is missing or of another kind.
template <class T, class Read>
Result<T> read_answer(std::string_view answer, Read read) {
  const Json json = Json::parse(answer, nullptr, false);
  const auto value = without_exceptions([&]() -> Result<T> {
    if (const auto error = json.find("error"); error != json.end())
      return Error{static_cast<ErrorCode>(json.at("code").get<int>()), *error};
    return read(json);
  });
  if (value || (json.is_object() && json.contains("error"))) return value;
  return Error{ErrorCode::corrupt, fmt::format("the answer \"{}\" is none that this program gives",
                                               printable(answer.substr(0, kAnswerShown)))};
}

}  // namespace

std::vector<std::string> ask_for_devices() {
  return {kAnswerFlag, std::string(kDevices)};
}

std::vector<std::string> ask_for_ram_speed() {
  return {kAnswerFlag, std::string(kRamSpeed)};
}

std::vector<std::string> ask_for_device_speed(const std::string& device) {
  return {kAnswerFlag, std::string(kDeviceSpeed), device};
}

std::optional<int> answer_about_machine(int argc, const char* const* argv) {
  if (argc < 2 || std::string_view(argv[1]) != kAnswerFlag) return std::nullopt;
  // Nobody is left to read the answer where the window was killed.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto answer = answer_to({argv + 2, argv + argc});
  if (!answer) return kUsage;
  // Names that drivers give may hold any bytes.
  const std::string line = answer->dump(-1, ' ', false, Json::error_handler_t::replace);
  std::puts(line.c_str());
  std::fflush(stdout);
  // Drivers tear down at the end of a process what the answer needs no more, and some fail at that.
  std::_Exit(kDone);
}

Result<std::vector<DeviceInfo>> devices_in(std::string_view answer) {
  return read_answer<std::vector<DeviceInfo>>(answer, [](const Json& json) {
    std::vector<DeviceInfo> devices;
    for (const Json& device : json.at("devices")) devices.push_back(device_of(device));
    return devices;
  });
}

Result<double> speed_in(std::string_view answer) {
  return read_answer<double>(answer,
                             [](const Json& json) -> double { return json.at("gb_per_second"); });
}

}  // namespace mneme
