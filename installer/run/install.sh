#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the tree that this file lies in, or removes it: for you alone below ~/.local, as root below /opt and /usr/local.
#   --silent      ask and say nothing
#   --uninstall   remove what was installed; chats, settings and models stay
#   --tree DIR    put the programs there (default: ~/.local/lib/mneme, /opt/mneme)
set -eu
silent=no action=install tree=
while [ $# -gt 0 ]; do
  case $1 in
    --silent) silent=yes ;;
    --uninstall) action=uninstall ;;
    --tree)
      tree=${2:-}
      [ -n "$tree" ] || { echo "mneme: --tree needs the name of a folder" >&2; exit 2; }
      shift ;;
    --help | -h) sed -n 's/^#  *\(--.*\)/  \1/p' "$0"; exit ;;
    *) echo "mneme: $1 is no option; --help says what there is" >&2; exit 2 ;;
  esac
  shift
done
if [ "$(id -u)" -eq 0 ]; then
  bin=/usr/local/bin share=/usr/local/share
  tree=${tree:-/opt/mneme}
else
  case ${HOME:-} in /*) ;; *) echo "mneme: HOME names no folder" >&2; exit 1 ;; esac
  bin=$HOME/.local/bin share=${XDG_DATA_HOME:-$HOME/.local/share}
  tree=${tree:-$HOME/.local/lib/mneme}
fi
case $tree in /*) ;; *) tree=$PWD/$tree ;; esac
list=$tree/.mneme-installed  # one line for each file outside of the tree, and for each folder that was made for them
here=$(cd "$(dirname "$0")" && pwd)

fail() { echo "mneme: $*" >&2; exit 1; }
say() { [ "$silent" = yes ] || echo "$*"; }
agreed() {
  [ "$silent" = no ] && [ -t 0 ] || return 0
  printf '%s [Y/n] ' "$1"
  read -r answer
  case $answer in "" | y* | Y*) ;; *) exit 1 ;; esac
}

# Menus, file types and icons are looked up in indexes.
refresh() {
  if command -v update-desktop-database >/dev/null && [ -d "$share/applications" ]; then update-desktop-database -q "$share/applications" || true; fi
  if command -v update-mime-database >/dev/null && [ -d "$share/mime/packages" ]; then update-mime-database "$share/mime" || true; fi
  if command -v gtk-update-icon-cache >/dev/null && [ -d "$share/icons/hicolor" ]; then gtk-update-icon-cache -qtf "$share/icons/hicolor" || true; fi
}

# Folders that we made and in which nothing but an index is left go too.
drop_folder() {
  case $1 in
    "$share/applications") others=$(find "$1" -mindepth 1 ! -name mimeinfo.cache) && [ -z "$others" ] && rm -f "$1/mimeinfo.cache" ;;
    "$share/icons/hicolor") others=$(find "$1" -mindepth 1 ! -name icon-theme.cache) && [ -z "$others" ] && rm -f "$1/icon-theme.cache" ;;
    "$share/mime") [ -e "$1/packages" ] || rm -rf "$1" ;;  # all else in it is the index
  esac
  rmdir "$1" 2>/dev/null || true
}

take_out() {  # what the list names
  grep '^file ' "$1" | cut -d' ' -f2- | while IFS= read -r file; do rm -f "$file"; done
  refresh
  grep '^folder ' "$1" | cut -d' ' -f2- | sort -r | while IFS= read -r folder; do [ ! -d "$folder" ] || drop_folder "$folder"; done
}

if [ "$action" = uninstall ]; then
  [ -f "$list" ] || fail "Mneme is not installed in $tree"
  agreed "Remove Mneme from $tree? Chats, settings and models stay."
  keep=$(mktemp)
  cp "$list" "$keep"
  rm -rf "$tree"
  take_out "$keep"
  rm -f "$keep"
  say "Mneme is removed."
  exit
fi

[ "$here" != "$tree" ] || fail "this is the installed tree; take the installer, or --uninstall"
[ ! -e "$tree" ] || [ -f "$list" ] || fail "$tree is there already and is not Mneme's: --tree names another place"
agreed "Install Mneme into $tree?"

new=$tree.new
made=$(mktemp)
changed=no
end() {
  rm -rf "$new"
  if [ "$changed" = no ]; then
    grep '^folder ' "$made" | cut -d' ' -f2- | sort -r | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || true; done
  fi
  rm -f "$made" "$made.files"
}
trap end EXIT
trap 'exit 1' INT TERM HUP
make_folder() {  # with its parents; those that were not there are remembered
  [ -d "$1" ] && return
  make_folder "$(dirname "$1")"
  said=$(mkdir "$1" 2>&1) || fail "$1 cannot be made ($said)"
  echo "folder $1" >>"$made"
}
plan() {  # a file outside of the tree
  make_folder "$(dirname "$1")"
  echo "file $1" >>"$made"
}

# All that needs room, and the list of what will be put where, before anything of the version before is touched.
make_folder "$(dirname "$tree")"
rm -rf "$new"
said=$(cp -R "$here" "$new" 2>&1) || fail "$new cannot be written: is there room? ($(printf '%s\n' "$said" | head -n 1))"
cd "$here/share"
for folder in applications metainfo mime icons man bash-completion zsh fish; do
  [ ! -d "$folder" ] || find "$folder" -type f -o -type l
done >"$made.files"
while IFS= read -r file; do plan "$share/$file"; done <"$made.files"
plan "$bin/mneme"
plan "$bin/mneme-cli"
[ ! -f "$list" ] || grep '^folder ' "$list" >>"$made" || true
sort -u "$made" >"$new/${list##*/}" || fail "$new cannot be written: is there room?"

changed=yes
if [ -f "$list" ]; then
  grep '^file ' "$list" | cut -d' ' -f2- | while IFS= read -r file; do rm -f "$file"; done
  rm -rf "$tree.old"
  mv "$tree" "$tree.old"
fi
mv "$new" "$tree"
rm -rf "$tree.old"

put() {  # SOURCE TARGET
  said=$(cp "$1" "$2" 2>&1) || fail "$2 cannot be written; install once more when it can ($said)"
}
for program in mneme mneme-cli; do
  said=$(ln -sf "$tree/bin/$program" "$bin/$program" 2>&1) || fail "$bin/$program cannot be made; install once more when it can ($said)"
done
while IFS= read -r file; do put "$tree/share/$file" "$share/$file"; done <"$made.files"
# The menu starts the program wherever it lies: what a desktop file quotes has to be escaped.
quoted=$(printf '%s' "$tree/bin/mneme" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g; s/[&|\\]/\\&/g')
for file in "$share"/applications/*.Mneme.desktop; do
  sed "s|^Exec=mneme|Exec=\"$quoted\"|" "$file" >"$file.new" && mv "$file.new" "$file"
done
refresh
say "Mneme is installed. It is in the menu; in a terminal: $bin/mneme"
case ":$PATH:" in *":$bin:"*) ;; *) say "($bin is not in your PATH.)" ;; esac
