#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bundle.sh BUILD BUNDLE VERSION: the programs with all libraries and Qt plugins that a Linux desktop may lack, as a folder
# that runs wherever it lies (the AppDir of the AppImage; its usr/ is the tree of the tar and of the .run).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$1 bundle=$2 version=$3
usr=$bundle/usr

# What has to come from the system: the C and C++ libraries, what speaks to the graphics card, and what must agree with the
# system's fonts, its X server and what those need.
system='^(ld-linux.*|libc|libm|libdl|libpthread|librt|libresolv|libutil|libstdc\+\+|libgcc_s|libGL|libEGL|libGLX|libGLdispatch|libX11|libX11-xcb|libxcb|libdrm|libgbm|libfontconfig|libfreetype|libharfbuzz|libexpat|libz)\.so'

plugins=(
  platforms/libqxcb.so platforms/libqoffscreen.so platforms/libqwayland-generic.so
  wayland-shell-integration/libxdg-shell.so wayland-decoration-client/libbradient.so
  wayland-graphics-integration-client/libqt-plugin-wayland-egl.so  # without it Qt draws no title bar
  platforminputcontexts/libcomposeplatforminputcontextplugin.so platforminputcontexts/libibusplatforminputcontextplugin.so
  iconengines/libqsvgicon.so imageformats/libqsvg.so
)

die() { echo "bundle.sh: $*" >&2; exit 1; }

# Only a model that is offered for download needs a connection. Qt's plugin for TLS is not linked with OpenSSL, but opens it
# by these names when the first connection is made.
opened=()
if grep -q '^MODEL_DOWNLOAD_URL:[A-Z]*=.' "$build/CMakeCache.txt"; then
  plugins+=(tls/libqopensslbackend.so)
  opened+=(libssl.so.3 libcrypto.so.3)
fi

rm -rf "$bundle"
cmake --install "$build" --component mneme --strip --prefix "$usr" >/dev/null
mkdir -p "$usr/lib"

qt_plugins=$(qtpaths6 --query QT_INSTALL_PLUGINS 2>/dev/null || /usr/lib/qt6/bin/qtpaths6 --query QT_INSTALL_PLUGINS)
for plugin in "${plugins[@]}"; do
  [ -f "$qt_plugins/$plugin" ] || die "$qt_plugins/$plugin is missing"
  install -D -m 644 "$qt_plugins/$plugin" "$usr/lib/qt6/plugins/$plugin"
  patchelf --set-rpath "\$ORIGIN/../../.." "$usr/lib/qt6/plugins/$plugin"
done
printf '[Paths]\nPrefix = ..\nPlugins = lib/qt6/plugins\n' >"$usr/bin/qt.conf"

# What they need, and what that needs in its turn, but not what only the system's own libraries need.
declare -A place
while read -r library path; do
  place[$library]=$path
done < <(ldd "$build"/bin/mneme "$build"/bin/mneme-cli "${plugins[@]/#/$qt_plugins/}" | awk '$2 == "=>" && $3 ~ "^/" { print $1, $3 }' | sort -u)
for library in "${opened[@]}"; do
  place[$library]=$(cc -print-file-name="$library")
done
origins=()
waiting=("$build/bin/mneme" "$build/bin/mneme-cli" "${plugins[@]/#/$qt_plugins/}")
while [ ${#waiting[@]} -gt 0 ]; do
  found=()
  for library in "${opened[@]}" $(objdump -p "${waiting[@]}" | awk '$1 == "NEEDED" { print $2 }' | sort -u); do
    if [[ $library =~ $system ]] || [ -e "$usr/lib/$library" ]; then continue; fi
    [ -n "${place[$library]:-}" ] || die "$library is not found"
    install -m 644 "$(realpath "${place[$library]}")" "$usr/lib/$library"
    origins+=("$usr/lib/$library=${place[$library]}")
    found+=("${place[$library]}")
  done
  waiting=("${found[@]}")
done
installer/small_icu.sh "$usr"/lib/libicudata.so.*
for library in "$usr"/lib/*.so*; do patchelf --set-rpath "\$ORIGIN" "$library"; done
for plugin in "${plugins[@]}"; do
  origins+=("$usr/lib/qt6/plugins/$plugin=$qt_plugins/$plugin")
done
patchelf --set-rpath "\$ORIGIN/../lib" "$usr/bin/mneme" "$usr/bin/mneme-cli"

# Whose the parts are, and their licences, whose texts only Debian keeps at one place.
doc=$usr/share/doc/mneme
parts=$(sed -n 's/^set(PARTS_OF_OTHERS \(.*\))$/\1/p' installer/package_files.cmake)
# shellcheck disable=SC2086
python3 -B installer/sbom.py "$version" "$doc/sbom.spdx.json" --notices "$doc/notices" --parts $parts --bundled "${origins[@]}"
install -m 644 LICENSE installer/run/NOTICES.txt "$doc"
rm "$doc/changelog.Debian.gz"
mkdir "$doc/notices/common-licenses"
cp --no-dereference /usr/share/common-licenses/* "$doc/notices/common-licenses"

install -m 755 installer/run/install.sh "$usr"
install -m 755 installer/appimage/AppRun "$bundle"
id=$(basename "$usr"/share/applications/*.desktop .desktop)
cp "$usr/share/applications/$id.desktop" "$usr/share/icons/hicolor/256x256/apps/$id.png" "$bundle"
ln -s "$id.png" "$bundle/.DirIcon"

mapfile -t binaries < <(find "$usr" -type f \( -name '*.so*' -o -path '*/bin/mneme*' \))
installer/check_floor.sh "${binaries[@]}"
