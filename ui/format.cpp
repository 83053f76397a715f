// SPDX-License-Identifier: Apache-2.0
#include "ui/format.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QFileInfo>
#include <QLocale>
#include <algorithm>
#include <cmath>

#include "inference/files/hub_source.h"

namespace mneme::format {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("format", text);
}

QString number(double value, int digits) {
  return QLocale().toString(value, 'f', digits);
}

// Two or three figures: 9.4, 71, 884.
QString short3(double value) {
  return number(value, value < 9.95 ? 1 : 0);
}

}  // namespace

QString bytes(std::uint64_t count) {
  const auto value = static_cast<double>(count);
  if (count < 1000) return tr("%1 B").arg(number(value, 0));
  if (value < 1e6) return tr("%1 kB").arg(short3(value / 1e3));
  if (value < 1e9) return tr("%1 MB").arg(short3(value / 1e6));
  if (value < 1e12) return tr("%1 GB").arg(short3(value / 1e9));
  return tr("%1 TB").arg(short3(value / 1e12));
}

QString bytesOf(std::uint64_t part, std::uint64_t all) {
  double unit = 1;
  while (unit < 1e12 && static_cast<double>(all) / unit >= 1000) unit *= 1000;
  const double value = static_cast<double>(part) / unit;
  const double last = static_cast<double>(all) / unit;
  return tr("%1 of %2").arg(number(value, unit > 1 && last < 9.95 ? 2 : 0), bytes(all));
}

QString bytesPerSecond(double value) {
  return tr("%1/s").arg(bytes(static_cast<std::uint64_t>(std::max(0.0, value))));
}

QString timeLeft(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole < 100) return tr("%1 s left").arg(whole);
  const std::int64_t minutes = (whole + 59) / 60;
  if (minutes < 60) return tr("%1 min left").arg(minutes);
  return tr("%1 h %2 min left").arg(count(minutes / 60)).arg(minutes % 60);
}

QString count(std::int64_t value) {
  return QLocale().toString(static_cast<qlonglong>(value));
}

QString counted(std::int64_t value, const QString& one, const QString& many) {
  return (value == 1 ? one : many).arg(count(value));
}

QString compactCount(std::uint64_t value) {
  const auto v = static_cast<double>(value);
  if (value < 10000) return QLocale().toString(static_cast<qulonglong>(value));
  if (v < 1e6) return tr("%1 k").arg(short3(v / 1e3));
  if (v < 1e9) return tr("%1 M").arg(short3(v / 1e6));
  return tr("%1 G").arg(short3(v / 1e9));
}

QString percent(double share) {
  if (std::isnan(share)) return tr("–");
  const double value = share * 100;
  if (value > 0 && value < 1) return tr("< 1 %");
  if (value > 99 && value < 100) return tr("> 99 %");
  return tr("%1 %").arg(number(value, 0));
}

QString microseconds(double us) {
  if (us < 1000) return tr("%1 µs").arg(number(us, 0));
  return milliseconds(us / 1000);
}

QString milliseconds(double ms) {
  if (ms <= 0) return tr("0 ms");
  if (ms < 1) return tr("%1 µs").arg(number(ms * 1000, 0));
  if (ms < 100) return tr("%1 ms").arg(short3(ms));
  if (ms < 10000) return tr("%1 s").arg(number(ms / 1000, 2));
  if (ms < 60000) return tr("%1 s").arg(number(ms / 1000, 1));
  const auto seconds = static_cast<std::int64_t>(std::llround(ms / 1000));
  return tr("%1 min %2 s").arg(count(seconds / 60)).arg(seconds % 60);
}

QString rate(double tokensPerSecond) {
  return tr("%1 tok/s").arg(number(tokensPerSecond, tokensPerSecond < 99.95 ? 1 : 0));
}

QString perSecond(double value) {
  return tr("%1/s").arg(compactCount(static_cast<std::uint64_t>(std::max(0.0, value + 0.5))));
}

QString probability(double value) {
  if (std::isnan(value)) return tr("–");
  const double p = value * 100;
  if (p > 0 && p < 0.05) return tr("< 0.1 %");
  return tr("%1 %").arg(number(p, p < 9.95 ? 1 : 0));
}

QString decimal(double value, int digits) {
  return number(value, digits);
}

QString dateTime(std::int64_t epochMs) {
  const QDateTime time = QDateTime::fromMSecsSinceEpoch(epochMs);
  const bool thisYear = time.date().year() == QDate::currentDate().year();
  return QLocale().toString(time, thisYear ? tr("d MMM HH:mm") : tr("d MMM yyyy HH:mm"));
}

QString modelName(const QString& path, const QString& quantization) {
  // Folders may have points in their names.
  QString name = path.endsWith(QLatin1String(".gguf"), Qt::CaseInsensitive)
                     ? QFileInfo(path).completeBaseName()
                     : QString::fromStdString(hub_folder_name(path.toStdString()));
  if (name.size() > quantization.size() + 1 && name.endsWith(quantization, Qt::CaseInsensitive) &&
      !name[name.size() - quantization.size() - 1].isLetterOrNumber()) {
    name.chop(quantization.size() + 1);
  }
  return name;
}

}  // namespace mneme::format
