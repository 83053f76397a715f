#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh KIND...: packages from build/package, which `./dev package` built before; into build/package/packages.
# Kinds: deb (CPack, with the system's libraries); appimage, rpm, tar, run (one tree that brings its own); all. The same sources give the same
# bytes: times are $SOURCE_DATE_EPOCH's. $MNEME_SIGNING_KEY names a key of gpg's that signs the list of digests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
umask 022
export LC_ALL=C.UTF-8
: "${SOURCE_DATE_EPOCH:?is not set: the time that the packages bear}"
build=$PWD/build/package
out=$build/packages
bundle=$build/bundle
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")
name=mneme-$version-$(uname -m)

die() { echo "package.sh: $*" >&2; exit 1; }

make_debs() {
  local log=$build/cpack.log
  cpack --config "$build/CPackConfig.cmake" -G DEB -B "$out" >"$log" 2>&1 || { cat "$log" >&2; die "cpack could not make the packages"; }
  rm -rf "$out/_CPack_Packages"
  # Newer lintians have AppStream want the address of a page. Where the packager named none, that is known.
  local known=() tag=appstream-metadata-validation-failed
  if ! grep -q '^MNEME_HOMEPAGE:STRING=.' "$build/CMakeCache.txt" && lintian-explain-tags $tag >/dev/null 2>&1; then
    known=(--suppress-tags "$tag")
  fi
  lintian --fail-on error,warning "${known[@]}" "$out"/*.deb
}

make_bundle() {  # make_bundle KIND, which the program reads
  [ -e "$bundle" ] || installer/bundle.sh "$build" "$bundle" "$version"
  echo "$1" >"$bundle/usr/lib/mneme/package"
  find "$bundle" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +  # rpmbuild only makes later times earlier
}

# A time, an order and an owner for everything.
pack_tree() {
  tar --create --directory "$bundle" --transform "s,^usr,mneme-$version," --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" \
    --owner=0 --group=0 --numeric-owner usr
}

make_appimage() {
  make_bundle appimage
  local runtime=$build/appimage-runtime image=$build/appimage.squashfs target=$out/$name.AppImage
  local libraries=(-l:libsquashfuse_ll.a -l:libsquashfuse.a -l:libfuse3.a -l:libzstd.a -l:liblzma.a -l:liblz4.a -l:liblzo2.a -l:libz.a)
  cc -O2 -Wall -D_FILE_OFFSET_BITS=64 -I/usr/include/fuse3 -ffile-prefix-map="$PWD=." -ffunction-sections -Wl,--gc-sections -s \
    installer/appimage/runtime.c -o "$runtime" "${libraries[@]}" -lpthread -ldl
  printf 'AI\002' | dd of="$runtime" bs=1 seek=8 conv=notrunc status=none  # "AppImage, type 2"
  installer/check_floor.sh "$runtime"
  rm -f "$image"
  env -u SOURCE_DATE_EPOCH mksquashfs "$bundle" "$image" -comp zstd -Xcompression-level 22 -b 1M -noappend -quiet -no-progress \
    -all-root -mkfs-time "$SOURCE_DATE_EPOCH" -all-time "$SOURCE_DATE_EPOCH" -processors "$(nproc)"
  cat "$runtime" "$image" >"$target"
  chmod 755 "$target"
  rm "$image" "$runtime"
  for how in "" --appimage-extract-and-run; do
    # shellcheck disable=SC2086
    [ "$("$target" $how cli --version)" = "mneme-cli $version" ] || die "$target $how cli --version does not answer"
  done
}

make_rpm() {
  make_bundle rpm
  local log=$build/rpmbuild.log top=$build/rpmbuild
  rm -rf "$top"
  rpmbuild -bb installer/rpm/mneme.spec --define "_topdir $top" --define "_rpmdir $out" --define "_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm" \
    --define "bundle $bundle" --define "mneme_version $version" --define "description_file $build/installer/description" \
    --define "_buildhost localhost" \
    --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" >"$log" 2>&1 ||
    { cat "$log" >&2; die "rpmbuild could not make the package"; }
  rm -rf "$top"
  rpmlint --strict --config installer/rpm/rpmlint.toml "$out"/*.rpm
}

make_tar() {
  make_bundle tar
  pack_tree | zstd -19 --quiet --force -T1 -o "$out/$name.tar.zst"
}

make_run() {
  make_bundle run
  local target=$out/$name.run
  pack_tree | xz -9 --threads=1 >"$build/run.tar.xz"
  installer/run/make_run.sh "$version" "$build/run.tar.xz" "$target"
  rm "$build/run.tar.xz"
  "$target" --extract "$build/run"
  [ "$("$build/run/mneme-$version/bin/mneme-cli" --version)" = "mneme-cli $version" ] || die "what $target unpacks does not answer"
  rm -r "$build/run"
}

kinds=("${@:-all}")
[[ " ${kinds[*]} " != *" all "* ]] || kinds=(deb rpm appimage tar run)
rm -rf "$out" "$bundle"
mkdir -p "$out"
for kind in "${kinds[@]}"; do
  case $kind in
    deb) make_debs ;;
    rpm) make_rpm ;;
    appimage) make_appimage ;;
    tar) make_tar ;;
    run) make_run ;;
    *) die "$kind is no kind of package: deb, rpm, appimage, tar, run, all" ;;
  esac
done
(cd "$out" && find . -maxdepth 1 -type f -printf '%P\n' | sort | xargs sha256sum >"$build/SHA256SUMS" && mv "$build/SHA256SUMS" .)
if [ -n "${MNEME_SIGNING_KEY:-}" ]; then
  gpg --batch --yes --local-user "$MNEME_SIGNING_KEY" --armor --output "$out/SHA256SUMS.asc" --detach-sign "$out/SHA256SUMS"
fi
ls -l "$out"
