// SPDX-License-Identifier: Apache-2.0
// Search looks at folded text. From three characters on the trigram index answers; shorter queries
// (two Chinese characters are a word) read the folded texts through: about 50 ms for 100,000
// messages.
#include <algorithm>
#include <unordered_map>

#include "inference/store/library_impl.h"
#include "inference/store/unicode_text.h"

namespace mneme {
namespace {

constexpr std::size_t kQueryBytesMax = 1024;  // of a longer query only its beginning is looked for
constexpr std::size_t kTrigram = 3;

constexpr std::string_view kHits =
    "SELECT s.rowid, c.id FROM search s LEFT JOIN message m ON m.id = s.rowid "
    "JOIN chat c ON c.id = coalesce(m.chat_id, -s.rowid) WHERE (c.deleted_ms IS NULL) = ? AND ";

// As one FTS5 string: operators and quotes inside are plain text.
std::string fts_phrase(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

std::string first_bytes(std::string folded) {
  if (folded.size() <= kQueryBytesMax) return folded;
  std::size_t end = kQueryBytesMax;
  while ((static_cast<unsigned char>(folded[end]) & 0xC0) == 0x80) --end;
  folded.resize(end);
  return folded;
}

Statement hits(Database& db, const std::string& folded, Library::Among among) {
  const std::int64_t kept = among == Library::Among::kept ? 1 : 0;
  if (count_code_points(folded) >= kTrigram) {
    return db.query(std::string(kHits) +
                        "s.folded MATCH ? ORDER BY s.rowid > 0, s.rank, c.updated_ms "
                        "DESC, s.rowid DESC",
                    kept, fts_phrase(folded));
  }
  return db.query(std::string(kHits) +
                      "instr(s.folded, ?) > 0 ORDER BY s.rowid > 0, c.updated_ms DESC, "
                      "s.rowid DESC",
                  kept, folded);
}

}  // namespace

Status Library::Impl::index(std::int64_t row, std::string_view text) {
  RETURN_IF_ERROR(db->run("DELETE FROM search WHERE rowid = ?", row));
  const std::string folded = fold_for_search(text);
  if (folded.empty()) return {};
  return db->run("INSERT INTO search (rowid, folded) VALUES (?, ?)", row, folded);
}

Result<std::vector<Library::ChatHits>> Library::search(const std::string& text, int chats_max,
                                                       Among among) {
  std::vector<ChatHits> found;
  const std::string folded = first_bytes(fold_for_search(text));
  if (folded.empty() || chats_max <= 0) return found;
  std::unordered_map<ChatId, std::size_t> place;  // in `found`
  Statement rows = hits(*impl_->db, folded, among);
  while (rows.next()) {
    const ChatId chat = rows.integer(1);
    const auto known = place.find(chat);
    if (known == place.end() && found.size() == static_cast<std::size_t>(chats_max)) continue;
    const std::size_t index = known == place.end() ? found.size() : known->second;
    if (known == place.end()) {
      place.emplace(chat, index);
      found.push_back({.chat = chat});
    }
    ++found[index].count;
    SearchHit hit;
    hit.message = std::max<std::int64_t>(rows.integer(0), 0);
    found[index].hits.push_back(std::move(hit));
  }
  RETURN_IF_ERROR(rows.status());
  for (ChatHits& one : found) {
    std::ranges::sort(one.hits, {}, &SearchHit::message);
    if (one.hits.size() > kHitsOfChat) one.hits.resize(kHitsOfChat);
    for (SearchHit& hit : one.hits) {
      Statement source =
          hit.message != 0 ? impl_->db->query("SELECT text FROM message WHERE id = ?", hit.message)
                           : impl_->db->query("SELECT title FROM chat WHERE id = ?", one.chat);
      if (source.next()) {
        Snippet snippet = snippet_around(source.text(0), folded);
        hit.snippet = std::move(snippet.line);
        hit.match_begin = snippet.match.begin;
        hit.match_end = snippet.match.end;
      }
      RETURN_IF_ERROR(source.status());
    }
  }
  return found;
}

}  // namespace mneme
