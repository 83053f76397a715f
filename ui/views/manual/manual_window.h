// SPDX-License-Identifier: Apache-2.0
// The manual in a window of its own, beside whatever is open: the list of pages, what is found in
// all of them, the page. UI thread.
#pragma once

#include <QWidget>
#include <vector>

#include "ui/views/manual/manual_pages.h"

class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;

namespace mneme {

class ManualView;
class SettingsFile;

class ManualWindow : public QWidget {
  Q_OBJECT

 public:
  // `file`, which remembers the window's place, outlives this.
  explicit ManualWindow(SettingsFile& file);

  void open(const QString& topic);

  // Named parts, for tests.
  ManualView* view() const { return m_view; }
  QLineEdit* field() const { return m_field; }
  QListWidget* list() const { return m_list; }
  QString found() const;  // what is said beside the field

 protected:
  void hideEvent(QHideEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  QWidget* makeSide();
  void makeKeys();
  void find();
  void walk(int by);
  void goToHit();
  void markHits();
  void refresh();

  SettingsFile& m_file;
  QPushButton* m_back = nullptr;
  QPushButton* m_forward = nullptr;
  QLineEdit* m_field = nullptr;
  QLabel* m_found = nullptr;
  QListWidget* m_list = nullptr;
  ManualView* m_view = nullptr;
  std::vector<ManualHit> m_hits;
  int m_hit = -1;  // the current one of m_hits; -1 = none
};

}  // namespace mneme
