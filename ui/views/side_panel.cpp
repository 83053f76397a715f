// SPDX-License-Identifier: Apache-2.0
#include "ui/views/side_panel.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPainter>
#include <QPushButton>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include "ui/theme.h"
#include "ui/views/model_card.h"

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
    const bool snippet = !index.data(ChatListModel::SnippetRole).toString().isEmpty();
    return {10, metrics.height() + 13 + (snippet ? metrics.height() : 0)};
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
    QRectF line = box.adjusted(8, 4, -8, -4);
    const QString snippet = index.data(ChatListModel::SnippetRole).toString();
    const QFontMetricsF metrics(t.uiFont());
    if (!snippet.isEmpty()) line.setHeight(metrics.height() + 2);
    painter->setFont(t.uiFont());
    painter->setPen(t.text);
    painter->drawText(line, Qt::AlignLeft | Qt::AlignVCenter,
                      metrics.elidedText(title, Qt::ElideRight, line.width()));
    if (!snippet.isEmpty()) {
      line.translate(0, line.height());
      painter->setFont(t.uiFont(0.88));
      painter->setPen(t.textMuted);
      painter->drawText(
          line, Qt::AlignLeft | Qt::AlignVCenter,
          QFontMetricsF(t.uiFont(0.88)).elidedText(snippet, Qt::ElideRight, line.width()));
    }
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
  connect(m_search, &QLineEdit::textChanged, &m_searchTimer, qOverload<>(&QTimer::start));
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
  connect(&m_chats, &QAbstractItemModel::modelReset, this, [this] { showCurrent(m_current); });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this, hint] {
    hint->setFont(Theme::current().monoFont(0.86));
    m_list->doItemsLayout();
  });
}

void SidePanel::choose(const QModelIndex& index) {
  const ChatId chat = index.data(ChatListModel::IdRole).toLongLong();
  if (chat == 0) return;
  m_current = chat;
  Q_EMIT chatChosen(chat, index.data(ChatListModel::MessageRole).toLongLong());
}

void SidePanel::showCurrent(ChatId chat) {
  m_current = chat;
  const QModelIndex index = m_chats.indexOf(chat);
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
