// SPDX-License-Identifier: Apache-2.0
#include "app/cli/write_file.h"

#include <fmt/format.h>

#include <chrono>

#include "app/cli/interrupt.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "base/printable.h"

namespace mneme::cli {

int write_file(const GgufWriter& writer, const std::string& path, bool estimate) {
  print_out("{}: {}\n", printable(path, kMessageBytesMax), bytes_text(writer.file_bytes()));
  flush_out();
  if (estimate) return kDone;
  using Clock = std::chrono::steady_clock;
  Clock::time_point start, shown;
  std::uint64_t first = 0;  // bytes that an earlier write had done
  const auto progress = [&](const GgufWriter::Progress& now) {
    const auto time = Clock::now();
    if (start == Clock::time_point{}) {
      start = time;
      first = now.done;
    }
    if (time - shown < std::chrono::milliseconds(200) && now.done < now.total) return;
    shown = time;
    const double seconds = std::chrono::duration<double>(time - start).count();
    const double rate = seconds > 0 ? static_cast<double>(now.done - first) / seconds : 0;
    show_progress(fmt::format("{:.1f} % of {}, {}/s",
                              100 * static_cast<double>(now.done) / static_cast<double>(now.total),
                              bytes_text(now.total), bytes_text(static_cast<std::uint64_t>(rate))));
  };
  const Status status = writer.write_resumable(path, progress, interrupt_flag());
  show_progress("");
  if (!status) return fail(status.error());
  print_out("wrote {}\n", printable(path, kMessageBytesMax));
  return kDone;
}

}  // namespace mneme::cli
