// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/deleted_chats_dialog.h"

#include <QDateTime>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/bridge/ui_call.h"
#include "ui/format.h"
#include "ui/models/chat_list_model.h"

namespace mneme {
namespace {

constexpr int kDeletedSearchPauseMs = 180;
constexpr int kDeletedFoundMax = 200;

int daysLeft(const ChatRow& chat) {
  const QDate gone =
      QDateTime::fromMSecsSinceEpoch(chat.deleted_ms).date().addDays(Library::kDaysKept);
  return static_cast<int>(std::max<qint64>(0, QDate::currentDate().daysTo(gone)));
}

}  // namespace

DeletedChatsDialog::DeletedChatsDialog(ChatStore& store, QWidget* parent)
    : QDialog(parent), m_store(store) {
  setObjectName(QStringLiteral("deletedChats"));
  setWindowTitle(tr("Recently deleted chats"));
  resize(520, 420);
  m_search = new QLineEdit(this);
  m_search->setPlaceholderText(tr("Search deleted chats"));
  m_search->setAccessibleName(tr("Search deleted chats"));
  m_search->setClearButtonEnabled(true);
  m_list = new QListWidget(this);
  m_list->setAccessibleName(tr("Deleted chats"));
  m_list->setWordWrap(true);
  m_note = new QLabel(this);
  m_note->setProperty("kind", QStringLiteral("muted"));
  m_note->setTextFormat(Qt::PlainText);
  m_note->setWordWrap(true);
  m_restore = new QPushButton(tr("&Bring back"), this);
  m_restore->setProperty("kind", QStringLiteral("primary"));
  m_delete = new QPushButton(tr("Delete for &good…"), this);
  auto* close = new QPushButton(tr("&Close"), this);

  auto* buttons = new QHBoxLayout;
  buttons->addWidget(m_delete);
  buttons->addStretch();
  buttons->addWidget(close);
  buttons->addWidget(m_restore);
  auto* layout = new QVBoxLayout(this);
  layout->addWidget(m_search);
  layout->addWidget(m_list, 1);
  layout->addWidget(m_note);
  layout->addLayout(buttons);

  m_pause.setSingleShot(true);
  m_pause.setInterval(kDeletedSearchPauseMs);
  connect(m_search, &QLineEdit::textChanged, &m_pause, qOverload<>(&QTimer::start));
  connect(&m_pause, &QTimer::timeout, this, &DeletedChatsDialog::reload);
  connect(m_list, &QListWidget::itemActivated, this, &DeletedChatsDialog::restore);
  connect(m_restore, &QPushButton::clicked, this, &DeletedChatsDialog::restore);
  connect(m_delete, &QPushButton::clicked, this, &DeletedChatsDialog::askToDelete);
  connect(close, &QPushButton::clicked, this, &QDialog::reject);
  fill({});
  reload();
}

// Store thread.
Result<std::vector<DeletedChatsDialog::Row>> DeletedChatsDialog::find(Library& library,
                                                                      const std::string& text) {
  auto chats = library.deleted_chats();
  if (!chats) return chats.error();
  std::vector<Row> rows;
  if (text.empty()) {
    for (ChatRow& chat : *chats) rows.push_back({std::move(chat), {}});
    return rows;
  }
  const auto found = library.search(text, kDeletedFoundMax, Library::Among::deleted);
  if (!found) return found.error();
  for (const Library::ChatHits& hits : *found) {
    const auto chat = std::ranges::find(*chats, hits.chat, &ChatRow::id);
    if (chat == chats->end() || hits.hits.empty()) continue;
    rows.push_back({*chat, QString::fromStdString(hits.hits.back().snippet)});
  }
  return rows;
}

void DeletedChatsDialog::reload() {
  const QString text = m_search->text().trimmed();
  askLibrary(
      m_store, this,
      [query = text.toStdString()](Library& library) { return find(library, query); },
      [this, text](const Result<std::vector<Row>>& rows) {
        if (m_search->text().trimmed() != text) return;  // typed on since
        if (rows) {
          fill(*rows);
        } else {
          m_note->setText(QString::fromStdString(rows.error().message));
        }
      });
}

void DeletedChatsDialog::fill(const std::vector<Row>& rows) {
  m_list->clear();
  for (const Row& row : rows) {
    const QString when =
        tr("deleted %1, %2")
            .arg(format::dateTime(row.chat.deleted_ms),
                 format::counted(daysLeft(row.chat), tr("%1 day left"), tr("%1 days left")));
    auto* item = new QListWidgetItem(
        ChatListModel::titleOf(row.chat) + QLatin1Char('\n') +
            (row.snippet.isEmpty() ? when : row.snippet + QLatin1Char('\n') + when),
        m_list);
    item->setData(Qt::UserRole, static_cast<qlonglong>(row.chat.id));
  }
  if (!rows.empty()) m_list->setCurrentRow(0);
  m_restore->setEnabled(!rows.empty());
  m_delete->setEnabled(!rows.empty());
  m_note->setText(!rows.empty() ? tr("Deleted chats are kept for %1 days.").arg(Library::kDaysKept)
                  : m_search->text().isEmpty()
                      ? tr("No chat was deleted in the last %1 days.").arg(Library::kDaysKept)
                      : tr("Nothing found."));
}

ChatId DeletedChatsDialog::current() const {
  const QListWidgetItem* item = m_list->currentItem();
  return item == nullptr ? 0 : item->data(Qt::UserRole).toLongLong();
}

void DeletedChatsDialog::restore() {
  const ChatId chat = current();
  if (chat == 0) return;
  Q_EMIT restoreRequested(chat);
  accept();
}

void DeletedChatsDialog::askToDelete() {
  const ChatId chat = current();
  if (chat == 0) return;
  const QString title = m_list->currentItem()->text().section(QLatin1Char('\n'), 0, 0);
  auto* question = new QMessageBox(
      QMessageBox::Warning, windowTitle(),
      tr("Delete “%1” for good? It cannot be brought back.").arg(title), QMessageBox::Cancel, this);
  question->setTextFormat(Qt::PlainText);
  question->setAttribute(Qt::WA_DeleteOnClose);
  QPushButton* yes = question->addButton(tr("Delete for &good"), QMessageBox::DestructiveRole);
  connect(yes, &QPushButton::clicked, this, [this, chat] { deleteForGood(chat); });
  question->open();
}

void DeletedChatsDialog::deleteForGood(ChatId chat) {
  askLibrary(
      m_store, this, [chat](Library& library) { return library.purge_chat(chat); },
      [this](const Status& done) {
        if (done) {
          reload();
        } else {
          m_note->setText(QString::fromStdString(done.error().message));
        }
      });
}

}  // namespace mneme

#include "moc_deleted_chats_dialog.cpp"
