// SPDX-License-Identifier: Apache-2.0
#include "ui/views/manual/manual_window.h"

#include <QFrame>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QShortcut>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/bridge/settings_file.h"
#include "ui/theme.h"
#include "ui/views/manual/manual_view.h"
#include "ui/web_link.h"

namespace mneme {
namespace {

constexpr int kListWidth = 216;
constexpr int kRowHeight = 30;

QString placeKey() {
  return QStringLiteral("manual/geometry");
}

}  // namespace

ManualWindow::ManualWindow(SettingsFile& file) : m_file(file) {
  setObjectName(QStringLiteral("manualWindow"));
  setWindowTitle(tr("Manual — Mneme"));
  setWindowIcon(QIcon(QStringLiteral(":/icons/mneme.svg")));
  setAttribute(Qt::WA_QuitOnClose, false);
  setMinimumSize(560, 360);
  resize(1040, 800);
  restoreGeometry(m_file.value(placeKey()).toByteArray());
  m_view = new ManualView(this);
  auto* line = new QFrame(this);
  line->setProperty("kind", QStringLiteral("upright"));
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(0);
  row->addWidget(makeSide());
  row->addWidget(line);
  row->addWidget(m_view, 1);
  setTabOrder(m_field, m_list);
  setTabOrder(m_list, m_view);
  setTabOrder(m_view, m_back);
  setTabOrder(m_back, m_forward);
  connect(m_view, &ManualView::pageChanged, this, &ManualWindow::refresh);
  connect(m_view, &ManualView::webLinkChosen, this,
          [this](const QUrl& url) { askToOpenWebLink(url, this); });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &ManualWindow::markHits);
  makeKeys();
}

QWidget* ManualWindow::makeSide() {
  auto* side = new QWidget(this);
  side->setFixedWidth(kListWidth);
  const auto arrow = [&](const QString& text, const QString& name, const QString& tip) {
    auto* button = new QPushButton(text, side);
    button->setProperty("kind", QStringLiteral("quiet"));
    button->setAccessibleName(name);
    button->setToolTip(tip);
    button->setFixedWidth(34);
    return button;
  };
  m_back = arrow(QStringLiteral("←"), tr("Back"), tr("Back (Alt+Left)"));
  m_forward = arrow(QStringLiteral("→"), tr("Forward"), tr("Forward (Alt+Right)"));
  m_field = new QLineEdit(side);
  m_field->setObjectName(QStringLiteral("manualFind"));
  m_field->setAccessibleName(tr("Find in the manual"));
  m_field->setPlaceholderText(tr("Find in all pages"));
  m_field->setToolTip(tr("Find (Ctrl+F); Enter and Shift+Enter walk"));
  m_field->setClearButtonEnabled(true);
  m_field->installEventFilter(this);
  m_found = new QLabel(side);
  m_found->setProperty("kind", QStringLiteral("muted"));
  m_list = new QListWidget(side);
  m_list->setObjectName(QStringLiteral("pages"));
  m_list->setAccessibleName(tr("Pages"));
  m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  for (const ManualPage& page : manualPages()) {
    auto* item = new QListWidgetItem(page.title, m_list);
    item->setSizeHint(QSize(0, kRowHeight));
  }
  connect(m_back, &QPushButton::clicked, m_view, &QTextBrowser::backward);
  connect(m_forward, &QPushButton::clicked, m_view, &QTextBrowser::forward);
  connect(m_field, &QLineEdit::textChanged, this, &ManualWindow::find);
  connect(m_list, &QListWidget::currentRowChanged, this, [this](int row) {
    if (row >= 0 && row != m_view->page()) open(manualPages()[static_cast<std::size_t>(row)].name);
  });
  auto* way = new QHBoxLayout;
  way->setSpacing(2);
  way->addWidget(m_back);
  way->addWidget(m_forward);
  way->addStretch();
  way->addWidget(m_found);
  auto* column = new QVBoxLayout(side);
  column->setContentsMargins(12, 12, 12, 12);
  column->setSpacing(8);
  column->addWidget(m_field);
  column->addLayout(way);
  column->addWidget(m_list, 1);
  return side;
}

