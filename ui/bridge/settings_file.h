// SPDX-License-Identifier: Apache-2.0
// The INI file of all settings, read once. What is set counts at once and is on disk soon: a thread
// of its own writes, so that a slow drive holds nobody up. What could not be written is tried again
// with the next change, and at last by the destructor, which waits for it. A file that a newer
// program wrote is neither used nor touched. UI thread.
#pragma once

#include <QHash>
#include <QMap>
#include <QString>
#include <QVariant>
#include <atomic>
#include <chrono>

#include "base/worker.h"
#include "ui/bridge/mailslot.h"

namespace mneme {

class SettingsFile {
 public:
  explicit SettingsFile(const QString& path);
  ~SettingsFile();

  QString path() const { return m_path; }
  // Why what the file says does not count, and nothing is kept; "" = it does.
  QString problem() const { return m_problem; }
  bool contains(const QString& key) const { return m_values.contains(key); }
  QVariant value(const QString& key, const QVariant& otherwise = {}) const;
  void setValue(const QString& key, const QVariant& value);
  // Writes what is left; nothing may be set afterwards. False: the drive has not answered by then.
  bool end(std::chrono::milliseconds atMost);
  void remove(const QString& key) { setValue(key, {}); }

 private:
  void write();  // the writer's thread

  const QString m_path;
  QString m_problem;
  QHash<QString, QVariant> m_values;
  Mailslot<QMap<QString, QVariant>> m_changed;  // since the writer came for them
  std::atomic<bool> m_asked = false;            // the writer will come for them
  QMap<QString, QVariant> m_unwritten;          // the writer's thread's
  Worker m_writer;                              // last: joins before the rest goes
};

}  // namespace mneme
