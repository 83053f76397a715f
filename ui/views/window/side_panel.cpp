// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/side_panel.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPainter>
#include <QPushButton>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include "ui/format.h"
#include "ui/theme.h"
#include "ui/views/window/match_paint.h"
#include "ui/views/window/model_card.h"

namespace mneme {
namespace {

constexpr int kSearchPauseMs = 180;

class ChatDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex& index) const override {
    const QFontMetrics metrics(Theme::current().uiFont());
    if (index.data(ChatListModel::HeadingRole).toBool()) {
      return {10, metrics.height() + (index.row() == 0 ? 9 : 17)};
    }
    if (!index.data(ChatListModel::SnippetRole).toString().isEmpty()) {
      return {10, QFontMetrics(Theme::current().uiFont(0.92)).height() + 8};
    }
    return {10, metrics.height() + 13};
  }

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    const Theme& t = Theme::current();
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    const QString title = index.data().toString();
    if (index.data(ChatListModel::HeadingRole).toBool()) {
      QFont font = t.uiFont(0.88);
      font.setWeight(QFont::DemiBold);
      painter->setFont(font);
      painter->setPen(t.textMuted);
      painter->drawText(option.rect.adjusted(8, 0, -8, -4), Qt::AlignLeft | Qt::AlignBottom, title);
      painter->restore();
      return;
    }
    const QRectF box = QRectF(option.rect).adjusted(1, 1, -1, -1);
    const bool selected = (option.state & QStyle::State_Selected) != 0;
    if (selected || (option.state & QStyle::State_MouseOver) != 0) {
      painter->setPen(Qt::NoPen);
      painter->setBrush(selected ? t.accentSoft : t.raised);
      painter->drawRoundedRect(box, 6, 6);
    }
    if ((option.state & QStyle::State_HasFocus) != 0) {
      painter->setBrush(Qt::NoBrush);
      painter->setPen(QPen(t.accent, 1.2));
      painter->drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6);
    }
    const QString snippet = index.data(ChatListModel::SnippetRole).toString();
    const QPoint match = index.data(ChatListModel::MatchRole).toPoint();
    if (!snippet.isEmpty()) {
      const bool more = index.data(ChatListModel::MoreRole).toInt() > 0;
      painter->setFont(t.uiFont(0.92));
      painter->setPen(more ? t.accent : t.textMuted);
      drawMatch(*painter, box.adjusted(20, 2, -8, -2), snippet, match);
      painter->restore();
      return;
    }
    QRectF line = box.adjusted(8, 4, -8, -4);
    painter->setPen(t.textMuted);
    if (const int count = index.data(ChatListModel::CountRole).toInt(); count > 1) {
      painter->setFont(t.uiFont(0.88));
      const QString text = format::count(count);
      painter->drawText(line, Qt::AlignRight | Qt::AlignVCenter, text);
      line.setRight(line.right() - QFontMetricsF(painter->font()).horizontalAdvance(text) - 6);
    }
    painter->setFont(t.uiFont());
    painter->setPen(t.text);
    drawMatch(*painter, line, title, match);
    painter->restore();
  }

  QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem& option,
                        const QModelIndex& index) const override {
    QWidget* editor = QStyledItemDelegate::createEditor(parent, option, index);
    editor->setAccessibleName(ChatListModel::tr("Name of the chat"));
    return editor;
  }
};

}  // namespace

SidePanel::SidePanel(ChatListModel& chats, EngineHost& engine, QWidget* parent)
    : QWidget(parent), m_chats(chats) {
  setObjectName(QStringLiteral("sidePanel"));
  setMinimumWidth(176);
  setBackgroundRole(QPalette::Window);
  setAutoFillBackground(true);
  m_search = new QLineEdit(this);
  m_search->setObjectName(QStringLiteral("chatSearch"));
  m_search->setPlaceholderText(tr("Search chats"));
  m_search->setAccessibleName(tr("Search chats"));
  m_search->setClearButtonEnabled(true);
  auto* hint = new QLabel(QStringLiteral("Ctrl+K"), m_search);
  hint->setProperty("kind", QStringLiteral("muted"));
  hint->setFont(Theme::current().monoFont(0.86));
  hint->setAttribute(Qt::WA_TransparentForMouseEvents);
  auto* hintRow = new QHBoxLayout(m_search);
  hintRow->setContentsMargins(0, 0, 9, 0);
  hintRow->addStretch();
  hintRow->addWidget(hint);
  connect(m_search, &QLineEdit::textChanged, hint,
          [hint](const QString& text) { hint->setVisible(text.isEmpty()); });

  m_new = new QPushButton(tr("New chat"), this);
  m_new->setObjectName(QStringLiteral("newChat"));
  m_new->setAccessibleName(tr("New chat"));
  m_new->setProperty("kind", QStringLiteral("primary"));
  m_new->setToolTip(tr("New chat (Ctrl+N)"));

  m_list = new QListView(this);
  m_list->setObjectName(QStringLiteral("chatList"));
  m_list->setAccessibleName(tr("Chats"));
  m_list->setModel(&chats);
  m_list->setItemDelegate(new ChatDelegate(m_list));
  m_list->setEditTriggers(QAbstractItemView::NoEditTriggers);
  m_list->setSelectionMode(QAbstractItemView::SingleSelection);
  m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_list->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  m_list->setMouseTracking(true);
  m_list->viewport()->setAttribute(Qt::WA_Hover);
  m_list->setContextMenuPolicy(Qt::CustomContextMenu);
  m_list->setUniformItemSizes(false);

  m_card = new ModelCard(engine, this);

  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(10, 10, 10, 10);
  layout->setSpacing(9);
  layout->addWidget(m_search);
  layout->addWidget(m_new);
  layout->addWidget(m_list, 1);
  layout->addWidget(m_card);

  m_searchTimer.setSingleShot(true);
  m_searchTimer.setInterval(kSearchPauseMs);
  m_search->installEventFilter(this);
  m_list->installEventFilter(this);
  connect(m_search, &QLineEdit::textChanged, &m_searchTimer, qOverload<>(&QTimer::start));
  connect(m_search, &QLineEdit::textChanged, this, [this] { m_chooseFirst = false; });
  connect(&m_searchTimer, &QTimer::timeout, this, [this] { Q_EMIT searchChanged(searchText()); });
  connect(m_new, &QPushButton::clicked, this, &SidePanel::newChatRequested);
  connect(m_list, &QListView::clicked, this, &SidePanel::choose);
  connect(m_list, &QListView::activated, this, &SidePanel::choose);
  connect(m_list, &QWidget::customContextMenuRequested, this, [this](const QPoint& point) {
    const QModelIndex index = m_list->indexAt(point);
    if (index.data(ChatListModel::IdRole).toLongLong() == 0) return;
    choose(index);
    Q_EMIT menuRequested(m_list->viewport()->mapToGlobal(point));
  });
  connect(&m_chats, &QAbstractItemModel::modelReset, this, [this] {
    showCurrent(m_current);
    if (m_chooseFirst && m_chats.searching()) chooseFirstHit();
  });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this, hint] {
    hint->setFont(Theme::current().monoFont(0.86));
    m_list->doItemsLayout();
  });
}