void ManualWindow::makeKeys() {
  const auto key = [this](const QKeySequence& keys, auto act) {
    connect(new QShortcut(keys, this), &QShortcut::activated, this, act);
  };
  key(QKeySequence(Qt::CTRL | Qt::Key_F), [this] {
    m_field->setFocus();
    m_field->selectAll();
  });
  key(QKeySequence(Qt::Key_F3), [this] { walk(1); });
  key(QKeySequence(Qt::SHIFT | Qt::Key_F3), [this] { walk(-1); });
  key(QKeySequence(Qt::ALT | Qt::Key_Left), [this] { m_view->backward(); });
  key(QKeySequence(Qt::ALT | Qt::Key_Right), [this] { m_view->forward(); });
  key(QKeySequence(Qt::CTRL | Qt::Key_W), [this] { close(); });
}

void ManualWindow::open(const QString& topic) {
  m_view->open(topic);
}

QString ManualWindow::found() const {
  return m_found->text();
}

void ManualWindow::refresh() {
  m_back->setEnabled(m_view->isBackwardAvailable());
  m_forward->setEnabled(m_view->isForwardAvailable());
  m_list->setCurrentRow(m_view->page());
  markHits();
}

void ManualWindow::find() {
  m_hits = findInManual(m_field->text());
  // The first one of this page or after it, else the first of all.
  const auto here = std::ranges::find_if(
      m_hits, [this](const ManualHit& hit) { return hit.page >= m_view->page(); });
  m_hit = m_hits.empty() ? -1 : here == m_hits.end() ? 0 : static_cast<int>(here - m_hits.begin());
  std::vector<int> counts(manualPages().size());
  for (const ManualHit& hit : m_hits) ++counts[static_cast<std::size_t>(hit.page)];
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const QString& title = manualPages()[i].title;
    m_list->item(static_cast<int>(i))
        ->setText(counts[i] == 0 ? title : tr("%1  (%2)").arg(title).arg(counts[i]));
  }
  goToHit();
}

void ManualWindow::walk(int by) {
  if (m_hits.empty()) return;
  const int count = static_cast<int>(m_hits.size());
  m_hit = (m_hit + by + count) % count;
  goToHit();
}

void ManualWindow::goToHit() {
  if (m_hit >= 0) {
    const ManualHit hit = m_hits[static_cast<std::size_t>(m_hit)];
    if (hit.page != m_view->page()) open(manualPages()[static_cast<std::size_t>(hit.page)].name);
    m_view->reveal(hit.position);
  }
  markHits();
}

void ManualWindow::markHits() {
  const int hits = static_cast<int>(m_hits.size());
  m_found->setText(m_field->text().isEmpty() ? QString()
                   : hits == 0               ? tr("not found")
                                             : tr("%1 of %2").arg(m_hit + 1).arg(hits));
  std::vector<int> here;
  int current = -1;
  for (int i = 0; i < hits; ++i) {
    const ManualHit& hit = m_hits[static_cast<std::size_t>(i)];
    if (hit.page != m_view->page()) continue;
    here.push_back(hit.position);
    if (i == m_hit) current = hit.position;
  }
  m_view->mark(here, static_cast<int>(m_field->text().size()), current);
}

bool ManualWindow::eventFilter(QObject* watched, QEvent* event) {
  if (watched == m_field && event->type() == QEvent::KeyPress) {
    const auto* key = static_cast<QKeyEvent*>(event);
    if (key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) {
      walk(key->modifiers().testFlag(Qt::ShiftModifier) ? -1 : 1);
      return true;
    }
    if (key->key() == Qt::Key_Down) {
      m_list->setFocus();
      return true;
    }
  }
  return QWidget::eventFilter(watched, event);
}

// Esc ends the search first, then it closes.
void ManualWindow::keyPressEvent(QKeyEvent* event) {
  if (event->key() != Qt::Key_Escape) {
    QWidget::keyPressEvent(event);
  } else if (m_field->text().isEmpty()) {
    close();
  } else {
    m_field->clear();
    m_view->setFocus();
  }
}

void ManualWindow::hideEvent(QHideEvent* event) {
  if (!event->spontaneous()) m_file.setValue(placeKey(), saveGeometry());
  QWidget::hideEvent(event);
}

}  // namespace mneme

#include "moc_manual_window.cpp"
