// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/hot_set_actions.h"

#include <QComboBox>
#include <QDialog>
#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/format.h"
#include "ui/models/token_text.h"

namespace mneme {
namespace {

constexpr std::uint64_t kDriveBytes = 4096;  // of one read, at least
constexpr double kAtOnce = 64;               // reads that the drive works on, about
constexpr int kChatsMax = 30;                // that are offered

// A heading, a chooser and sentences about what would be done, above the buttons.
struct Question {
  QDialog* dialog;
  QComboBox* chooser;
  QLabel* text;
  QPushButton* go;
  QDialogButtonBox* buttons;
};

Question ask(QWidget* parent, const QString& title, const QString& chooserName,
             const QString& goText) {
  Question q{};
  q.dialog = new QDialog(parent->window());
  q.dialog->setAttribute(Qt::WA_DeleteOnClose);
  q.dialog->setWindowTitle(title);
  q.dialog->setMinimumWidth(420);
  auto* rows = new QVBoxLayout(q.dialog);
  rows->setContentsMargins(20, 18, 20, 16);
  rows->setSpacing(12);
  if (!chooserName.isEmpty()) {
    auto* line = new QHBoxLayout;
    auto* name = new QLabel(chooserName, q.dialog);
    q.chooser = new QComboBox(q.dialog);
    name->setBuddy(q.chooser);
    line->addWidget(name);
    line->addWidget(q.chooser, 1);
    rows->addLayout(line);
  }
  q.text = new QLabel(q.dialog);
  q.text->setWordWrap(true);
  q.text->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  q.text->setMinimumHeight(q.text->fontMetrics().lineSpacing() * 4);
  rows->addWidget(q.text, 1);
  q.buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, q.dialog);
  q.go = q.buttons->addButton(goText, QDialogButtonBox::AcceptRole);
  q.go->setDefault(true);
  QObject::connect(q.buttons, &QDialogButtonBox::accepted, q.dialog, &QDialog::accept);
  QObject::connect(q.buttons, &QDialogButtonBox::rejected, q.dialog, &QDialog::reject);
  rows->addWidget(q.buttons);
  return q;
}

QString compact(std::uint64_t value) {
  return format::compactCount(value);
}

}  // namespace

HotSetActions::HotSetActions(HotSetWork& work, BranchTrace& branch, InspectSource& source,
                             const ChatListModel& chats, QWidget* parent)
    : QWidget(parent), m_work(work), m_branch(branch), m_source(source), m_chats(chats) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(6);
  m_said = new QLabel(this);
  m_said->setProperty("kind", QStringLiteral("muted"));
  row->addWidget(m_said);
  m_progress = new QProgressBar(this);
  m_progress->setFixedWidth(110);
  m_progress->setTextVisible(false);
  m_progress->setAccessibleName(tr("Warming"));
  row->addWidget(m_progress);
  const auto button = [&](const QString& text, const QString& tip) {
    auto* made = new QPushButton(text, this);
    made->setToolTip(tip);
    made->setProperty("kind", QStringLiteral("quiet"));
    row->addWidget(made);
    return made;
  };
  m_cancel = button(tr("Stop"), tr("Stops warming; what came stays"));
  m_warm = button(tr("Warm …"), tr("Brings the rows of a chat into RAM"));
  m_pin = button(tr("Pin …"), tr("Keeps the most used n-grams in RAM"));
  m_clear = button(tr("Clear …"), tr("Empties the row cache"));
  connect(m_cancel, &QPushButton::clicked, this, [this] { m_work.cancelWarm(); });
  connect(m_warm, &QPushButton::clicked, this, &HotSetActions::askWarm);
  connect(m_pin, &QPushButton::clicked, this, &HotSetActions::askPin);
  connect(m_clear, &QPushButton::clicked, this, &HotSetActions::askClear);
  connect(&m_work, &HotSetWork::warmProgress, this, [this](quint64 done, quint64 all) {
    m_progress->setValue(static_cast<int>(done * 1000 / std::max<quint64>(all, 1)));
    m_said->setText(tr("%1 of %2 n-grams").arg(compact(done), compact(all)));
    refresh();
  });
  connect(&m_work, &HotSetWork::ended, this, [this](const QString& sentence) {
    m_said->setText(sentence);
    refresh();
  });
  connect(&m_source, &InspectSource::modelChanged, this, [this] {
    m_said->clear();
    refresh();
  });
  m_progress->setRange(0, 1000);
  refresh();
}