void SidePanel::choose(const QModelIndex& index) {
  const ChatId chat = index.data(ChatListModel::IdRole).toLongLong();
  if (chat == 0) return;
  const bool more = index.data(ChatListModel::MoreRole).toInt() > 0;
  const int row = index.row();
  if (more && m_chats.expand(chat)) {
    m_list->setCurrentIndex(m_chats.index(row));
    return;
  }
  m_current = chat;
  m_currentMessage = more ? 0 : index.data(ChatListModel::MessageRole).toLongLong();
  Q_EMIT chatChosen(chat, m_currentMessage);
}

void SidePanel::chooseFirstHit() {
  m_chooseFirst = false;
  const QModelIndex first = m_chats.firstHit();
  if (!first.isValid()) return;
  m_list->setCurrentIndex(first);
  choose(first);
}

bool SidePanel::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() != QEvent::KeyPress) return QWidget::eventFilter(watched, event);
  const auto* key = static_cast<QKeyEvent*>(event);
  if ((key->modifiers() & ~Qt::KeypadModifier) != Qt::NoModifier) return false;
  return watched == m_search ? searchKey(key->key()) : watched == m_list && listKey(key->key());
}

// From the search box the results are reached as from any field with a list below it.
bool SidePanel::searchKey(int key) {
  if (key == Qt::Key_Return || key == Qt::Key_Enter) {
    if (searchText().isEmpty()) return true;
    if (m_searchTimer.isActive()) {
      m_searchTimer.stop();
      m_chooseFirst = true;
      Q_EMIT searchChanged(searchText());
    } else {
      chooseFirstHit();
    }
    return true;
  }
  if (key == Qt::Key_Down) {
    for (int row = 0; row < m_chats.rowCount(); ++row) {
      const QModelIndex index = m_chats.index(row);
      if (index.data(ChatListModel::HeadingRole).toBool()) continue;
      m_list->setFocus(Qt::TabFocusReason);
      m_list->setCurrentIndex(m_chats.searching() ? m_chats.firstHit() : index);
      break;
    }
    return true;
  }
  if (key == Qt::Key_Escape && !m_search->text().isEmpty()) {
    m_search->clear();
    return true;
  }
  return false;
}

bool SidePanel::listKey(int key) {
  if (key == Qt::Key_Return || key == Qt::Key_Enter) {
    choose(m_list->currentIndex());
    return true;
  }
  if (key != Qt::Key_Up) return false;
  for (int row = m_list->currentIndex().row() - 1; row >= 0; --row) {
    if (!m_chats.index(row).data(ChatListModel::HeadingRole).toBool()) return false;
  }
  focusSearch();  // above the first one
  return true;
}

void SidePanel::showCurrent(ChatId chat) {
  if (chat != m_current) m_currentMessage = 0;
  m_current = chat;
  QModelIndex index = m_chats.indexOf(chat, m_currentMessage);
  if (!index.isValid()) index = m_chats.indexOf(chat);
  if (index.isValid()) {
    m_list->setCurrentIndex(index);
  } else {
    m_list->clearSelection();
    m_list->setCurrentIndex({});
  }
}

ChatId SidePanel::current() const {
  const QModelIndex index = m_list->currentIndex();
  const ChatId chosen = index.data(ChatListModel::IdRole).toLongLong();
  return m_list->hasFocus() && chosen != 0 ? chosen : m_current;
}

void SidePanel::renameCurrent() {
  const QModelIndex index = m_chats.indexOf(current());
  if (!index.isValid()) return;
  m_list->setCurrentIndex(index);
  m_list->setFocus();
  m_list->edit(index);
}

QString SidePanel::searchText() const {
  return m_search->text().trimmed();
}

void SidePanel::focusSearch() {
  m_search->setFocus(Qt::ShortcutFocusReason);
  m_search->selectAll();
}

}  // namespace mneme

#include "moc_side_panel.cpp"
