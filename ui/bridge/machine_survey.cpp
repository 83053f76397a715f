// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/machine_survey.h"

#include <algorithm>
#include <utility>

namespace mneme {
namespace {

constexpr char kFactsJob[] = "facts of the machine";
constexpr char kGpusJob[] = "ask for GPUs";
constexpr char kMemoryJob[] = "measure the memory";
constexpr char kDriveJob[] = "measure the drive";

}  // namespace

struct MachineSurvey::Speeds {
  Result<double> ram;
  std::optional<Result<double>> gpu;
};

MachineSurvey::MachineSurvey(Jobs& jobs, StartSources sources, QObject* parent)
    : QObject(parent), m_jobs(jobs), m_sources(std::move(sources)) {}

void MachineSurvey::goOn() {
  if (m_now == Step::none) begin(Step::facts);
}

void MachineSurvey::pause() {
  for (const char* job : {kFactsJob, kGpusJob, kMemoryJob, kDriveJob}) m_jobs.cancel(this, job);
  m_now = Step::none;
}

void MachineSurvey::measureAgain() {
  pause();
  m_left = Step::gpus;
  begin(Step::facts);
}

void MachineSurvey::begin(Step step) {
  m_now = step;
  switch (step) {
    case Step::facts:
      askForFacts();
      break;
    case Step::gpus:
      askForGpus();
      break;
    case Step::memory:
      measureMemory();
      break;
    case Step::drive:
      measureDrive();
      break;
    case Step::none:
      break;
  }
  Q_EMIT changed();
}

// The step that was under way has ended.
void MachineSurvey::next() {
  if (m_now != Step::facts) m_left = static_cast<Step>(static_cast<int>(m_now) + 1);
  begin(m_left);
}

void MachineSurvey::askForFacts() {
  m_jobs.start(
      this, kFactsJob, [facts = m_sources.facts](const Jobs::Stop&) { return facts(); },
      [this](const MachineFacts& facts) {
        m_facts = facts;
        next();
      });
}

void MachineSurvey::askForGpus() {
  m_jobs.start(this, kGpusJob, m_sources.gpus, [this](Result<std::vector<DeviceInfo>> gpus) {
    m_gpus = std::move(gpus);
    next();
  });
}

void MachineSurvey::measureMemory() {
  const DeviceInfo* used = usedGpu();
  m_jobs.start(
      this, kMemoryJob,
      [ram = m_sources.ramSpeed, device = m_sources.gpuSpeed,
       gpu = used != nullptr ? used->id : std::string()](const Jobs::Stop& stop) {
        Speeds speeds{.ram = ram(stop), .gpu = {}};
        if (!gpu.empty() && !stop) speeds.gpu = device(gpu, stop);
        return speeds;
      },
      [this](Speeds speeds) {
        m_ram = std::move(speeds.ram);
        m_gpu = std::move(speeds.gpu);
        next();
      });
}

void MachineSurvey::measureDrive() {
  m_jobs.start(this, kDriveJob, m_sources.drive, [this](Result<DriveSpeed> speed) {
    m_drive = std::move(speed);
    next();
  });
}

const DeviceInfo* MachineSurvey::usedGpu() const {
  if (!m_gpus || !*m_gpus) return nullptr;
  const auto used = std::ranges::find_if(**m_gpus, &DeviceInfo::automatic);
  return used == (*m_gpus)->end() ? nullptr : &*used;
}

MachineSpeed MachineSurvey::speed() const {
  MachineSpeed speed;
  if (m_facts) speed.ram_free_bytes = m_facts->ram.free_bytes;
  if (m_ram && *m_ram) speed.ram_gb_s = **m_ram;
  // A card that cannot be measured is none for the estimates.
  if (const DeviceInfo* used = usedGpu(); used != nullptr && m_gpu && *m_gpu) {
    speed.gpu_free_bytes = used->free_bytes;
    speed.gpu_gb_s = **m_gpu;
  }
  return speed;
}

}  // namespace mneme

#include "moc_machine_survey.cpp"
