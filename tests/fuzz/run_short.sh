#!/bin/sh
# Runs every fuzz target for a while on the committed seeds, and fails on a finding. Then runs fuzz_model_planted, the same target with a check
# taken out of the reader, and fails if nothing is found: a fuzzer that finds nothing proves something only if it can find.
#
#   tests/fuzz/run_short.sh BUILD_DIR [RUNS]      (BUILD_DIR of preset fuzz; RUNS a target, 10000 by default)
#
# Inputs that were found are left in BUILD_DIR/fuzz-findings.
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: $0 BUILD_DIR [RUNS]" >&2
  exit 2
fi
build=$1
runs=${2:-10000}
seed=20240601
here=$(dirname "$0")
findings=$build/fuzz-findings
mkdir -p "$findings"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# run NAME SEEDS: one target. The corpus is a copy, so that a run never depends on an earlier one. Limits: 128 KiB an input (a pack of one crop has 90), 10 s, 2 GiB.
run() {
  rm -rf "$work/corpus"
  cp -r "$here/seeds/$2" "$work/corpus"
  "$build/bin/$1" -runs="$runs" -seed="$seed" -max_len=131072 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$findings/$1-" "$work/corpus" >"$work/log" 2>&1
}

found=0
for target in fuzz_lists:lists fuzz_model:model fuzz_pickle:pickle fuzz_picture:picture; do
  name=${target%%:*}
  [ -x "$build/bin/$name" ] || { echo "FAILED  $name: not built"; found=1; continue; }
  if run "$name" "${target##*:}"; then
    echo "ok      $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") runs without a finding"
  else
    echo "FAILED  $name: a finding, input in $findings"
    tail -n 60 "$work/log"
    found=1
  fi
done

if run fuzz_model_planted model; then
  echo "FAILED  fuzz_model_planted: the planted out-of-bounds read was not found in $runs runs"
  found=1
elif grep -qE "AddressSanitizer: (heap-buffer-overflow|SEGV)" "$work/log"; then
  echo "ok      fuzz_model_planted: the planted out-of-bounds read was found"
  rm -f "$findings"/fuzz_model_planted-*
else
  echo "FAILED  fuzz_model_planted: ended without the sanitizer's report"
  tail -n 60 "$work/log"
  found=1
fi
exit $found
