// SPDX-License-Identifier: Apache-2.0
#include "ui/models/slot_query.h"

#include <QCoreApplication>
#include <QHash>
#include <QRegularExpression>
#include <algorithm>
#include <numeric>

namespace mneme {
namespace {

struct QueryWords {
  Q_DECLARE_TR_FUNCTIONS(mneme::SlotQuery)
};

std::optional<std::vector<Tier>> tiersNamed(const QString& name) {
  const QString word = name.toLower();
  if (word == QLatin1String("device")) return std::vector{Tier::device};
  if (word == QLatin1String("ram")) return std::vector{Tier::ram};
  if (word == QLatin1String("ssd") || word == QLatin1String("file")) {
    return std::vector{Tier::ssd_in_time, Tier::ssd_late};
  }
  if (word == QLatin1String("waited")) return std::vector{Tier::ssd_late};
  if (word == QLatin1String("hidden")) return std::vector{Tier::ssd_in_time};
  return std::nullopt;
}

std::optional<SlotFilter::Field> fieldNamed(const QString& name) {
  using Field = SlotFilter::Field;
  static const QHash<QString, Field> names{
      {QStringLiteral("layer"), Field::layer},      {QStringLiteral("order"), Field::order},
      {QStringLiteral("head"), Field::head},        {QStringLiteral("row"), Field::row},
      {QStringLiteral("seen"), Field::seen},        {QStringLiteral("read"), Field::latency},
      {QStringLiteral("shared"), Field::collisions}};
  const auto found = names.find(name.toLower());
  return found == names.end() ? std::nullopt : std::optional(*found);
}

// The figure of one entry that a column or a filter term speaks of.
std::uint64_t figure(const SlotIndex& index, SlotFilter::Field field, std::uint32_t entry) {
  const SlotIndex::Place at = index.place(entry);
  switch (field) {
    case SlotFilter::Field::layer:
      return static_cast<std::uint64_t>(
          index.model().hasher->spec().layers[static_cast<std::size_t>(at.layer)].layer_id);
    case SlotFilter::Field::order:
      return static_cast<std::uint64_t>(at.order + 2);
    case SlotFilter::Field::head:
      return static_cast<std::uint64_t>(at.head);
    case SlotFilter::Field::row:
      return index.key(at).order == 0 ? ~std::uint64_t{0} : index.row(at);
    case SlotFilter::Field::seen:
      return index.seen(entry);
    case SlotFilter::Field::latency:
      return index.latencyUs(at);
    case SlotFilter::Field::collisions:
      return index.collisions(entry);
  }
  return 0;
}

bool holds(const SlotFilter::Term& term, std::uint64_t value) {
  if (term.relation == QLatin1Char('<')) return value < term.value;
  if (term.relation == QLatin1Char('>')) return value > term.value;
  return value == term.value;
}

// One entry an n-gram: its text is that of all its heads and layers.
std::uint32_t ngramOf(const SlotIndex& index, std::uint32_t entry) {
  SlotIndex::Place at = index.place(entry);
  const auto orders = static_cast<std::uint32_t>(index.model().hasher->spec().orders());
  return static_cast<std::uint32_t>(at.token) * orders + static_cast<std::uint32_t>(at.order);
}

// Sort keys: for each entry a number that ascends as the column does.
std::vector<std::uint64_t> sortKeys(const SlotIndex& index, SlotColumn column,
                                    const std::vector<std::uint32_t>& entries) {
  std::vector<std::uint64_t> keys;
  keys.reserve(entries.size());
  if (column == SlotColumn::ngram || column == SlotColumn::classes) {
    // Texts are made once an n-gram and ranked.
    QHash<std::uint32_t, QString> texts;
    for (const std::uint32_t entry : entries) {
      const std::uint32_t ngram = ngramOf(index, entry);
      if (!texts.contains(ngram)) texts.insert(ngram, index.text(index.place(entry)).toLower());
    }
    QStringList sorted = texts.values();
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    QHash<std::uint32_t, std::uint64_t> ranks;
    for (auto it = texts.begin(); it != texts.end(); ++it) {
      const auto rank = std::lower_bound(sorted.begin(), sorted.end(), it.value());
      ranks.insert(it.key(), static_cast<std::uint64_t>(rank - sorted.begin()));
    }
    for (const std::uint32_t entry : entries) keys.push_back(ranks.value(ngramOf(index, entry)));
    return keys;
  }
  for (const std::uint32_t entry : entries) {
    const SlotIndex::Place at = index.place(entry);
    std::uint64_t key = 0;
    switch (column) {
      case SlotColumn::position:
        key = entry;
        break;
      case SlotColumn::layer:
        key = figure(index, SlotFilter::Field::layer, entry);
        break;
      case SlotColumn::order:
        key = static_cast<std::uint64_t>(at.order);
        break;
      case SlotColumn::head:
        key = static_cast<std::uint64_t>(at.head);
        break;
      case SlotColumn::prime:
        key = index.prime(at);
        break;
      case SlotColumn::row:
        key = figure(index, SlotFilter::Field::row, entry);
        break;
      case SlotColumn::tier:
        key = static_cast<std::uint64_t>(index.tier(at));
        break;
      case SlotColumn::latency:
        key = index.latencyUs(at);
        break;
      case SlotColumn::seen:
        key = index.seen(entry);
        break;
      case SlotColumn::collisions:
        key = index.collisions(entry);
        break;
      default:
        break;
    }
    keys.push_back(key);
  }
  return keys;
}

bool matches(const SlotIndex& index, const SlotFilter& filter, std::uint32_t entry) {
  for (const SlotFilter::Term& term : filter.terms) {
    if (!holds(term, figure(index, term.field, entry))) return false;
  }
  if (filter.tiers.empty()) return true;
  const Tier tier = index.tier(index.place(entry));
  return std::find(filter.tiers.begin(), filter.tiers.end(), tier) != filter.tiers.end();
}

}  // namespace

std::optional<SlotFilter> SlotFilter::parse(const QString& line, QString* error) {
  static const QRegularExpression relation(QStringLiteral("^([a-z]+)([=<>])(.*)$"),
                                           QRegularExpression::CaseInsensitiveOption);
  SlotFilter filter;
  for (const QString& word : line.split(QLatin1Char(' '), Qt::SkipEmptyParts)) {
    const QRegularExpressionMatch match = relation.match(word);
    if (!match.hasMatch()) {
      filter.words += word;
      continue;
    }
    const QString name = match.captured(1).toLower();
    const QString value = match.captured(3);
    if (name == QLatin1String("tier")) {
      const auto tiers = tiersNamed(value);
      if (!tiers || match.captured(2) != QLatin1String("=")) {
        *error = QueryWords::tr("tier is one of ram, ssd, hidden, waited, device: tier=ssd");
        return std::nullopt;
      }
      filter.tiers.insert(filter.tiers.end(), tiers->begin(), tiers->end());
      continue;
    }
    const auto field = fieldNamed(name);
    bool isNumber = false;
    const std::uint64_t number = value.toULongLong(&isNumber);
    if (!field || !isNumber) {
      *error = field ? QueryWords::tr("%1 wants a number, as in %1>3").arg(name)
                     : QueryWords::tr(
                           "'%1' is not known. Fields: layer order head tier row read seen "
                           "shared")
                           .arg(name);
      return std::nullopt;
    }
    filter.terms.push_back({*field, match.captured(2).front(), number});
  }
  return filter;
}

std::vector<std::uint32_t> runQuery(const SlotIndex& index, const SlotQuery& query) {
  std::vector<std::uint32_t> entries;
  std::size_t first = 0;
  std::size_t end = index.size();
  if (query.only) {
    const auto found = index.firstOf(*query.only);
    if (!found) return entries;
    first = *found;
    end = first + index.perToken();
  }
  QHash<std::uint32_t, bool> texts;  // n-gram -> has all the words
  for (std::size_t e = first; e < end; ++e) {
    const auto entry = static_cast<std::uint32_t>(e);
    if (!matches(index, query.filter, entry)) continue;
    if (!query.filter.words.isEmpty()) {
      const std::uint32_t ngram = ngramOf(index, entry);
      auto known = texts.find(ngram);
      if (known == texts.end()) {
        const QString text = index.text(index.place(entry));
        const bool all = std::all_of(
            query.filter.words.begin(), query.filter.words.end(),
            [&](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
        known = texts.insert(ngram, all);
      }
      if (!*known) continue;
    }
    entries.push_back(entry);
  }
  if (query.sort == SlotColumn::position) {
    if (query.descending) std::reverse(entries.begin(), entries.end());
    return entries;
  }
  const std::vector<std::uint64_t> keys = sortKeys(index, query.sort, entries);
  std::vector<std::uint32_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (keys[a] != keys[b]) return query.descending ? keys[a] > keys[b] : keys[a] < keys[b];
    return a < b;
  });
  for (std::uint32_t& at : order) at = entries[at];
  return order;
}

}  // namespace mneme
