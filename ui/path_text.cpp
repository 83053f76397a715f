// SPDX-License-Identifier: Apache-2.0
#include "ui/path_text.h"

#include <pwd.h>
#include <unistd.h>

#include <QDir>
#include <QUrl>
#include <array>

namespace mneme {
namespace {

QString homeOf(const QString& user) {
  if (user.isEmpty()) return QDir::homePath();
  std::array<char, 4096> text{};
  passwd entry{};
  passwd* found = nullptr;
  const QByteArray name = user.toLocal8Bit();
  if (::getpwnam_r(name.constData(), &entry, text.data(), text.size(), &found) != 0) return {};
  return found != nullptr ? QString::fromLocal8Bit(found->pw_dir) : QString();
}

}  // namespace

QString pathFromText(const QString& text) {
  const QString path = text.trimmed();
  if (path.startsWith(QLatin1String("file://"), Qt::CaseInsensitive)) {
    const QString local = QUrl(path).toLocalFile();
    return local.isEmpty() ? path : local;
  }
  if (!path.startsWith(QLatin1Char('~'))) return path;
  const qsizetype slash = path.indexOf(QLatin1Char('/'));
  const qsizetype end = slash < 0 ? path.size() : slash;
  const QString home = homeOf(path.mid(1, end - 1));
  return home.isEmpty() ? path : home + path.mid(end);
}

}  // namespace mneme
