// SPDX-License-Identifier: Apache-2.0
#include "tests/support/slow_reader.h"

#include <chrono>
#include <thread>
#include <utility>

#include "base/file.h"

namespace mneme {

void SlowReaderControl::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void SlowReaderControl::release() {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
    waiting_.insert(waiting_.begin(), staying_.begin(), staying_.end());
    staying_.clear();
  }
  changed_.notify_all();
}

void SlowReaderControl::release_all_but(std::size_t first) {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(first);
    staying_.insert(staying_.end(), waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
  }
  changed_.notify_all();
}

void SlowReaderControl::set_delay_us(std::uint32_t delay_us) {
  const std::lock_guard lock(mutex_);
  delay_us_ = delay_us;
}

void SlowReaderControl::set_out_of_order(bool on) {
  const std::lock_guard lock(mutex_);
  out_of_order_ = on;
}

void SlowReaderControl::set_fault(std::function<ReadFault(const ReadRequest&)> fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

std::vector<ReadRequest> SlowReaderControl::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

class SlowReader final : public RowReader {
 public:
  SlowReader(std::vector<File> files, Callback done, std::shared_ptr<SlowReaderControl> control)
      : files_(std::move(files)),
        done_(std::move(done)),
        control_(std::move(control)),
        thread_([this] { loop(); }) {}

  ~SlowReader() override {
    {
      const std::lock_guard lock(control_->mutex_);
      control_->closing_ = true;
    }
    control_->changed_.notify_all();
    thread_.join();
    control_->waiting_.clear();
    control_->staying_.clear();
    control_->closing_ = false;
  }

  std::string_view name() const override { return "slow"; }
  StorageKind storage() const override { return StorageKind::cached; }
  std::string_view file_system() const override { return "test"; }

  void read(std::span<const ReadRequest> batch, WhenFull) override {
    {
      const std::lock_guard lock(control_->mutex_);
      control_->waiting_.insert(control_->waiting_.end(), batch.begin(), batch.end());
      control_->seen_.insert(control_->seen_.end(), batch.begin(), batch.end());
    }
    control_->changed_.notify_all();
  }

 private:
  void loop() {
    SlowReaderControl& control = *control_;
    for (;;) {
      ReadRequest request;
      ReadFault fault = ReadFault::none;
      std::uint32_t delay_us = 0;
      {
        std::unique_lock lock(control.mutex_);
        control.changed_.wait(lock, [&] {
          return control.closing_ || (!control.held_ && !control.waiting_.empty());
        });
        if (control.closing_) return;
        const auto next =
            control.out_of_order_ ? control.waiting_.end() - 1 : control.waiting_.begin();
        request = *next;
        control.waiting_.erase(next);
        if (control.fault_) fault = control.fault_(request);
        delay_us = control.delay_us_;
      }
      if (delay_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
      answer(request, fault, delay_us);
    }
  }

  void answer(const ReadRequest& request, ReadFault fault, std::uint32_t delay_us) {
    const File& file = files_[request.file];
    std::vector<std::byte> bytes(request.size);
    ReadCompletion completion{.tag = request.tag};
    completion.latency_us = delay_us + 1;
    completion.bytes_at_drive = request.size;
    if (fault == ReadFault::eio) {
      completion.status =
          Error{ErrorCode::io, "cannot read " + file.path() + " at byte " +
                                   std::to_string(request.offset) + ": Input/output error"};
    } else {
      completion.status = file.read_at(request.offset, bytes);
      completion.bytes = bytes;
      if (fault == ReadFault::too_short)
        completion.bytes = completion.bytes.first(request.size / 2);
    }
    done_(completion);
  }

  const std::vector<File> files_;  // [paths]
  const Callback done_;
  const std::shared_ptr<SlowReaderControl> control_;
  std::thread thread_;
};

RowReaderFactory slow_reader_factory(std::shared_ptr<SlowReaderControl> control) {
  return [control = std::move(control)](
             const std::vector<std::string>& paths,
             RowReader::Callback done) -> Result<std::unique_ptr<RowReader>> {
    std::vector<File> files;
    for (const std::string& path : paths) {
      auto file = File::open(path);
      if (!file) return file.error();
      files.push_back(std::move(*file));
    }
    return std::unique_ptr<RowReader>(
        std::make_unique<SlowReader>(std::move(files), std::move(done), control));
  };
}

}  // namespace mneme