void HotSetActions::refresh() {
  const bool warming = m_work.warming();
  m_progress->setVisible(warming);
  m_cancel->setVisible(warming);
  m_said->setVisible(!m_said->text().isEmpty());
  const bool pack = m_source.hasPack();
  m_warm->setVisible(!warming);
  m_warm->setEnabled(pack);
  m_pin->setEnabled(pack);
  m_clear->setEnabled(pack);
}

int HotSetActions::readsPerNgram() const {
  const auto model = m_source.model();
  if (!model || !model->hasher) return 0;
  const HashSpec& spec = model->hasher->spec();
  return spec.head_count * static_cast<int>(spec.layers.size());
}

QString HotSetActions::warmText(const HotSetWork::Plan& plan, const TierStats& stats,
                                int readsPerNgram) {
  const std::uint64_t missing = plan.missing->size();
  if (plan.ngrams == 0) {
    return tr("No token of this chat was read with the n-gram memory that is loaded.");
  }
  if (missing == 0) return tr("All %1 n-grams of this chat are in RAM.").arg(compact(plan.ngrams));
  const std::uint64_t reads = missing * static_cast<std::uint64_t>(readsPerNgram);
  QString text = tr("%1 of the %2 n-grams of this chat are not in RAM. Reading them takes about %3 "
                    "reads, %4")
                     .arg(compact(missing), compact(plan.ngrams), compact(reads),
                          format::bytes(reads * kDriveBytes));
  const double p50 = stats.read_latency.quantile(0.5);
  text += p50 > 0 ? tr(", about %1 at the latency measured so far.")
                        .arg(format::microseconds(static_cast<double>(reads) * p50 / kAtOnce))
                  : tr(".");
  const std::uint64_t bytes = missing * stats.entry_bytes;
  text += QLatin1Char(' ');
  if (bytes > stats.budget_bytes) {
    text += tr("They need %1, more than the RAM budget of %2: the last ones will stay.")
                .arg(format::bytes(bytes), format::bytes(stats.budget_bytes));
  } else if (bytes + stats.bytes_used > stats.budget_bytes) {
    text += tr("They need %1; n-grams that were used less make room.").arg(format::bytes(bytes));
  } else {
    text +=
        tr("They need %1 of the RAM budget, which has that much room.").arg(format::bytes(bytes));
  }
  return text + QLatin1Char(' ') + tr("An answer that is asked for while this runs comes first.");
}

QString HotSetActions::pinText(const TierStats& stats, double share) {
  const auto bytes = static_cast<std::uint64_t>(static_cast<double>(stats.budget_bytes) * share);
  QString text =
      tr("The most used n-grams stay in RAM, whatever else is read: up to %1 of the "
         "budget, room for %2 n-grams; %3 are in RAM now. Only those that were asked for "
         "more than once are pinned. Takes less than a second and holds until they are "
         "unpinned, also after a restart.")
          .arg(format::bytes(bytes), compact(stats.entry_bytes > 0 ? bytes / stats.entry_bytes : 0),
               compact(stats.entries));
  if (stats.kept > 0) {
    text +=
        QLatin1Char(' ') + tr("It replaces the %1 that are pinned now.").arg(compact(stats.kept));
  }
  return text;
}

