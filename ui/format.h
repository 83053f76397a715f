// SPDX-License-Identifier: Apache-2.0
// Numbers as text, by the user's locale and always with their unit: the only place in the window
// that knows units. UI thread.
#pragma once

#include <QString>
#include <cstdint>

namespace mneme::format {

QString bytes(std::uint64_t count);  // "71 MB", "1.4 GB" (powers of 1,000), "33 B"
// "0.57 of 1.4 GB": both in the unit of the second.
QString bytesOf(std::uint64_t part, std::uint64_t all);
QString bytesPerSecond(double value);  // "41 MB/s"
QString timeLeft(double seconds);      // "20 s left", "3 min left", "1 h 5 min left"
QString count(std::int64_t value);   // "1,024"
// `one` or `many` with the number in place of %1: counted(96, tr("%1 token"), tr("%1 tokens")).
QString counted(std::int64_t value, const QString& one, const QString& many);
QString compactCount(std::uint64_t value);  // "2.6 M", "940"
QString percent(double share);              // 0.61 -> "61 %"; "< 1 %" for what is not nothing
QString milliseconds(double ms);            // "84 µs", "18 ms", "0.18 s", "1 min 12 s"
QString microseconds(double us);
QString rate(double tokensPerSecond);           // "42.1 tok/s"
QString perSecond(double value);                // "1.2 k/s"
QString probability(double value);              // "81 %", "0.4 %"
QString decimal(double value, int digits = 2);  // "0.93"
QString dateTime(std::int64_t epochMs);         // "22 Nov 14:05"; with the year if another

// "SmolLM2-135M-Instruct" for .../SmolLM2-135M-Instruct.Q4_1.gguf: people know models by their
// files, the names inside are often those of a training run.
QString modelName(const QString& path, const QString& quantization);

}  // namespace mneme::format
