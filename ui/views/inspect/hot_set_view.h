// SPDX-License-Identifier: Apache-2.0
// The hot set: a map of which rows of a layer's table are in RAM, the rows at a
// place of it, and what can be done about them. UI thread.
#pragma once

#include <QElapsedTimer>
#include <QTimer>
#include <QWidget>
#include <memory>

#include "ui/bridge/jobs.h"
#include "ui/models/hot_set_picture.h"

class QComboBox;
class QHBoxLayout;
class QLabel;
class QTableWidget;

namespace mneme {

class ElidedLabel;
class HotSetCanvas;

class HotSetView : public QWidget {
  Q_OBJECT

 public:
  // A new picture at most so often, and never for more than a fiftieth of one core's time. None
  // while the view is hidden, or nothing came or went.
  static constexpr int kPauseMs = 2000;
  static constexpr double kCoreShare = 0.02;

  HotSetView(BranchTrace& trace, InspectSource& source, Jobs& jobs, QWidget* parent = nullptr);

  void addActions(QWidget* actions);  // into the line of the layer; it becomes the view's

  HotSetCanvas* canvas() const { return m_canvas; }
  const std::shared_ptr<const HotSetPicture>& picture() const { return m_picture; }

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void build();
  void modelChanged();
  void askSoon();
  void ask();
  void receive(std::shared_ptr<const HotSetPicture> picture);
  void refresh();
  void refreshList();
  void fitHeadings();
  QString whyEmpty() const;

  BranchTrace& m_trace;
  InspectSource& m_source;
  Jobs& m_jobs;
  std::shared_ptr<const HotSetPicture> m_picture;
  std::unique_ptr<const ClassWords> m_words;
  QTimer m_timer;
  // What the newest picture was made of.
  struct Seen {
    std::uint64_t entries = 0, evictions = 0, restored = 0;
    int tokens = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  Seen now() const;
  Seen m_seen;
  bool m_stale = true;  // whatever it was made of, another is wanted

  QLabel* m_empty = nullptr;
  QWidget* m_body = nullptr;
  QHBoxLayout* m_head = nullptr;
  QComboBox* m_layer = nullptr;
  ElidedLabel* m_summary = nullptr;
  HotSetCanvas* m_canvas = nullptr;
  ElidedLabel* m_place = nullptr;
  QTableWidget* m_list = nullptr;
};

}  // namespace mneme