QString HotSetActions::clearText(const TierStats& stats) {
  if (stats.entries == 0) return tr("The row cache is empty.");
  return tr("%1 n-grams (%2) are removed from RAM, pinned ones too; what an answer is using "
            "stays. Takes about a second at most. The next answers read their rows from %3 again, "
            "and the hot set for "
            "the next start is what they bring.")
      .arg(compact(stats.entries), format::bytes(stats.bytes_used), storageName(stats.storage));
}

void HotSetActions::askWarm() {
  const Question q = ask(this, tr("Warm the row cache"), tr("N-grams &of"), tr("Warm"));
  q.chooser->addItem(tr("this chat"), QVariant::fromValue<qlonglong>(0));
  int offered = 0;
  for (int i = 0; i < m_chats.rowCount() && offered < kChatsMax; ++i) {
    const QModelIndex at = m_chats.index(i, 0);
    const auto id = at.data(ChatListModel::IdRole).toLongLong();
    const ChatRow* chat = m_chats.chat(id);
    if (chat == nullptr) continue;  // a heading
    q.chooser->addItem(ChatListModel::titleOf(*chat), QVariant::fromValue<qlonglong>(id));
    ++offered;
  }
  auto keys = std::make_shared<std::shared_ptr<const std::vector<NgramKey>>>();
  const auto plan = [this, q, keys] {
    keys->reset();
    q.go->setEnabled(false);
    q.text->setText(tr("Counting its n-grams …"));
    const auto chat = q.chooser->currentData().toLongLong();
    if (chat == 0) {
      m_work.planBranch(m_branch);
    } else {
      m_work.planChat(chat);
    }
  };
  connect(q.chooser, &QComboBox::currentIndexChanged, q.dialog, plan);
  connect(&m_work, &HotSetWork::planned, q.dialog, [this, q, keys](const HotSetWork::Plan& made) {
    *keys = made.missing;
    q.text->setText(warmText(made, m_source.tiers(), readsPerNgram()));
    q.go->setEnabled(!made.missing->empty());
  });
  connect(&m_work, &HotSetWork::planFailed, q.dialog,
          [q](const QString& reason) { q.text->setText(reason); });
  connect(q.dialog, &QDialog::accepted, this, [this, keys] {
    m_work.warm(*keys);
    m_said->setText(tr("0 of %1 n-grams").arg(compact((*keys)->size())));
    m_progress->setValue(0);
    refresh();
  });
  plan();
  q.dialog->open();
}

void HotSetActions::askPin() {
  const Question q =
      ask(this, tr("Pin the most used n-grams"), tr("&Share of the budget"), tr("Pin"));
  for (const int percent : {10, 25, 50}) {
    q.chooser->addItem(format::percent(percent / 100.0), percent / 100.0);
  }
  q.chooser->setCurrentIndex(1);
  const auto show = [this, q] {
    q.text->setText(pinText(m_source.tiers(), q.chooser->currentData().toDouble()));
  };
  connect(q.chooser, &QComboBox::currentIndexChanged, q.dialog, show);
  if (m_source.tiers().kept > 0) {
    auto* unpin = q.buttons->addButton(tr("Unpin all"), QDialogButtonBox::DestructiveRole);
    connect(unpin, &QPushButton::clicked, q.dialog, [this, q] {
      m_work.keep(0);
      q.dialog->reject();
    });
  }
  connect(q.dialog, &QDialog::accepted, this, [this, chooser = q.chooser] {
    const double share = chooser->currentData().toDouble();
    m_work.keep(
        static_cast<std::uint64_t>(static_cast<double>(m_source.tiers().budget_bytes) * share));
  });
  show();
  q.dialog->open();
}

void HotSetActions::askClear() {
  const Question q = ask(this, tr("Clear the row cache"), {}, tr("Clear"));
  q.text->setText(clearText(m_source.tiers()));
  q.go->setEnabled(m_source.tiers().entries > 0);
  connect(q.dialog, &QDialog::accepted, this, [this] { m_work.clear(); });
  q.dialog->open();
}

}  // namespace mneme

#include "moc_hot_set_actions.cpp"
