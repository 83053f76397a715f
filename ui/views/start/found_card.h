// SPDX-License-Identifier: Apache-2.0
// "Found in other programs": the models on this machine, each with one press away. The list is as
// high as its rows: the page scrolls, not the list. UI thread.
#pragma once

#include <QTableView>

#include "ui/models/found_table.h"
#include "ui/views/start/start_card.h"

class QPushButton;

namespace mneme {

class FoundView : public QTableView {
  Q_OBJECT

 public:
  explicit FoundView(FoundTable& table, QWidget* parent = nullptr);

  void refit();  // after the rows or the width changed

 Q_SIGNALS:
  void chosen(int row);
  void currentMoved(const QRect& row);  // in this view's coordinates

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;
  void wheelEvent(QWheelEvent* event) override { event->ignore(); }  // the page scrolls

 private:
  void fitColumns();

  FoundTable& m_table;
};

class FoundCard : public StartCard {
  Q_OBJECT

 public:
  explicit FoundCard(QWidget* parent = nullptr);

  FoundView* list() const { return m_view; }
  FoundTable& table() { return m_table; }
  void searching();
  void show(FoundModels found);

 Q_SIGNALS:
  void lookAgain();
  void openRequested(const QString& path);

 private:
  FoundTable m_table;
  StartText* m_sum;
  QPushButton* m_again;
  QLabel* m_line;  // instead of the list, or what was left out below it
  FoundView* m_view;
};

}  // namespace mneme
